"""How good an answer is: pose errors, recall, trajectories."""
