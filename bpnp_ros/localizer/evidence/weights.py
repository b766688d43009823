"""Weights of the probability that a pose is wrong; made by `python -m experiments.trust.fit`."""

AT_NOTHING = 3.47
OF_LEAD = 0.299
OF_SEEN = 0.714
