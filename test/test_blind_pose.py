"""The likeliest pose of two sets, from several looks of a network that never saw the scene."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

pytest.importorskip("lightning")

from bpnp_ros.geometry.rotation import rotation_angle, so3_exp
from bpnp_ros.network.blind_pose import MOST_LOOKS, likeliest_pose
from bpnp_ros.network.bpnpnet import BPnPNet
from bpnp_ros.network.matching import Matching, MatchingNetwork
from bpnp_ros.pnp.ransac import RansacSettings, initial_poses
from bpnp_ros.weights.bpnpnet_file import any_map_weights, load_bpnpnet
from training.datasets.sample import Batch, collate
from training.datasets.simulated import SimulatedScenes
from training.datasets.source import Epoch


class Counted(MatchingNetwork):
    """The shipped network, and how often it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.network, self.looks = load_bpnpnet(any_map_weights()), 0

    @classmethod
    def from_weights(cls, weights: dict[str, Tensor], bf16: bool = False) -> MatchingNetwork:
        raise NotImplementedError

    @property
    def has_dustbin(self) -> bool:
        return True

    def forward(self, *sets: Tensor) -> Matching:  # type: ignore[override]
        self.looks += 1
        matching: Matching = self.network(*sets)
        return matching


def scenes(rate: float, count: int) -> list[Batch]:
    """Simulated ones of the test split, at most 160 points in a set."""
    drawn = Epoch(SimulatedScenes("test", rate), seed=23)
    return [collate([drawn[i].thinned(160, np.random.default_rng(i))]) for i in range(count)]


def is_right(theta: Tensor | None, scene: Batch) -> bool:
    if theta is None:
        return False
    angle = rotation_angle(so3_exp(theta[None, :3]), scene.R.double())
    return bool(angle < 0.09) and bool((theta[3:] - scene.t[0]).norm() < 0.25)


def test_an_easy_scene_takes_two_looks() -> None:
    network, right = Counted(), 0
    for scene in scenes(0.0, 4):
        right += is_right(likeliest_pose(network, scene.p2d[0], scene.p3d[0]), scene)
    assert right == 4 and network.looks <= 2 * 4 + 2


def test_among_outliers_it_finds_cameras_that_one_look_does_not() -> None:
    network, several, one = load_bpnpnet(any_map_weights()), 0, 0
    for scene in scenes(0.4, 8):
        counts = scene.num_points_2d, scene.num_points_3d
        with torch.no_grad():
            P = network(scene.p2d, scene.p3d, *counts).P
        theta, found = initial_poses(P, scene.p2d, scene.p3d, *counts, RansacSettings())
        one += bool(found) and is_right(theta[0].double(), scene)
        several += is_right(likeliest_pose(network, scene.p2d[0], scene.p3d[0]), scene)
    assert several > one


def test_it_asks_no_more_often_than_it_says_and_always_answers_the_same() -> None:
    network, scene = Counted(), scenes(0.9, 1)[0]
    first = likeliest_pose(network, scene.p2d[0], scene.p3d[0])
    assert network.looks <= MOST_LOOKS
    second = likeliest_pose(network, scene.p2d[0], scene.p3d[0])
    assert str(first) == str(second)


def test_a_network_without_a_dustbin_is_asked_as_well() -> None:
    torch.manual_seed(0)
    scene = scenes(0.0, 1)[0]
    theta = likeliest_pose(BPnPNet().eval(), scene.p2d[0], scene.p3d[0])
    assert theta is None or theta.isfinite().all()


@pytest.mark.parametrize("count", [0, 1, 3])
def test_too_few_points_have_no_pose(count: int) -> None:
    scene = scenes(0.0, 1)[0]
    network = load_bpnpnet(any_map_weights())
    assert likeliest_pose(network, scene.p2d[0, :count], scene.p3d[0]) is None
    assert likeliest_pose(network, scene.p2d[0], scene.p3d[0, :count]) is None


def test_no_pose_is_made_up_of_one_spot_or_of_what_is_no_number() -> None:
    scene = scenes(0.0, 1)[0]
    network = load_bpnpnet(any_map_weights())
    spot = torch.full_like(scene.p2d[0], 0.1)
    assert likeliest_pose(network, spot, scene.p3d[0]) is None
    assert likeliest_pose(network, scene.p2d[0] * torch.nan, scene.p3d[0]) is None
