"""Errors for people: each says what was wrong, where, and what to do."""

from __future__ import annotations

LONGEST = 1000  # letters


class BpnpError(Exception):
    """Base of every error that bpnp_ros raises on purpose.

    Names out of messages and files can have any length; a longer sentence loses its middle.
    """

    def __str__(self) -> str:
        text = super().__str__()
        if len(text) <= LONGEST:
            return text
        return f"{text[: LONGEST // 2]} ... {text[-LONGEST // 2 :]}"


class BagError(BpnpError):
    """A recording that cannot be used: unreadable, without the topics needed, ambiguous."""


class CameraError(BpnpError):
    """Intrinsics that cannot be used: no focal length, no image size, an unknown lens."""


class ConfigError(BpnpError):
    """A parameter that does not exist or is out of its range."""


class DataSetError(BpnpError):
    """A training or test set that cannot be used: missing, damaged, of an unknown kind."""


class KeypointError(BpnpError):
    """Keypoints that cannot be used: wrong fields, not finite, too few."""


class MapError(BpnpError):
    """A map that cannot be used: unreadable, empty, degenerate, of unknown scale."""


class WeightsError(BpnpError):
    """Weights that cannot be used: truncated, foreign, or trained for another map."""
