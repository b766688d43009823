"""From matches to a pose: candidate pairs, RANSAC, weighted blind PnP as a declarative layer."""
