"""Virtual mode: workflows are built here and run on a ComfyUI server."""
