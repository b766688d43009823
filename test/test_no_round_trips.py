"""Network, transport, pose layer and the proposer made of them never wait for a GPU.

Fake tensors know their shapes and no values: whoever asks for one fails. They are on the processor
and say that they are on a GPU, so that the property is tested without one.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor
from torch._subclasses.fake_tensor import DataDependentOutputException, FakeTensorMode

from bpnp_ros.geometry.camera import Frustum
from bpnp_ros.localizer.candidates import Candidates
from bpnp_ros.localizer.descent.distinct import are_distinct
from bpnp_ros.localizer.frame import Frame
from bpnp_ros.localizer.proposers.any_map_network import AnyMapNetwork, Crops
from bpnp_ros.network.attention import AttentionBPnPNet
from bpnp_ros.network.bpnpnet import BPnPNet
from bpnp_ros.network.canonical_frame import canonical_frames
from bpnp_ros.network.matching import MatchingNetwork
from bpnp_ros.network.pose_weights import pose_weights
from bpnp_ros.optimal_transport.dustbin import dustbin_sinkhorn
from bpnp_ros.optimal_transport.sinkhorn import sinkhorn
from bpnp_ros.pnp.losses import correspondence_loss, log_likelihood_loss, pose_loss
from bpnp_ros.pnp.ransac import initial_poses
from bpnp_ros.pnp.weighted_pnp import weighted_pnp

POINTS = 250


@pytest.fixture(autouse=True)
def fake_gpu(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(torch.Tensor, "is_cuda", True)
    with FakeTensorMode():
        yield


def sets() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    counts = torch.full((2,), POINTS)
    return torch.rand(2, POINTS, 2), torch.rand(2, POINTS, 3), counts, counts


def test_the_fake_gpu_catches_whoever_asks_for_a_value() -> None:
    with pytest.raises(DataDependentOutputException):
        bool(torch.rand(3).gt(0).any())


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("kind", [BPnPNet, AttentionBPnPNet])
def test_a_training_step_asks_for_none(kind: type[MatchingNetwork], training: bool) -> None:
    network, (p2d, p3d, *counts) = kind().train(training), sets()
    matching = network(p2d, p3d, *counts)
    C, true = torch.zeros(2, POINTS, POINTS), torch.ones(2, POINTS, dtype=torch.bool)
    loss = correspondence_loss(matching.P, C)
    if matching.log_plan is not None:
        loss = log_likelihood_loss(matching.log_plan, C, true, true)
    theta0, _ = initial_poses(matching.P, p2d, p3d, counts[0], counts[1])
    theta = weighted_pnp(pose_weights(matching, p2d, p3d, theta0), p2d, p3d, theta0, 10)
    pose = pose_loss(theta, torch.eye(3).expand(2, 3, 3), torch.zeros(2, 3))
    (loss + pose.rotation + pose.translation).backward()
    assert all(
        weight.grad is not None for name, weight in network.named_parameters() if "conv" in name
    )


def test_transport_asks_for_none_there_and_back() -> None:
    scores, mass = torch.rand(2, POINTS, POINTS, requires_grad=True), torch.ones(2, POINTS)
    plan = sinkhorn(scores, mass / POINTS, mass / POINTS).sum()
    (plan + dustbin_sinkhorn(scores, torch.zeros(()), mass, mass).sum()).backward()


def test_poses_in_crops_of_a_map_ask_for_none() -> None:
    B, frustum = 3, Frustum(-0.8, 0.8, -0.6, 0.6, 0.002)
    crops = Crops(
        T_map_crop=torch.eye(4).expand(B, 4, 4),
        points=torch.rand(B, POINTS, 3),
        rows=torch.zeros(B, POINTS, dtype=torch.long),
        counts=torch.full((B,), POINTS),
        origin=torch.zeros(B, 3),
        unit=torch.ones(B),
    )
    xy, pairs = torch.rand(POINTS, 2), torch.zeros(POINTS, 500)
    frame = Frame(xy, torch.ones(POINTS), frustum, 0.002, 0.3, pairs)
    proposer = AnyMapNetwork(None, AttentionBPnPNet(), None, seed=0)  # type: ignore[arg-type]
    poses, found = proposer.poses(frame, crops)
    assert poses.shape == (2 * B, 4, 4) and found.shape == (2 * B,)


def test_candidates_are_chosen_among_without_asking_for_any() -> None:
    poses, rows = torch.eye(4).repeat(6, 1, 1), torch.arange(6)
    both = Candidates.joined([Candidates.of(poses, "a"), Candidates.of(poses, "b")])
    score = both.T_map_camera[:, 0, 3]
    best = both.select(score.argsort()[:6]).at(poses)
    assert best.names == ("a", "b") and best.by.shape == rows.shape
    are_distinct(best.T_map_camera, 0.1, 0.1, most=4)


def test_the_canonical_frame_asks_for_none() -> None:
    canonical_frames(torch.rand(2, POINTS, 3), torch.ones(2, POINTS, dtype=torch.bool))
