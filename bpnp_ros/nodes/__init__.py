"""The ROS 2 nodes: messages in, `localizer.localize(...)`, messages out."""
