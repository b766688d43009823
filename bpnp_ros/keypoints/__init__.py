"""From images and messages to clean keypoints on the z = 1 plane."""
