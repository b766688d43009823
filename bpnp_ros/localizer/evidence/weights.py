"""Weights of the probability that a pose is wrong; made by `python -m experiments.trust.fit`."""

AT_NOTHING = 4.01
OF_LEAD = 0.274
OF_SEEN = 1.44
