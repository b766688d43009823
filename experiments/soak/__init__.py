"""A node that runs for a long time: does it grow, slow down, or go wrong? See __main__."""
