"""The test lab: a real ComfyUI on CPU with tiny models. Standard library only; shared by dev.py and the tests.

paths    where everything lies
server   start a ComfyUI in a folder of its own, queue prompts, stop it
"""
