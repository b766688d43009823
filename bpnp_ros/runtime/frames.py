"""In which frames a fix is published: `pose` of `pose_frame`, TF by `tf_mode`.

Everything is looked up before anything is published, so that a fix is told whole or not at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bpnp_ros.configuration.parameters import LocalizationSettings
from bpnp_ros.localizer.types import Fix
from bpnp_ros.runtime.tf_buffer import NEWEST, NoTransformError

Array = NDArray[np.float64]

UNSTATED = (1.0, 1.0, 1.0, 0.1, 0.1, 0.1)  # m^2 and rad^2
T_LEVEL_CAMERA = np.array(
    [[0.0, 0.0, 1.0, 0.0], [-1.0, 0.0, 0.0, 0.0], [0.0, -1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]]
)
"""An optical frame in a body that looks along its x and stands along its z."""


@dataclass(frozen=True, eq=False)
class Placement:
    """A fix in the frames of the robot.

    T_map_pose (4, 4) and covariance (6, 6) belong to the frame that `pose` describes;
    T_map_child (4, 4) is the TF to broadcast for `child` at `tf_stamp`, None where there is none.
    """

    T_map_pose: Array
    covariance: Array
    child: str = ""
    T_map_child: Array | None = None
    tf_stamp: int = 0


class LooksUpTransforms(Protocol):
    """`nodes.tf.Transforms`, or what stands in for it."""

    def lookup(self, target: str, source: str, stamp: int, patience: float = 0.0) -> Array:
        """T_target_source (4, 4) at `stamp`, nanoseconds. Raises NoTransformError."""

    def other_parent(self, child: str, parent: str) -> str | None:
        """A parent that somebody else gives to `child`."""


class Frames:
    """Carries poses between the camera and the frames that the settings name."""

    def __init__(self, settings: LocalizationSettings, transforms: LooksUpTransforms) -> None:
        self._settings = settings
        self._transforms = transforms

    def place(self, fix: Fix, map_frame: str, camera: str, stamp: int, metric: bool) -> Placement:
        """`stamp` in nanoseconds. Raises NoTransformError for TF that is missing or contradicts."""
        pose_frame = self.pose_frame(camera)
        self._refuse_unless_metric(metric, pose_frame, camera)
        T_camera_pose = self._lookup(camera, pose_frame, stamp)
        covariance = move_covariance(fix.covariance, fix.T_map_camera, T_camera_pose)
        T_map_pose = fix.T_map_camera @ T_camera_pose
        child = self._child(camera)
        if not child or not metric:
            return Placement(T_map_pose, covariance)
        other = self._transforms.other_parent(child, map_frame)
        if other is not None:
            raise NoTransformError(self._second_parent(child, other, map_frame))
        T_map_child = fix.T_map_camera @ self._lookup(camera, child, stamp)
        ahead = self._settings.transform_tolerance if self._settings.tf_mode == "odom" else 0.0
        return Placement(T_map_pose, covariance, child, T_map_child, stamp + round(1e9 * ahead))

    def camera_prior(
        self, T_given: Array, covariance: Array, frame: str, map_frame: str, camera: str
    ) -> tuple[Array, Array]:
        """An initial pose given in `frame` -> T_map_camera and its covariance (6, 6).

        It is that of `initialpose_of`, x ahead and z up. A variance of zero, which RViz gives to z,
        roll and pitch, counts as not stated.
        """
        stated = np.diag(covariance) > 0
        covariance = np.where(stated[:, None] & stated, covariance, np.diag(UNSTATED))
        T_map_frame = self._lookup(map_frame, frame, NEWEST)
        turn = np.kron(np.eye(2), T_map_frame[:3, :3])
        covariance = turn @ covariance @ turn.T
        T_map_body = T_map_frame @ T_given
        base = self._settings.base_frame
        T_body_camera = self._lookup(base, camera, NEWEST) if base else T_LEVEL_CAMERA
        return T_map_body @ T_body_camera, move_covariance(covariance, T_map_body, T_body_camera)

    @property
    def initialpose_of(self) -> str:
        """What an initial pose is taken to be the pose of, for people."""
        base = self._settings.base_frame
        return f"'{base}'" if base else "a level camera (x ahead, z up), as base_frame is empty"

    def pose_frame(self, camera: str) -> str:
        return self._settings.pose_frame or self._settings.base_frame or camera

    def _child(self, camera: str) -> str:
        """The frame whose parent the map becomes; empty in tf_mode none."""
        settings = self._settings
        by_mode = {"camera": camera, "base": settings.base_frame, "odom": settings.odom_frame}
        return by_mode.get(settings.tf_mode, "")

    def _lookup(self, target: str, source: str, stamp: int) -> Array:
        return self._transforms.lookup(target, source, stamp, self._settings.transform_timeout)

    def _refuse_unless_metric(self, metric: bool, pose_frame: str, camera: str) -> None:
        if not metric and pose_frame != camera:
            raise NoTransformError(
                f"the map has no metric scale, so the pose of '{pose_frame}' does not follow from "
                f"that of '{camera}'; set map_scale, or pose_frame to the camera's frame."
            )

    def _second_parent(self, child: str, other: str, map_frame: str) -> str:
        remedy = {
            "camera": "set tf_mode to base, odom or none",
            "base": f"set tf_mode to odom and odom_frame to '{other}'",
        }.get(self._settings.tf_mode, f"only one node may send map to '{child}'")
        return (
            f"'{child}' has the parent '{other}' in TF already and cannot hang below "
            f"'{map_frame}' too; {remedy}."
        )


def move_covariance(covariance: Array, T_map_a: Array, T_a_b: Array) -> Array:
    """Covariance (6, 6) of frame a's pose in the map -> that of frame b, rigidly attached to it.

    Order (x, y, z, rx, ry, rz), rotations about the map's fixed axes: turning a by a small w moves
    b, a lever l away, by w x l.
    """
    x, y, z = T_map_a[:3, :3] @ T_a_b[:3, 3]
    adjoint = np.eye(6)
    adjoint[:3, 3:] = [[0, z, -y], [-z, 0, x], [y, -x, 0]]
    return adjoint @ covariance @ adjoint.T
