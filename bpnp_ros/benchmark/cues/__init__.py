"""What cues bring on scenes whose photographs are at hand."""
