"""The TF of a bag."""
