"""The ComfyUI around us: the only reader of the modules that it has loaded."""
