"""What else than its position says which point a keypoint is: a file each, listed in `pairs.py`."""
