"""Kinds of maps: is a camera found in each, and how often wrongly? `python -m experiments.zoo`."""
