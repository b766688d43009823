"""A map model from bare points, for maps that no weights were trained for."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from bpnp_ros.backends.open3d import hidden_point_removal
from bpnp_ros.map_model.exploration import (
    ExplorationConfig,
    Positions,
    coarse_view_space,
    explore,
)
from bpnp_ros.map_model.map_model import MapModel
from bpnp_ros.point_map.cleaning import clean_map, thin_to_count

PLACES = 500


def model_from_points(
    points: NDArray[np.float64],
    exploration: ExplorationConfig,
    most_points: int,
    device: torch.device,
    seed: int = 0,
) -> MapModel:
    """Clean and thin points (N, 3), and find by hidden-point removal what is seen from where.

    Raises MapError for a map that is empty, degenerate, or without room for a camera.
    """
    point_map = thin_to_count(clean_map(points), most_points)

    def seen_from(positions: Positions) -> NDArray[np.bool_]:
        seen = np.zeros((len(positions), len(point_map)), bool)
        for row, position in enumerate(positions):
            seen[row, hidden_point_removal(point_map.points, position)] = True
        return seen

    samples = explore(point_map, seen_from, PLACES, exploration, seed)
    space = coarse_view_space(point_map, samples, exploration)
    return MapModel(point_map, space).to(device)
