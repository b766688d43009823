"""Keypoints and a map in, a Fix or a Rejection out."""
