"""The language of scripts: text to values, without any knowledge of nodes."""
