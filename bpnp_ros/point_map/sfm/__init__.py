"""Maps from structure from motion: COLMAP models and scene files."""
