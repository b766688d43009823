"""Weights of the probability that a pose is wrong; made by `python -m experiments.trust.fit`."""

AT_NOTHING = 2.94
OF_LEAD = 0.128
OF_OWN = 3.49e-13
OF_SEEN = 3.32e-12
