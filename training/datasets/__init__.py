"""Pairs of point sets to train and test on, drawn sample by sample."""
