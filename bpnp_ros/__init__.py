"""A camera finds itself in a point-cloud map from keypoint positions alone (blind PnP)."""

__version__ = "0.1.0"
