"""Everything that hooks into the ComfyUI process that the pack lives in.

startup      hands the pack over to ComfyUI, and puts the hooks in once all packs have loaded
routes       the HTTP routes that the panel talks to; http: their bodies, bounds and statuses; files: what they read
save         the script saved with each output: who gets it; scripts: writes it ahead of time and within a bound
plain        our keys in PNG files as plain text
sidecar      the script as a file beside the output
preferences  what the owner and the user want saved
"""

from .startup import Pack, load

__all__ = ['Pack', 'load']
