"""Keypoints out of an image. No descriptors: the localiser needs positions alone."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from bpnp_ros.backends import opencv
from bpnp_ros.configuration.parameters import DetectorConfig
from bpnp_ros.errors import KeypointError
from bpnp_ros.keypoints import image_cues
from bpnp_ros.keypoints.image import Image
from bpnp_ros.keypoints.keypoints import Cues
from bpnp_ros.keypoints.lights import detect_lights

SMALLEST_SIDE = 8  # pixels; in smaller images nothing is looked for


@dataclass(frozen=True, eq=False)
class Detections:
    """pixels (M, 2) float32 (u, v) in the raw image; score (M,) float32 in [0, 1], best first;
    cues: float32 columns (M,), `rgb` (M, 3), as in `Keypoints`."""

    pixels: NDArray[np.float32]
    score: NDArray[np.float32]
    cues: Cues = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.pixels)


def detect_keypoints(image: Image, config: DetectorConfig | None = None) -> Detections:
    """Keypoints of an image; one per place, whatever its scales and orientations.

    The score is the detector's response, as a share of the strongest in the image.
    """
    grey = image.grey
    if grey.ndim != 2 or grey.dtype != np.uint8 or grey.size == 0:
        raise KeypointError(
            f"a detector needs a grey 8-bit image, not {grey.dtype} of shape {grey.shape}."
        )
    config = config or DetectorConfig()
    columns = _features(image, config)
    pixels, response = np.stack([columns.pop("u"), columns.pop("v")], 1), columns.pop("response")
    order = np.lexsort((pixels[:, 1], pixels[:, 0], -response))
    _, first = np.unique(pixels[order], axis=0, return_index=True)
    best = order[np.sort(first)][: config.max_features]
    strongest = max(float(response.max(initial=0.0)), 1e-12)
    score = np.clip(response[best] / strongest, 0, 1)
    cues = {name: column[best] for name, column in columns.items()}
    return Detections(pixels[best], score, {**cues, **_cues_of(image, pixels[best], cues)})


def _features(image: Image, config: DetectorConfig) -> dict[str, NDArray[np.float32]]:
    grey = image.grey
    if min(grey.shape) < SMALLEST_SIDE:
        return {name: np.zeros(0, np.float32) for name in ("u", "v", "response")}
    if config.detector == "lights":
        bright = grey >= config.light_threshold if config.light_threshold > 0 else None
        values = grey if image.deep is None else image.deep
        return detect_lights(values, config.max_features, bright)
    return opencv.DETECTORS[config.detector](grey, config.max_features)


def _cues_of(image: Image, pixels: NDArray[np.float32], cues: Cues) -> Cues:
    size = cues.get("size", np.full(len(pixels), np.nan, np.float32))
    found = {"sign": image_cues.signs(image.grey, pixels, size)}
    if image.rgb is not None:
        found["rgb"] = image_cues.colours(image.rgb, pixels, size)
    return found
