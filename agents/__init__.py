"""Agents write, check and run scripts: a Model Context Protocol server over the library (`python -m comfy_script mcp`).

Needs the extra: `pip install "comfyscript[mcp]"`. Nothing of it is imported inside ComfyUI. `tools.py` is what an agent
sees, `studio.py` what it works with; the SDK is known to `tools.py`, `resources.py`, `contents.py` and `serving.py`.
"""
