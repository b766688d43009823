"""A map model from a map as loaded: by its photographs where it has some, else by its points."""

from __future__ import annotations

import logging

import numpy as np
import torch
from numpy.typing import NDArray

from bpnp_ros.configuration.parameters import LocalizerConfig
from bpnp_ros.map_model.from_photographs import NEIGHBOUR, model_from_photographs
from bpnp_ros.map_model.from_points import model_from_points
from bpnp_ros.map_model.map_model import MapModel
from bpnp_ros.map_model.motion import AUTO, PHOTOGRAPHS
from bpnp_ros.point_map.point_map import PointMap
from bpnp_ros.point_map.sfm.sfm_model import SfmModel

_log = logging.getLogger(__name__)


def model_from_map(
    source: PointMap | NDArray[np.floating], config: LocalizerConfig, device: torch.device
) -> MapModel:
    """What a localiser needs to know of a map that no weights were trained for.

    source: a map, or bare points (N, 3) in metres. Raises MapError for a map that cannot be used,
    ConfigError for a motion that it does not allow.
    """
    photographs = source.photographs if isinstance(source, PointMap) else None
    if photographs is not None and _are_asked(photographs, config.motion):
        return model_from_photographs(_most_seen(photographs, config.most_points)).to(device)
    return model_from_points(source, config, device)


def _are_asked(photographs: SfmModel, motion: str) -> bool:
    """Whether the camera is to be looked for near the map's photographs."""
    if motion == AUTO and photographs.image_count <= NEIGHBOUR:
        _log.warning(
            "the map has %d photographs, too few to say where a camera can be; it is used as bare "
            "points, and a level camera is looked for.",
            photographs.image_count,
        )
        return False
    return motion in (AUTO, PHOTOGRAPHS)


def _most_seen(photographs: SfmModel, most: int) -> SfmModel:
    """The model with the `most` points that most of its photographs saw."""
    keep = np.zeros(len(photographs), bool)
    keep[np.argsort(-photographs.track_length, kind="stable")[:most]] = True
    return photographs.with_points(keep)
