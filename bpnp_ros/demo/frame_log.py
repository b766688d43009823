"""A run of the demo to scrub through, with what the node keeps to itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bpnp_ros.configuration.parameter import parameters_of
from bpnp_ros.configuration.parameters import (
    DetectorConfig,
    LocalizationSettings,
    LocalizerConfig,
)
from bpnp_ros.demo.score import DemoRecord
from bpnp_ros.demo.stream import DemoStream
from bpnp_ros.errors import BpnpError
from bpnp_ros.evaluation.trajectory import NANOSECONDS
from bpnp_ros.figures.frame_log import FrameLog
from bpnp_ros.keypoints.detector import detect_keypoints
from bpnp_ros.keypoints.image import decode_compressed
from bpnp_ros.keypoints.keypoints import Keypoints, keypoints_from_pixels
from bpnp_ros.keypoints.lens import image_frustum
from bpnp_ros.localizer.localizer import Localizer
from bpnp_ros.localizer.types import Fix, Rejection
from bpnp_ros.runtime.answering import rejection_for
from bpnp_ros.runtime.engine import Engine

LIGHTS = DetectorConfig("lights")


def write_frame_log(
    path: Path, stream: DemoStream, record: DemoRecord, parameters: dict[str, Any]
) -> None:
    """Answer the messages that were sent once more, in this process, and log how.

    What the gate compares does not leave the node, so that is of this second time; the node's own
    poses stand beside it as `published`. parameters: the node's. Raises BpnpError.
    """
    localizer = build(stream, parameters)
    published = dict(
        zip(record.published.stamps_ns.tolist(), record.published.T_map_camera, strict=True)
    )
    with FrameLog.open(path) as log:
        for row, stamp in enumerate(record.sent.stamps_ns.tolist()):
            keypoints, answer = answered(localizer, stream, row, stamp)
            poses = {"published": published.get(stamp), "truth": record.sent.T_map_camera[row]}
            log.add(stamp, localizer.map_model, stream.camera, keypoints, answer, poses)


def build(stream: DemoStream, parameters: dict[str, Any]) -> Localizer:
    """As the node is told to, ready for the demo's camera."""
    names = {parameter.name for parameter in parameters_of(LocalizerConfig)}
    config = LocalizerConfig(**{name: parameters[name] for name in names & parameters.keys()})
    settings = LocalizationSettings(weights=parameters.get("weights", ""))
    localizer = Engine.from_settings(settings, config).build(stream.map_points)
    localizer.prepare(image_frustum(stream.camera))
    return localizer


def answered(
    localizer: Localizer, stream: DemoStream, row: int, stamp_ns: int
) -> tuple[Keypoints | None, Fix | Rejection]:
    """A message's keypoints, None where none can be read, and its answer."""
    try:
        keypoints = _keypoints(stream, row)
    except BpnpError as error:
        return None, rejection_for(error)
    return keypoints, localizer.localize(keypoints, stamp=stamp_ns / NANOSECONDS)


def _keypoints(stream: DemoStream, row: int) -> Keypoints:
    if stream.images:
        found = detect_keypoints(decode_compressed(stream.images[row]), LIGHTS)
        return keypoints_from_pixels(found.pixels, stream.camera, found.score, cues=found.cues)
    pixels = stream.keypoints[row]
    return keypoints_from_pixels(pixels[:, :2], stream.camera, pixels[:, 2])
