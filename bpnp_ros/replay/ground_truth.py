"""Where the camera truly was: TF, a pose topic or a TUM file, brought to the camera in the map.

All become edges of one TF tree that holds the whole bag; the truth is then a look-up.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpnp_ros.bags.messages import ODOMETRY, POSE, POSE_WITH_COVARIANCE, TF
from bpnp_ros.bags.reading import Bag
from bpnp_ros.bags.transforms import ROUNDING, read_transforms
from bpnp_ros.errors import BagError, ConfigError
from bpnp_ros.evaluation.tum import read_tum
from bpnp_ros.runtime.conversions import nanoseconds, read_bare_pose
from bpnp_ros.runtime.tf_buffer import FOREVER, NoTransformError, TransformBuffer

Array = NDArray[np.float64]

NONE, FROM_TF = "none", "tf"
POSES = (POSE, POSE_WITH_COVARIANCE, ODOMETRY)


@dataclass(frozen=True)
class TruthChoice:
    """Where the truth comes from, and how to read it.

    source: a topic, a TUM file, "tf", "none", or empty to guess. child: the frame that its poses
    describe; empty: the camera, or what an Odometry says. offset: seconds to add to a message's
    stamp to get the truth's. longest_gap: seconds between two poses over which to interpolate.
    """

    source: str = ""
    child: str = ""
    offset: float = 0.0
    longest_gap: float = 0.5


class GroundTruth:
    """T_map_camera at any time that the truth covers."""

    def __init__(
        self, transforms: TransformBuffer, map_frame: str, choice: TruthChoice, child: str
    ) -> None:
        self.choice, self.map_frame, self.child = choice, map_frame, child
        self.refusal = ""
        self._transforms = transforms

    def at(self, stamp_ns: int, camera: str) -> Array | None:
        """T_map_camera (4, 4); None, and a `refusal`, where it is not known."""
        stamp = stamp_ns + round(1e9 * self.choice.offset)
        try:
            return self._transforms.lookup(self.map_frame, camera, stamp)
        except NoTransformError as error:
            self.refusal = str(error)
            return None


def choose_truth(bag: Bag, source: str) -> str:
    """The source, guessed where it is empty. Raises BagError where the guess is ambiguous."""
    if source:
        return source
    poses = [t.name for t in bag.of_kinds(*POSES) if not t.name.endswith("initialpose")]
    if len(poses) > 1:
        raise BagError(f"truth: {', '.join(poses)} would do; choose one with --truth, or none.")
    if poses:
        return poses[0]
    return FROM_TF if bag.of_kinds(TF) else NONE


def read_truth(bag: Bag, choice: TruthChoice, map_frame: str, camera: str) -> GroundTruth | None:
    """Read all of it. `choice.source` is not empty. Raises BagError."""
    if choice.source == NONE:
        return None
    longest_gap = round(1e9 * choice.longest_gap)
    transforms = TransformBuffer(FOREVER, longest_gap, ROUNDING)
    read_transforms(bag, transforms)
    child = choice.child or camera
    if choice.source in bag.topics:
        child = _fill_from_topic(transforms, bag, choice, child)
    elif choice.source != FROM_TF:
        for stamp, T in _of_file(choice.source, bag):
            transforms.set(map_frame, child, stamp, T, static=False)
    return GroundTruth(transforms, map_frame, choice, child)


def _fill_from_topic(transforms: TransformBuffer, bag: Bag, choice: TruthChoice, child: str) -> str:
    """Poses of a topic as edges from their frame to `child`, or to what an Odometry says."""
    if bag.topics[choice.source].kind not in POSES:
        raise BagError(f"{choice.source} holds no poses; the truth may be {', '.join(POSES)}.")
    for recorded in bag.messages([choice.source]):
        message = recorded.message
        child = choice.child or getattr(message, "child_frame_id", "") or child
        stamp = nanoseconds(message.header.stamp)
        with suppress(ConfigError):
            T = read_bare_pose(_pose_of(message))
            transforms.set(message.header.frame_id, child, stamp, T, static=False)
    return child


def _of_file(name: str, bag: Bag) -> Iterator[tuple[int, Array]]:
    path = Path(name)
    if not path.is_file():
        raise BagError(f"truth: {name} is neither a topic of the bag nor a file.")
    trajectory = read_tum(path)
    if not len(trajectory):
        raise BagError(f"truth: {name} holds no poses.")
    yield from zip(trajectory.stamps_ns.tolist(), trajectory.T_map_camera, strict=True)


def _pose_of(message: Any) -> Any:
    """A Pose; the two types with covariance wrap it once more."""
    return getattr(message.pose, "pose", message.pose)
