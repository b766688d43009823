"""Weights of the probability that a pose is wrong; made by `python -m experiments.trust.fit`."""

CHANCE_AT_NOTHING = 3.47
CHANCE_OF_LEAD = 0.3
PLANE_AT_NOTHING = 6.0
PLANE_OF_BESIDE = 120.0
