"""A fix in the frames of the robot, and an initial pose in those of the camera; no ROS needed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from bpnp_ros.configuration.parameters import LocalizationSettings
from bpnp_ros.geometry.rotation import so3_exp
from bpnp_ros.localizer.types import Fix
from bpnp_ros.runtime.frames import UNSTATED, Frames, Placement
from bpnp_ros.runtime.tf_buffer import NoTransformError

SECOND = 1_000_000_000


def transform(r: tuple[float, ...], t: tuple[float, ...]) -> np.ndarray:
    T = np.eye(4)
    T[:3, :3] = so3_exp(torch.tensor(r, dtype=torch.float64)).numpy()
    T[:3, 3] = t
    return T


T_MAP_CAMERA = transform((0.3, -1.0, 0.5), (3, 4, 1.5))
T_BASE_CAMERA = transform((0, 0.3, 1.2), (0.2, 0.1, 1.0))
T_ODOM_BASE = transform((0, 0, 0.7), (5, -2, 0))
T_MAP_SITE = transform((0, 0, 1.0), (100, 50, 3))
KNOWN = {
    "base": T_BASE_CAMERA,
    "odom": T_ODOM_BASE @ T_BASE_CAMERA,
    "camera": np.eye(4),
}


class Tf:
    """Knows where the camera is in base and odom, and the site in the map."""

    def __init__(self, parent: str | None = None) -> None:
        self.parent, self.stamps = parent, list[int]()

    def lookup(self, target: str, source: str, stamp: int, patience: float = 0.0) -> np.ndarray:
        self.stamps.append(stamp)
        if (target, source) == ("map", "site"):
            return T_MAP_SITE
        if target == source:
            return np.eye(4)
        if source == "camera":
            return KNOWN[target]
        return np.asarray(np.linalg.inv(KNOWN[source]))

    def other_parent(self, child: str, parent: str) -> str | None:
        return self.parent


def a_fix() -> Fix:
    A = np.random.default_rng(0).normal(size=(6, 6))
    return Fix(T_MAP_CAMERA, A @ A.T, np.arange(9), np.arange(9), 1.0, "test", 99.0, 0.0)


def placed(
    tf: Tf | None = None, metric: bool = True, stamp: int = 7 * SECOND, **settings: Any
) -> Placement:
    frames = Frames(LocalizationSettings(**settings), tf or Tf())
    return frames.place(a_fix(), "map", "camera", stamp, metric)


def test_a_camera_alone_is_told_as_it_was_found() -> None:
    told = placed()
    assert np.allclose(told.T_map_pose, T_MAP_CAMERA)
    assert np.allclose(told.covariance, a_fix().covariance)
    assert told.child == "camera" and told.T_map_child is not None
    assert np.allclose(told.T_map_child, T_MAP_CAMERA) and told.tf_stamp == 7 * SECOND


def test_the_pose_of_a_robot_is_that_of_its_base() -> None:
    told = placed(base_frame="base", tf_mode="base")
    T_map_base = T_MAP_CAMERA @ np.linalg.inv(T_BASE_CAMERA)
    assert np.allclose(told.T_map_pose, T_map_base)
    assert told.child == "base" and told.T_map_child is not None
    assert np.allclose(told.T_map_child, T_map_base)
    assert told.tf_stamp == 7 * SECOND


def test_map_to_odom_makes_odometry_agree_and_is_dated_ahead() -> None:
    tf = Tf()
    told = placed(tf, base_frame="base", tf_mode="odom", transform_tolerance=0.5)
    assert told.child == "odom" and told.T_map_child is not None
    assert np.allclose(told.T_map_child @ T_ODOM_BASE @ T_BASE_CAMERA, T_MAP_CAMERA)
    assert told.tf_stamp == 7 * SECOND + SECOND // 2
    assert set(tf.stamps) == {7 * SECOND}


def test_the_base_is_less_certain_than_the_camera_by_its_lever() -> None:
    """Turning the camera by w about the map's axes moves the base by w x lever."""
    told = placed(base_frame="base", tf_mode="base")
    lever = T_MAP_CAMERA[:3, :3] @ np.linalg.inv(T_BASE_CAMERA)[:3, 3]
    J = np.eye(6)
    J[:3, 3:] = np.stack([np.cross(axis, lever) for axis in np.eye(3)], axis=1)
    assert np.allclose(told.covariance, J @ a_fix().covariance @ J.T)


def test_pose_frame_comes_before_base_and_camera() -> None:
    told = placed(base_frame="base", pose_frame="odom", tf_mode="none")
    assert np.allclose(told.T_map_pose @ T_ODOM_BASE @ T_BASE_CAMERA, T_MAP_CAMERA)
    assert told.child == "" and told.T_map_child is None


def test_a_frame_with_a_parent_is_given_no_second_one() -> None:
    with pytest.raises(NoTransformError, match="'camera' has the parent 'arm'"):
        placed(Tf(parent="arm"))
    assert placed(Tf(parent="arm"), tf_mode="none").T_map_child is None


def test_without_a_scale_there_is_neither_tf_nor_another_frame_s_pose() -> None:
    assert placed(metric=False).T_map_child is None
    with pytest.raises(NoTransformError, match="no metric scale"):
        placed(metric=False, base_frame="base", tf_mode="base")


def prior(base: str, frame: str = "map") -> tuple[np.ndarray, np.ndarray]:
    """The camera's, from an initial pose at (1, 2), turned by 0.4, as RViz gives it."""
    stated = np.diag([0.25, 0.16, 0, 0, 0, 0.07])
    stated[0, 1] = stated[1, 0] = 0.1
    frames = Frames(LocalizationSettings(base_frame=base), Tf())
    T_given = transform((0, 0, 0.4), (1, 2, 0))
    return frames.camera_prior(T_given, stated, frame, "map", "camera")


def test_an_initial_pose_of_the_base_leads_to_the_camera() -> None:
    T, _ = prior("base")
    assert np.allclose(T, transform((0, 0, 0.4), (1, 2, 0)) @ T_BASE_CAMERA)
    T, _ = prior("base", "site")
    assert np.allclose(T, T_MAP_SITE @ transform((0, 0, 0.4), (1, 2, 0)) @ T_BASE_CAMERA)


def test_without_a_base_an_initial_pose_is_that_of_a_level_camera() -> None:
    T, covariance = prior("")
    assert np.allclose(T[:3, 2], (np.cos(0.4), np.sin(0.4), 0))  # looks ahead
    assert np.allclose(T[:3, 1], (0, 0, -1)) and np.allclose(T[:3, 3], (1, 2, 0))
    stated = np.array([[0.25, 0.1], [0.1, 0.16]])
    assert np.allclose(covariance[:2, :2], stated)
    assert np.allclose(np.diag(covariance)[2:5], UNSTATED[2:5])
    assert covariance[5, 5] == pytest.approx(0.07)


def test_a_covariance_given_in_another_frame_is_turned_into_the_map_s() -> None:
    _, here = prior("")
    _, there = prior("", "site")
    R = np.kron(np.eye(2), T_MAP_SITE[:3, :3])
    assert np.allclose(there, R @ here @ R.T)


def test_a_lever_to_the_camera_widens_a_prior() -> None:
    _, of_base = prior("base")
    _, of_camera = prior("")
    assert np.trace(of_base[:3, :3]) > np.trace(of_camera[:3, :3])
