"""The networks that turn keypoints and map points into features that can be matched."""
