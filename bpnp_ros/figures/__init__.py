"""Colours and panels that every figure shares."""
