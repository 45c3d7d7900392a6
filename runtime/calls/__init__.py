"""Nodes as Python functions: their enums, stubs and documentation, and the calls that scripts make of them."""
