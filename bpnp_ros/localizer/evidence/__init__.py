"""What speaks for the best pose of a frame, and how probably it is wrong."""
