"""Train the network for your own map: python -m training.own_map MAP --out BUNDLE."""
