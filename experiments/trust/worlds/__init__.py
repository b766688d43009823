"""Worlds and what cameras in them report, as told to the localiser and otherwise."""
