"""Places in a map, and the orientations that a camera can have there.

A camera at a place is turned by yaw, pitch and roll from the place's own frame:
R_map_camera = R_map_place Rz(yaw) Ry(pitch) Rx(roll) LEVEL. Without mapping cameras the frame of a
place is the map's, whose z is up; else it is that of the mapping camera, held level.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from bpnp_ros.geometry.rotation import so3_exp
from bpnp_ros.geometry.transform import make_transform
from bpnp_ros.map_model.view_space import ViewSpace, camera_orientation


class Places(nn.Module):
    """The anchors of a view space.

    position: (A, 3) metres. frame: (A, 3, 3) R_map_place. tilt: (), largest pitch and roll, rad.
    reach: (3,) half the size of a place, metres.
    """

    position: Tensor
    frame: Tensor
    tilt: Tensor
    reach: Tensor

    def __init__(self, space: ViewSpace) -> None:
        super().__init__()
        self.any_yaw = space.orientations is None
        if space.orientations is None:
            frame = torch.eye(3).expand(len(space.anchors), 3, 3).contiguous()
        else:
            frame = space.orientations @ _level(space.anchors.device).T
        self.register_buffer("position", space.anchors)
        self.register_buffer("frame", frame.to(space.anchors))
        self.register_buffer("tilt", torch.tensor(space.tilt).to(space.anchors))
        self.register_buffer("reach", space.reach)

    def __len__(self) -> int:
        return len(self.position)

    def nearest(self, T_map_camera: Tensor) -> Tensor:
        """The place that stands for each pose (P, 4, 4) -> (P,)."""
        position = T_map_camera[:, :3, 3] / self.reach
        distance = torch.cdist(position, self.position / self.reach).square()
        if not self.any_yaw:
            cosine = T_map_camera[:, :3, 2] @ self.frame[:, :, 0].T
            distance = distance + (2 - 2 * cosine) / self.tilt**2
        return distance.argmin(dim=1)

    def poses(self, place: Tensor, yaw_pitch_roll: Tensor) -> Tensor:
        """place (H,), yaw_pitch_roll (H, 3) rad -> T_map_camera (H, 4, 4)."""
        R = self.frame[place] @ camera_orientation(yaw_pitch_roll)
        return make_transform(R, self.position[place])

    def yaw_pitch_roll(self, T_map_camera: Tensor, place: Tensor) -> Tensor:
        """How poses (H, 4, 4) are turned from the frames of their places (H,) -> (H, 3) rad."""
        R = self.frame[place].transpose(1, 2) @ T_map_camera[:, :3, :3] @ _level(place.device).T
        yaw = torch.atan2(R[:, 1, 0], R[:, 0, 0])
        pitch = torch.asin((-R[:, 2, 0]).clamp(-1, 1))
        roll = torch.atan2(R[:, 2, 1], R[:, 2, 2])
        return torch.stack([yaw, pitch, roll], dim=1)

    def tilts(self, step: float) -> Tensor:
        """Pitch and roll (T, 2) on a grid of at most `step` rad that fills the square +-tilt."""
        count = max(math.ceil(2 * float(self.tilt) / step - 1e-3), 1)
        line = self.tilt * ((2 * torch.arange(count, device=self.tilt.device) + 1) / count - 1)
        return torch.cartesian_prod(line, line)


def _level(device: torch.device) -> Tensor:
    """Axes of a level camera that looks along x (3, 3)."""
    return camera_orientation(torch.zeros(1, 3, device=device))[0]


def level_bearings(xy: Tensor, pitch_roll: Tensor) -> Tensor:
    """Unit bearings in the place's frame of a camera with yaw 0.

    xy: (B, M, 2) on the z = 1 plane. pitch_roll: (B, 2) rad. Returns (B, M, 3).
    """
    zero = torch.zeros_like(pitch_roll[:, :1])
    R = camera_orientation(torch.cat([zero, pitch_roll], dim=1))
    bearing = torch.nn.functional.normalize(torch.nn.functional.pad(xy, (0, 1), value=1.0), dim=-1)
    return bearing @ R.transpose(1, 2)


def turn_by_yaw(bearing: Tensor, yaw: Tensor) -> Tensor:
    """Turn bearings (B, M, 3) about z by yaw (B,)."""
    zero = torch.zeros_like(yaw)
    return bearing @ so3_exp(torch.stack([zero, zero, yaw], dim=1)).transpose(1, 2)
