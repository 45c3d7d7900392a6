"""Everything that hooks into the ComfyUI process that the pack lives in.

startup  binds comfy_script to the running server once all packs have loaded
save     the script saved with each output
routes/  the HTTP routes that the panel talks to
"""

from .startup import Pack, load

__all__ = ['Pack', 'load']
