"""Which frames are worth a look, and what there is to see in them."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from bpnp_ros.bags.messages import COMPRESSED_IMAGE, IMAGE
from bpnp_ros.bags.reading import Bag
from bpnp_ros.errors import BpnpError
from bpnp_ros.figures.projection import image_size, in_pixels, map_in_view
from bpnp_ros.localizer.types import Fix
from bpnp_ros.replay.page.figure import FramePicture
from bpnp_ros.replay.player import Played
from bpnp_ros.replay.score import NOT_FALSE, ReplayRecord
from bpnp_ros.replay.session import Replay
from bpnp_ros.runtime.conversions import nanoseconds, read_image

Image = NDArray[np.uint8]

WORST, TYPICAL = 3, 3


def pictures_of(replay: Replay) -> list[FramePicture]:
    """The worst and some typical frames; images come from the bag where it has them."""
    record = replay.record()
    readable = np.array([played.keypoints is not None for played in replay.played], bool)
    rows = worth_a_look(record, readable)
    images = _images(replay.bag, _image_topic(replay), {replay.played[r].stamp_ns for r in rows})
    return [
        picture_of(replay, record, row, images.get(replay.played[row].stamp_ns)) for row in rows
    ]


def worth_a_look(record: ReplayRecord, readable: NDArray[np.bool_]) -> list[int]:
    """Rows of the worst and of some typical frames among the readable ones (F,).

    False poses are worst, then messages without a pose, then poses by their error; typical are
    those at the quartiles of what is left.
    """
    errors = record.errors()
    false = record.is_fix & record.has_truth & ~errors.within(NOT_FALSE)
    group = np.select([false, ~record.is_fix], [0, 1], 2)
    by_error = -np.where(np.isfinite(errors.metres), errors.metres, 0.0)
    order = np.lexsort((by_error, group))
    order = order[readable[order]]
    rest = order[WORST:]
    places = np.linspace(0.25, 0.75, TYPICAL) * max(len(rest) - 1, 0)
    typical = rest[np.unique(places.round().astype(int))] if len(rest) else rest
    return [int(row) for row in (*order[:WORST], *typical)]


def picture_of(replay: Replay, record: ReplayRecord, row: int, image: Image | None) -> FramePicture:
    """A frame with the map as seen from the pose found, or else from the true one."""
    played = replay.played[row]
    keypoints, answer = played.keypoints, played.answer
    assert keypoints is not None, "only readable frames are drawn"
    camera = replay.player.cameras.camera_of(played.frame_id)
    inlier = np.zeros(len(keypoints), bool)
    T = record.truth[row]
    if isinstance(answer, Fix):
        inlier[answer.keypoint_index], T = True, answer.T_map_camera
    model = replay.active.localizer.map_model
    expected = map_in_view(model, T, keypoints.frustum) if np.isfinite(T).all() else None
    return FramePicture(
        _title(record, row, played, replay.active.metric),
        in_pixels(keypoints.xy.astype(np.float64), camera, keypoints.frustum),
        inlier,
        np.zeros((0, 2)) if expected is None else in_pixels(expected, camera, keypoints.frustum),
        image_size(camera, keypoints.frustum),
        image,
    )


def _title(record: ReplayRecord, row: int, played: Played, metric: bool) -> str:
    answer, seconds = played.answer, record.seconds[row]
    start = f"message {row}, {seconds:.1f} s: "
    known = bool(record.has_truth[row])
    if not isinstance(answer, Fix):
        view = "; map from the true pose" if known else ""
        return f"{start}{answer.category.value}{view}"
    errors = record.errors()
    off = (
        f", off by {errors.metres[row]:.3f} {'m' if metric else 'units'}, "
        f"{errors.degrees[row]:.2f}°"
        if known
        else ""
    )
    return f"{start}{answer.proposer}, {answer.inliers} inliers{off}"


def _image_topic(replay: Replay) -> str:
    """The images that the keypoints came from; empty where nobody can say."""
    there = [topic.name for topic in replay.bag.of_kinds(IMAGE, COMPRESSED_IMAGE)]
    return replay.topics.image or (there[0] if len(there) == 1 else "")


def _images(bag: Bag, topic: str, stamps: Collection[int]) -> dict[int, Image]:
    """Grey images by stamp."""
    images: dict[int, Image] = {}
    for recorded in bag.messages([topic]) if topic else ():
        stamp = nanoseconds(recorded.message.header.stamp)
        if stamp in stamps:
            try:
                images[stamp] = read_image(recorded.message).grey
            except BpnpError:
                continue
        if len(images) == len(stamps):
            break
    return images
