"""Hold some photographs of a scene back, so that the map knows nothing of what they saw."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bpnp_ros.errors import MapError
from bpnp_ros.point_map.cleaning import checked_scale
from bpnp_ros.point_map.sfm.sfm_model import SfmModel
from bpnp_ros.point_map.sfm.triangulation import triangulated

MEDIAN_DEPTH = 3.0  # metres that the median depth is taken to be where the scale is not known


@dataclass(frozen=True, eq=False)
class SplitScene:
    """mapping: the photographs that make the map, and its points; held_back: the others, in their
    order. Both in metres, scale being metres per unit of the scene."""

    mapping: SfmModel
    held_back: SfmModel
    scale: float


def split_scene(
    scene: SfmModel, held_back: NDArray[np.int64], scale: float | None = None
) -> SplitScene:
    """The photographs of the rows `held_back` apart, the points triangulated from the others alone.

    scale: metres per unit; None: such that the map's median depth is MEDIAN_DEPTH. Raises MapError.
    """
    others = np.setdiff1d(np.arange(scene.image_count), held_back)
    return _in_metres(triangulated(scene.with_images(others)), scene.with_images(held_back), scale)


def unsplit_scene(scene: SfmModel, scale: float | None = None) -> SplitScene:
    """All photographs map, with the points as they are, and are looked for as well."""
    return _in_metres(scene, scene, scale)


def _in_metres(mapping: SfmModel, held_back: SfmModel, scale: float | None) -> SplitScene:
    if len(mapping) == 0 or held_back.image_count == 0:
        count = mapping.image_count + held_back.image_count
        raise MapError(f"{count} photographs are too few to hold some of them back.")
    metres = checked_scale(scale) if scale else MEDIAN_DEPTH / mapping.median_depth
    return SplitScene(mapping.scaled(metres), held_back.scaled(metres), metres)
