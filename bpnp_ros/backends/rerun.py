"""rerun: recordings to scrub through, map and cameras in 3D. The only file that imports it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpnp_ros.errors import ConfigError

Array = NDArray[np.float64]

GREY, BLUE, GREEN, ORANGE = (150, 150, 150), (0, 114, 178), (0, 158, 115), (230, 159, 0)


def require() -> None:
    """Raise ConfigError with advice where rerun is missing."""
    try:
        import rerun as _  # noqa: F401
    except ImportError as error:
        raise ConfigError(
            f"rerun cannot be loaded ({error}): pip install 'bpnp_ros[rerun]'."
        ) from error


class Recording:
    """An .rrd file that grows frame by frame. Lengths in metres, the map's own frame.

    Raises ConfigError where rerun is missing or the file cannot be written.
    """

    def __init__(self, path: Path) -> None:
        require()
        import rerun

        self._rerun, self._stream = rerun, rerun.RecordingStream("bpnp_ros")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._stream.save(path)
        except (OSError, RuntimeError) as error:
            raise ConfigError(f"{path} cannot be written: {error}") from error

    def close(self) -> None:
        """What was logged is in the file."""
        self._stream.flush()
        self._stream.disconnect()

    def begin(self, number: int, stamp_ns: int) -> None:
        """What follows belongs to this frame."""
        self._stream.set_time("message", sequence=number)
        self._stream.set_time("stamp", timestamp=np.datetime64(stamp_ns, "ns"))

    def points(self, points: Array) -> None:
        """The map (N, 3)."""
        self._log("map", self._rerun.Points3D(points, colors=GREY))

    def lens(self, K: Array, size: tuple[int, int]) -> None:
        """K (3, 3), width and height in pixels."""
        width, height = size
        pinhole = self._rerun.Pinhole(image_from_camera=K, width=width, height=height)
        self._log("camera/image", pinhole)

    def pose(self, entity: str, T_map_camera: Array | None) -> None:
        """(4, 4); None where it is not known."""
        if T_map_camera is None:
            self._log(entity, self._rerun.Clear(recursive=False))
            return
        R, position = T_map_camera[:3, :3], T_map_camera[:3, 3]
        self._log(entity, self._rerun.Transform3D(translation=position, mat3x3=R))

    def pixels(self, name: str, pixels: Array, chosen: NDArray[np.bool_] | None = None) -> None:
        """Places (K, 2) in the image; chosen: (K,), in green."""
        colours = ORANGE if chosen is None else np.where(chosen[:, None], GREEN, BLUE)
        self._log(f"camera/image/{name}", self._rerun.Points2D(pixels, colors=colours))

    def compared(self, T_map_camera: Array, nats: Array) -> None:
        """Poses (P, 4, 4) and their log-likelihood ratios (P,): arrows along the optical axes.

        The better the greener.
        """
        shade = (np.clip(nats, 0, None) / max(float(nats.max(initial=0.0)), 1e-9))[:, None]
        arrows = self._rerun.Arrows3D(
            origins=T_map_camera[:, :3, 3],
            vectors=T_map_camera[:, :3, 2],
            colors=(np.array(GREY) * (1 - shade) + np.array(GREEN) * shade).astype(np.uint8),
        )
        rotations = T_map_camera[:, :3, :3].reshape(-1)
        self._log(
            "compared",
            arrows,
            self._rerun.AnyValues(log_likelihood_ratio_nat=nats, rotation=rotations),
        )

    def figure(self, name: str, value: float) -> None:
        """One number of this frame, to be drawn over time."""
        self._log(f"figures/{name}", self._rerun.Scalars(value))

    def text(self, text: str) -> None:
        """What became of this frame, in words."""
        self._log("answer", self._rerun.TextLog(text))

    def _log(self, entity: str, *parts: Any) -> None:
        self._stream.log(entity, *parts)
