"""The ComfyUI around us: in this process, as far as somebody else imported it, and as a folder on this machine.

No other part of the package looks into `sys.modules` for modules of ComfyUI's (tests/dev/test_modules_of_others.py).

loaded      modules that somebody else imported: `server`, `nodes`, `folder_paths`, command line arguments
process     the server of this process: where it listens, its schemas, whether a blocking wait would ever end
schemas     what the loaded node classes say of themselves, as `/object_info` would say it
embeddings  the names of the embeddings
interrupts  what stops a run: the user's interrupt, no more memory
messages    what a running node tells the browser
checkout    ComfyUI as a folder: finding it, its Python, its command line
"""
