"""A map model from bare points, for maps that no weights were trained for."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from bpnp_ros.backends.open3d import hidden_point_removal
from bpnp_ros.localizer.config import LocalizerConfig
from bpnp_ros.localizer.map_model import MapModel
from bpnp_ros.point_map.cleaning import clean_map, thin_to_count
from bpnp_ros.point_map.exploration import (
    ExplorationConfig,
    Positions,
    coarse_view_space,
    explore,
)

PLACES = 500


def model_from_points(
    points: NDArray[np.float64], config: LocalizerConfig, device: torch.device
) -> MapModel:
    """Clean and thin points (N, 3), and find by hidden-point removal what is seen from where.

    Raises MapError for a map that is empty, degenerate, or without room for a camera.
    """
    point_map = thin_to_count(clean_map(points), config.most_points)
    exploration = ExplorationConfig(
        camera_height_min=config.camera_height_min,
        camera_height_max=config.camera_height_max,
        tilt=config.camera_tilt,
    )

    def seen_from(positions: Positions) -> NDArray[np.bool_]:
        seen = np.zeros((len(positions), len(point_map)), bool)
        for row, position in enumerate(positions):
            seen[row, hidden_point_removal(point_map.points, position)] = True
        return seen

    samples = explore(point_map, seen_from, PLACES, exploration, config.seed)
    space = coarse_view_space(point_map, samples, exploration)
    return MapModel(point_map, space).to(device)
