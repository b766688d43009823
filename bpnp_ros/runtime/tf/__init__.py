"""The robot's own motion, out of TF."""
