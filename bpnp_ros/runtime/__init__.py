"""A running localiser without ROS: configuration, cameras, maps, messages to arrays, frames."""
