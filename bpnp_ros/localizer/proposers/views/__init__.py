"""Stored views of a map, told apart by what a frame shows."""
