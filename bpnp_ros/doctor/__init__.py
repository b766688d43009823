"""What keeps a localiser from working, in words: live on a ROS graph, or for one frame of a bag."""
