"""Our conversion beside the real web UI's: `python dev.py parity`."""
