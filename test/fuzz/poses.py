"""Initial poses and transforms as nobody should send them."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from fuzz.damage import ODD_NAMES, ODD_REALS, one_of, with_odd_numbers
from fuzz.kind import Kind

from bpnp_ros.configuration.parameters import LocalizationSettings
from bpnp_ros.errors import BpnpError
from bpnp_ros.runtime.conversions import frame_name, nanoseconds, read_pose, read_transform
from bpnp_ros.runtime.frames import Frames
from bpnp_ros.runtime.tf_buffer import TransformBuffer

_FRAMES = ("map", "odom", "base", "camera", *ODD_NAMES)
_SECONDS = (0, 1, 2, 3, -1, -(1 << 31), (1 << 31) - 1)


class _Transforms(TransformBuffer):
    """As the node looks them up."""

    def lookup(self, target: str, source: str, stamp: int, patience: float = 0.0) -> np.ndarray:
        return np.eye(4) if target == source else super().lookup(target, source, stamp)

    def other_parent(self, child: str, parent: str) -> str | None:
        return None


def _odd_pose(rng: np.random.Generator) -> tuple[SimpleNamespace, SimpleNamespace]:
    """Position and orientation: mostly a rigid transform, of any size."""
    position = float(one_of(rng, (1.0, 1e9, 1e200))) * rng.normal(size=3)
    orientation = rng.normal(size=4)
    orientation /= np.linalg.norm(orientation)
    if rng.random() < 0.3:
        position = with_odd_numbers(position, rng)
    if rng.random() < 0.3:
        orientation = with_odd_numbers(orientation, rng)
    return _named(position, "xyz"), _named(orientation, "xyzw")


def _named(values: np.ndarray, names: str) -> SimpleNamespace:
    return SimpleNamespace(**dict(zip(names, values.tolist(), strict=True)))


def _header(rng: np.random.Generator) -> SimpleNamespace:
    stamp = SimpleNamespace(sec=one_of(rng, _SECONDS), nanosec=int(rng.integers(1 << 32)))
    return SimpleNamespace(stamp=stamp, frame_id=one_of(rng, _FRAMES))


def _initial_pose(rng: np.random.Generator, folder: Path) -> SimpleNamespace:
    position, orientation = _odd_pose(rng)
    covariance = np.diag(rng.uniform(0, 2, 6)).ravel()
    if rng.random() < 0.5:
        covariance = with_odd_numbers(covariance, rng)
    pose = SimpleNamespace(position=position, orientation=orientation)
    stated = SimpleNamespace(pose=pose, covariance=covariance)
    return SimpleNamespace(header=_header(rng), pose=stated)


def _take_initial_pose(message: Any) -> None:
    T, covariance = read_pose(message.pose)
    transforms = _Transforms()
    transforms.set("base", "camera", 0, np.eye(4), True)
    frame = frame_name(message.header.frame_id)
    for base in ("", "base"):
        frames = Frames(LocalizationSettings(base_frame=base), transforms)
        T_map_camera, prior = frames.camera_prior(T, covariance, frame, "map", "camera")
        assert np.isfinite(T_map_camera).all() and np.isfinite(prior).all(), "a prior of NaN"


def _tf(rng: np.random.Generator, folder: Path) -> list[SimpleNamespace]:
    return [_edge(rng) for _ in range(rng.integers(1, 12))]


def _edge(rng: np.random.Generator) -> SimpleNamespace:
    translation, rotation = _odd_pose(rng)
    if rng.random() < 0.1:
        translation.x = one_of(rng, ODD_REALS)
    return SimpleNamespace(
        header=_header(rng),
        child_frame_id=one_of(rng, _FRAMES),
        transform=SimpleNamespace(translation=translation, rotation=rotation),
    )


def _take_tf(edges: list[Any]) -> None:
    transforms = _Transforms()
    for number, edge in enumerate(edges):
        parent, child = frame_name(edge.header.frame_id), frame_name(edge.child_frame_id)
        try:
            T = read_transform(edge.transform)
        except BpnpError:
            continue
        transforms.set(parent, child, nanoseconds(edge.header.stamp), T, number % 3 == 0)
    for target, source in (("map", "camera"), ("odom", "base"), ("camera", "")):
        for stamp in (0, 1_500_000_000, -1):
            _look_up(transforms, target, source, stamp)


def _look_up(transforms: _Transforms, target: str, source: str, stamp: int) -> None:
    try:
        T = transforms.lookup(target, source, stamp)
    except BpnpError:
        return
    assert np.isfinite(T).all(), "a transform of NaN"


KINDS = {
    "initial pose": Kind(_initial_pose, _take_initial_pose),
    "TF": Kind(_tf, _take_tf),
}
