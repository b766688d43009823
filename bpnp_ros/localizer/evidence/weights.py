"""Weights of the probability that a pose is wrong; `python -m experiments.trust.fit` fits them.

Those of chance were fitted on 720 first fixes in buildings. That of a plane is set between what
mirrored buildings showed beside it, 0.08 at most, and what right poses did, 0.11 at least.
"""

CHANCE_AT_NOTHING = 3.47
CHANCE_OF_LEAD = 0.3
PLANE_AT_NOTHING = 6.0
PLANE_OF_BESIDE = 120.0
