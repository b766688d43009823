"""Weights on disk: tensors with a header that says what they are, and checkpoints of the paper."""
