"""Where candidate poses come from: a file each, listed in `registry.py`."""
