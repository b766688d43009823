"""Makes weights; needs no ROS."""
