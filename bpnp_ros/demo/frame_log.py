"""A run of the demo to scrub through, with what the node keeps to itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bpnp_ros.configuration.parameters import LocalizationSettings, LocalizerConfig
from bpnp_ros.demo.score import DemoRecord
from bpnp_ros.demo.stream import CAMERA, DemoStream
from bpnp_ros.errors import BpnpError
from bpnp_ros.evaluation.trajectory import NANOSECONDS
from bpnp_ros.figures.frame_log import FrameLog
from bpnp_ros.keypoints.keypoints import Keypoints, keypoints_from_pixels
from bpnp_ros.keypoints.lens import image_frustum
from bpnp_ros.localizer.localizer import Localizer
from bpnp_ros.localizer.types import Fix, Rejection
from bpnp_ros.runtime.answering import rejection_for
from bpnp_ros.runtime.engine import Engine


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
            log.add(stamp, localizer.map_model, CAMERA, keypoints, answer, poses)


def build(stream: DemoStream, parameters: dict[str, Any]) -> Localizer:
    """As the node is told to, ready for the demo's camera."""
    proposers = {name: parameters[name] for name in ("use_network", "use_likelihood_search")}
    settings = LocalizationSettings(weights=parameters["weights"])
    localizer = Engine.from_settings(settings, LocalizerConfig(**proposers)).build(
        stream.map_points
    )
    localizer.prepare(image_frustum(CAMERA))
    return localizer


def answered(
    localizer: Localizer, stream: DemoStream, row: int, stamp_ns: int
) -> tuple[Keypoints | None, Fix | Rejection]:
    """A message's keypoints, None where none can be read, and its answer."""
    pixels = stream.keypoints[row]
    try:
        keypoints = keypoints_from_pixels(pixels[:, :2], CAMERA, pixels[:, 2])
    except BpnpError as error:
        return None, rejection_for(error)
    return keypoints, localizer.localize(keypoints, stamp=stamp_ns / NANOSECONDS)
