"""Why frames are not found."""
