"""A map model from structure from motion: its mapping photographs say what is seen from where.

Each mapping camera becomes an anchor of the view space. What a camera near it sees is counted over
the mapping cameras that are like it: of those that had a point in view, how many detected it.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from bpnp_ros.errors import MapError
from bpnp_ros.geometry.rotation import rotation_angle
from bpnp_ros.map_model.map_model import MapModel
from bpnp_ros.map_model.view_space import ViewSpace, pack_seen
from bpnp_ros.point_map.sfm.sfm_model import SfmModel

NEIGHBOUR = 3
MOST_SEEN = 1024
DOUBT = 1.0  # photographs' worth of doubt whether a point is seen at all
FAINTEST = 1e-3


def model_from_photographs(model: SfmModel, most_seen: int = MOST_SEEN) -> MapModel:
    """The map of a model in metres (`SfmModel.scaled`), as its own photographs saw it.

    A camera is looked for as far from the mapping cameras as these are from their neighbours; of
    what an anchor sees, the `most_seen` most detectable points are kept. Raises MapError for a
    model with too few photographs.
    """
    if model.image_count <= NEIGHBOUR:
        raise MapError(
            f"{model.image_count} photographs say too little of where a camera can be; "
            f"at least {NEIGHBOUR + 1} are needed."
        )
    point_map = model.point_map()
    T_map_camera = torch.from_numpy(model.T_map_camera)
    position, R = T_map_camera[:, :3, 3], T_map_camera[:, :3, :3]
    reach, tilt = _spacing(position, R, model.median_depth)
    observed, in_view = _sightings(model)
    alike = _likeness(position / reach, R[:, :, 2], tilt)
    chance = (alike @ observed) / (alike @ in_view + DOUBT)
    seen, chance = pack_seen(_strongest(chance, most_seen))
    anchors = (position - torch.from_numpy(point_map.origin)).float()
    reaches = torch.full((3,), reach)
    return MapModel(point_map, ViewSpace(anchors, seen, chance, reaches, tilt, R.float()))


def _spacing(position: Tensor, R: Tensor, depth: float) -> tuple[float, float]:
    """Median distance (m) and angle (rad) between a camera and its NEIGHBOUR-th neighbour."""
    distance = torch.cdist(position, position)
    angle = rotation_angle(R[:, None], R[None])
    apart = distance / depth + angle
    neighbour = apart.topk(NEIGHBOUR + 1, largest=False).indices[:, -1:]
    medians = [float(values.gather(1, neighbour).median()) for values in (distance, angle)]
    return max(medians[0], 1e-3 * depth), max(medians[1], 1e-3)


def _sightings(model: SfmModel) -> tuple[Tensor, Tensor]:
    """Which points each photograph detected, and which it had in view, (I, N) of 0 and 1."""
    in_view = np.stack([model.in_view_of(image) for image in range(model.image_count)])
    observed = np.zeros_like(in_view)
    for image in range(model.image_count):
        _, shown = model.keypoints_of(image)
        observed[image, shown[shown >= 0]] = True
    return torch.from_numpy(observed).double(), torch.from_numpy(in_view | observed).double()


def _likeness(position: Tensor, axis: Tensor, tilt: float) -> Tensor:
    """How far each camera's sightings hold for each other camera, (I, I) in (0, 1].

    position: (I, 3) in reaches. axis: (I, 3) optical axes. The distance is that of `ViewSpace`.
    """
    apart = torch.cdist(position, position).square() + (2 - 2 * axis @ axis.T) / tilt**2
    return torch.exp(-0.5 * apart)


def _strongest(chance: Tensor, most: int) -> Tensor:
    """Chances (A, N) with the `most` greatest of each row left, and none that is negligible."""
    least = chance.topk(min(most, chance.shape[1]), dim=1).values[:, -1:].clamp_min(FAINTEST)
    return torch.where(chance >= least, chance, torch.zeros_like(chance))
