"""Tensors in scripts: calls of torch, each bounded before it is made."""
