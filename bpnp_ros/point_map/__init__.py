"""Maps: files of points and their cues, structure from motion, cleaning."""
