"""The demo: a simulated walk, sent to a node over ROS 2, and how well it did."""
