"""What is left of a replay to look at."""
