"""A cue whose value depends on the pose counts at the depth where the pose sees the point."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from landmarks import CAMERA
from numpy.typing import NDArray
from torch import Tensor

from bpnp_ros.configuration.parameters import KeypointConfig, LocalizerConfig
from bpnp_ros.keypoints.keypoints import Keypoints, keypoints_from_pixels
from bpnp_ros.localizer.cues import pairs
from bpnp_ros.localizer.frame import Frame
from bpnp_ros.localizer.measurement import log_likelihood_ratio, predict
from bpnp_ros.map_model.from_points import model_from_points
from bpnp_ros.map_model.map_model import MapModel

NOISE = 0.2
CPU = torch.device("cpu")


class Diameter:
    """Logarithm of the size on the z = 1 plane."""

    name = "size"

    def of_map(self, values: NDArray[Any]) -> Diameter:
        self.points = np.log(values[:, None]).astype(np.float32) / NOISE
        return self

    def of_keypoints(self, values: NDArray[Any], pixel: float) -> NDArray[np.float32]:
        return (np.log(values * pixel)[:, None] / NOISE).astype(np.float32)

    def at(self, points: Tensor, in_camera: Tensor, R_camera_map: Tensor) -> Tensor:
        return points - in_camera[..., 2:].clamp_min(1e-3).log() / NOISE


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> MapModel:
    monkeypatch.setattr(pairs, "POSED_CUES", (Diameter(),))
    rng = np.random.default_rng(0)
    points = np.column_stack([rng.uniform(-4, 4, (60, 2)), rng.uniform(4, 12, 60)])
    made = model_from_points(points, LocalizerConfig(motion="free"), CPU)
    made.point_map.cues["size"] = rng.uniform(0.02, 0.2, 60).astype(np.float32)  # type: ignore[index]
    return made


def shown(model: MapModel, sizes: NDArray[np.float64]) -> Keypoints:
    """From the origin of the map's own frame, every point of its size times `sizes`."""
    points = model.point_map.in_map_frame
    pixels = (points / points[:, 2:]) @ CAMERA.K[:2].T
    pixel_sizes = model.point_map.cues["size"] / points[:, 2] * CAMERA.K[0, 0] * sizes
    cues = {"size": pixel_sizes.astype(np.float32)}
    return keypoints_from_pixels(pixels, CAMERA, config=KeypointConfig(min_keypoints=3), cues=cues)


def nats(model: MapModel, keypoints: Keypoints, forward: float = 0.0, posed: bool = True) -> float:
    """Of the true pose, or of one moved along the optical axis."""
    cues = pairs.MapCues(model.point_map).posed(keypoints, model) if posed else ()
    frame = Frame.of(keypoints, 1.0, 0.3, CPU, None, cues)
    pose = torch.eye(4)[None]
    pose[0, :3, 3] = -torch.from_numpy(model.point_map.origin).float()
    pose[0, 2, 3] += forward
    sigma = 0.02
    return float(log_likelihood_ratio(predict(model, pose, frame.frustum), frame, sigma)[0])


def test_true_sizes_speak_for_the_true_pose(model: MapModel) -> None:
    keypoints = shown(model, np.ones(60))
    assert nats(model, keypoints) > nats(model, keypoints, posed=False) + 5
    assert nats(model, keypoints) > nats(model, keypoints, forward=0.5)


def test_wrong_sizes_cost_a_bounded_amount_and_unknown_ones_nothing(model: MapModel) -> None:
    wrong = shown(model, np.full(60, 30.0))
    assert nats(model, wrong) >= nats(model, wrong, posed=False) + len(wrong) * np.log(0.1)
    unknown = shown(model, np.full(60, np.nan))
    assert nats(model, unknown) == pytest.approx(nats(model, unknown, posed=False))


def test_a_keypoint_keeps_its_size_when_keypoints_are_thinned(model: MapModel) -> None:
    keypoints = shown(model, np.ones(60))
    frame = Frame.of(
        keypoints, 1.0, 0.3, CPU, None, pairs.MapCues(model.point_map).posed(keypoints, model)
    )
    thinned = frame.at_most(10)
    assert torch.equal(
        thinned.posed[0].keypoints,
        frame.posed[0].keypoints[:: len(frame.xy) // 10 + (len(frame.xy) % 10 > 0)],
    )
