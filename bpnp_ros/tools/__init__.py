"""Commands for people: each module is one, `python -m bpnp_ros.tools.<name> --help`."""
