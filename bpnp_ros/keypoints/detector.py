"""Keypoints out of an image. No descriptors: the localiser needs positions alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bpnp_ros.backends import opencv
from bpnp_ros.configuration.parameters import DetectorConfig
from bpnp_ros.errors import KeypointError


@dataclass(frozen=True, eq=False)
class Detections:
    """pixels (M, 2) float32 (u, v) in the raw image; score (M,) float32 in [0, 1], best first."""

    pixels: NDArray[np.float32]
    score: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.pixels)

    def columns(self) -> dict[str, NDArray[np.float32]]:
        """By the names that the fields of a keypoint message have."""
        return {"u": self.pixels[:, 0], "v": self.pixels[:, 1], "score": self.score}


def detect_keypoints(image: NDArray[np.uint8], config: DetectorConfig | None = None) -> Detections:
    """Keypoints of a grey image (H, W) uint8; one per place, whatever its scales and orientations.

    The score is the detector's response, as a share of the strongest in the image.
    """
    if image.ndim != 2 or image.dtype != np.uint8 or image.size == 0:
        raise KeypointError(
            f"a detector needs a grey 8-bit image, not {image.dtype} of shape {image.shape}."
        )
    config = config or DetectorConfig()
    pixels, response = opencv.DETECTORS[config.detector](image, config.max_features)
    order = np.lexsort((pixels[:, 1], pixels[:, 0], -response))
    _, first = np.unique(pixels[order], axis=0, return_index=True)
    best = order[np.sort(first)][: config.max_features]
    strongest = max(float(response.max(initial=0.0)), 1e-12)
    return Detections(pixels[best], np.clip(response[best] / strongest, 0, 1))
