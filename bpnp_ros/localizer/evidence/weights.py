"""Weights of the probability that a pose is wrong; made by `python -m experiments.trust.fit`."""

AT_NOTHING = 4.5
OF_LEAD = 0.3
OF_OWN = 3.0
OF_SEEN = 0.6
