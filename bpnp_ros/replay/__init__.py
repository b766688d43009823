"""A recording through the localiser, every message of it: answers, truth, score, report."""
