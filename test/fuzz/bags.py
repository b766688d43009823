"""Recordings with damage: in their storage, in what is compressed, in their metadata."""

from __future__ import annotations

import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from fuzz.damage import damage_one_of, one_of
from fuzz.kind import Kind

from bpnp_ros.backends.rosbags import Writer
from bpnp_ros.bags import messages
from bpnp_ros.bags.reading import Bag
from bpnp_ros.errors import BpnpError
from bpnp_ros.runtime.conversions import read_keypoint_cues, read_keypoints

COUNT = 20
_FORMS = [
    (storage, compression)
    for storage in ("sqlite3", "mcap")
    for compression in ("none", "message", "file", "storage")
    if (storage, compression) != ("sqlite3", "storage")
]


@cache
def _whole(storage: str, compression: str) -> tuple[tempfile.TemporaryDirectory, Path]:
    """Keypoints at 10 Hz; the folder lives as long as the process."""
    folder = tempfile.TemporaryDirectory(prefix="fuzz_bag_")
    path, rng = Path(folder.name, "bag"), np.random.default_rng(0)
    with Writer(path, storage, compression) as bag:
        bag.add_topic("/keypoints", messages.KEYPOINTS)
        for number in range(COUNT):
            u, v = rng.uniform(0, 400, (2, 60)).astype(np.float32)
            cloud = messages.cloud(messages.header(number, "camera"), {"u": u, "v": v})
            bag.write("/keypoints", number * 100_000_000 + 2, cloud)
    return folder, path


def _bag(rng: np.random.Generator, folder: Path) -> Path:
    path = folder / "bag"
    shutil.copytree(_whole(*one_of(rng, _FORMS))[1], path)
    damage_one_of(path, rng)
    return path


def _take_bag(path: Path) -> None:
    with Bag(path) as bag:
        read = [_readable(recorded.message) for recorded in bag.messages(list(bag.topics))]
        assert len(read) <= COUNT, "messages that nobody recorded"


def _readable(cloud: Any) -> bool:
    try:
        read_keypoints(cloud)
        read_keypoint_cues(cloud)
    except BpnpError:
        return False
    return True


KINDS = {"bag": Kind(_bag, _take_bag)}
