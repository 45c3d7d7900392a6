"""From a tree to closures."""
