"""Readers of the files that ComfyUI writes its texts into."""
