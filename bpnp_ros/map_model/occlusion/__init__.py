"""What hides what in a map of which only points are known."""
