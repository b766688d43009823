"""An explanation to look at: keypoints against the map, seen from each of the best poses."""

from __future__ import annotations

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from bpnp_ros.doctor.explanation import ComparedPose, Explanation
from bpnp_ros.errors import BagError
from bpnp_ros.figures import palette
from bpnp_ros.figures.projection import image_size, in_pixels, map_in_view
from bpnp_ros.localizer.types import Fix
from bpnp_ros.replay.page.figure import FramePicture, draw_frame
from bpnp_ros.replay.player import Player

COLUMNS = 2


def picture(player: Player, explanation: Explanation) -> Figure:
    """A panel for each pose. Raises BagError for a message whose keypoints could not be read."""
    if explanation.played.keypoints is None:
        raise BagError(f"message {explanation.message} has no keypoints that could be drawn.")
    poses: list[ComparedPose | None] = [*explanation.poses] or [None]
    rows = -(-len(poses) // COLUMNS)
    with matplotlib.rc_context(palette.STYLE):
        figure = Figure(figsize=(13, 5.2 * rows), layout="constrained")
        places = figure.subplots(rows, COLUMNS, squeeze=False).ravel()
        for place, pose in zip(places, poses, strict=False):
            draw_frame(place, _frame(player, explanation, pose))
        for place in places[len(poses) :]:
            place.axis("off")
        answer = explanation.played.answer
        verdict = "taken" if isinstance(answer, Fix) else f"no pose: {answer.category.value}"
        figure.suptitle(f"message {explanation.message}, {verdict}", x=0.01, ha="left")
    return figure


def _frame(player: Player, explanation: Explanation, pose: ComparedPose | None) -> FramePicture:
    played = explanation.played
    keypoints, answer, active = played.keypoints, played.answer, player.active
    assert keypoints is not None
    camera = player.cameras.camera_of(played.frame_id)
    inlier, expected, title = np.zeros(len(keypoints), bool), np.zeros((0, 2)), "no pose to compare"
    if pose is not None and active is not None:
        first = pose is explanation.poses[0]
        if isinstance(answer, Fix) and first:
            inlier[answer.keypoint_index] = True
        model = active.localizer.map_model
        seen = map_in_view(model, pose.T_map_camera, keypoints.frustum)
        expected = in_pixels(seen, camera, keypoints.frustum)
        title = f"map from the {'best pose' if first else 'next'}: {pose.nats:.0f} nats"
    return FramePicture(
        title,
        in_pixels(keypoints.xy.astype(np.float64), camera, keypoints.frustum),
        inlier,
        expected,
        image_size(camera, keypoints.frustum),
    )
