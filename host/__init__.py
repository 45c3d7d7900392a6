"""Everything that hooks into the ComfyUI process that the pack lives in.

startup      hands the pack over to ComfyUI, and puts the hooks in once all packs have loaded
routes       the HTTP routes that the panel talks to; http: their bodies, bounds and statuses; files: what they read
save         the script saved with each output; scripts: writes it ahead of time, within a bound; script_patterns: fast
after_saving the script into or beside files that are saved already; png_text: texts in PNG files
plain        our keys in PNG files as plain text
preferences  what the owner and each user want saved; users: whose prompt it is
preload      imports all of it, before it can be updated under the running server
web          the page's files, such that versions never meet
"""

from .startup import PackContents, load

__all__ = ['PackContents', 'load']
