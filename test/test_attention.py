"""The variant of BPnPNet with attention has the interface of the paper's, and its weights know."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from bpnp_ros.errors import WeightsError
from bpnp_ros.network.attention import AttentionBPnPNet
from bpnp_ros.network.bpnpnet import BPnPNet
from bpnp_ros.network.matching import Matching
from bpnp_ros.pnp.ransac import initial_poses
from bpnp_ros.pnp.weighted_pnp import weighted_pnp
from bpnp_ros.weights.bpnpnet_file import load_bpnpnet
from bpnp_ros.weights.safetensors_file import WeightsHeader, save_weights

POINTS_2D = torch.rand(2, 12, 2, generator=torch.Generator().manual_seed(1)) - 0.5
POINTS_3D = torch.randn(2, 9, 3, generator=torch.Generator().manual_seed(2))
COUNTS_2D, COUNTS_3D = torch.tensor([12, 7]), torch.tensor([9, 5])


def network(bf16: bool = False) -> AttentionBPnPNet:
    torch.manual_seed(0)
    return AttentionBPnPNet(bf16).eval()


@torch.no_grad()
def match(net: AttentionBPnPNet, p2d: Tensor = POINTS_2D, p3d: Tensor = POINTS_3D) -> Matching:
    matching: Matching = net(p2d, p3d, COUNTS_2D, COUNTS_3D)
    return matching


def stored(
    folder: Path, weights: dict[str, Tensor], name: str = AttentionBPnPNet.architecture
) -> Path:
    path = folder / "weights.safetensors"
    save_weights(path, weights, WeightsHeader(name))
    return path


def test_each_point_is_matched_or_stays_alone() -> None:
    matching = match(network())
    assert matching.P.shape == matching.distance.shape == (2, 12, 9)
    assert matching.log_plan is not None
    plan = matching.log_plan.exp()
    torch.testing.assert_close(plan[0, :-1].sum(1), torch.ones(12))
    torch.testing.assert_close(matching.P.sum((1, 2)), torch.ones(2))
    torch.testing.assert_close(matching.features_2d.norm(dim=2), torch.ones(2, 12))


def test_padding_is_never_matched_and_changes_nothing() -> None:
    p2d, p3d = POINTS_2D.clone(), POINTS_3D.clone()
    p2d[1, 7:], p3d[1, 5:] = p2d[1, 0], 100.0
    P = match(network()).P
    assert (P[1, 7:] == 0).all() and (P[1, :, 5:] == 0).all()
    torch.testing.assert_close(match(network(), p2d, p3d).P, P)


def test_an_item_is_matched_as_if_it_were_alone() -> None:
    counts = COUNTS_2D[1:], COUNTS_3D[1:]
    with torch.no_grad():
        alone = network()(POINTS_2D[1:, :7], POINTS_3D[1:, :5], *counts).P[0]
    torch.testing.assert_close(match(network()).P[1, :7, :5], alone)


def test_the_plan_is_shuffled_as_the_points_are() -> None:
    rows = torch.randperm(12, generator=torch.Generator().manual_seed(3))
    columns = torch.randperm(9, generator=torch.Generator().manual_seed(4))
    P = match(network()).P[0]
    shuffled = match(network(), POINTS_2D[:, rows], POINTS_3D[:, columns]).P[0]
    torch.testing.assert_close(shuffled, P[rows][:, columns], rtol=1e-3, atol=1e-6)


def test_given_priors_are_the_masses_of_points() -> None:
    prior = torch.tensor([[0.5, 0.3, 0.2] + [0.0] * 6]).expand(2, 9)
    with torch.no_grad():
        P = network()(POINTS_2D, POINTS_3D, COUNTS_2D, COUNTS_3D, prior_3d=prior).P
    assert (P[:, :, 3:] == 0).all() and (P[:, :, 0].sum(1) > P[:, :, 2].sum(1)).all()


def test_what_else_is_known_of_a_pair_is_added_to_its_odds() -> None:
    told, net = torch.zeros(2, 12, 9), network()
    with torch.no_grad():
        nothing = net(POINTS_2D, POINTS_3D, COUNTS_2D, COUNTS_3D, told=told).P
        told[0, 4] = torch.tensor([-30.0] * 8 + [30.0])
        sure = net(POINTS_2D, POINTS_3D, COUNTS_2D, COUNTS_3D, told=told)
    torch.testing.assert_close(nothing, match(net).P)
    assert sure.log_plan[0, 4, 8].exp() > 0.99
    torch.testing.assert_close(sure.P[1], nothing[1])


def test_the_weights_of_pnp_are_the_plan_to_a_power() -> None:
    net = network()
    net.exponent.data.fill_(1.0)
    plain = match(net).P
    net.exponent.data.fill_(3.0)
    P = match(net).P
    torch.testing.assert_close(P.sum((1, 2)), torch.ones(2))
    torch.testing.assert_close(P, plain**3 / (plain**3).sum((1, 2), keepdim=True))


@pytest.mark.parametrize(("m", "n"), [(0, 5), (5, 0), (0, 0)])
def test_empty_sets_give_empty_answers(m: int, n: int) -> None:
    counts = torch.tensor([m, m]), torch.tensor([n, n])
    P = network()(torch.rand(2, m, 2), torch.rand(2, n, 3), *counts).P
    assert P.shape == (2, m, n) and P.isfinite().all()


def test_an_item_without_points_leaves_the_others_alone() -> None:
    with torch.no_grad():
        P = network()(POINTS_2D, POINTS_3D, torch.tensor([12, 0]), torch.tensor([9, 0])).P
    torch.testing.assert_close(P[0], match(network()).P[0])
    assert (P[1] == 0).all()


@pytest.mark.parametrize("count", [1, 5])
def test_points_that_coincide_are_matched_evenly(count: int) -> None:
    counts = torch.tensor([count])
    P = network()(torch.zeros(1, count, 2), torch.zeros(1, count, 3), counts, counts).P
    torch.testing.assert_close(P, torch.full((1, count, count), 1 / count**2))


def test_nan_stays_in_its_own_item() -> None:
    p2d = POINTS_2D.clone()
    p2d[0, 0] = torch.nan
    P = match(network(), p2d).P
    assert P[0].isnan().any()
    torch.testing.assert_close(P[1], match(network()).P[1])


def test_every_weight_learns_from_the_matches() -> None:
    net = network().train()
    matching = net(POINTS_2D, POINTS_3D, COUNTS_2D, COUNTS_3D)
    plan = matching.log_plan[matching.log_plan > -50]
    (plan.square().sum() + matching.P.square().sum()).backward()
    for name, parameter in net.named_parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all(), name
        assert (parameter.grad != 0).any(), name


def test_the_pose_loss_reaches_the_network_through_both_layers() -> None:
    net = network().train()
    counts = COUNTS_2D[:1], COUNTS_3D[:1]
    P = net(POINTS_2D[:1], POINTS_3D[:1], *counts).P
    theta0, _ = initial_poses(P, POINTS_2D[:1], POINTS_3D[:1], *counts)
    weighted_pnp(P, POINTS_2D[:1], POINTS_3D[:1], theta0).sum().backward()
    grad = net.projection_3d.weight.grad
    assert grad is not None and grad.isfinite().all()


def test_bfloat16_in_the_blocks_changes_the_plan_a_little() -> None:
    exact, rounded = match(network()).P, match(network(bf16=True)).P
    assert rounded.dtype == exact.dtype and not torch.equal(rounded, exact)
    assert (rounded - exact).abs().sum((1, 2)).max() < 0.05


@pytest.mark.parametrize("half", [False, True])
def test_the_header_tells_which_network_the_weights_are_of(tmp_path: Path, half: bool) -> None:
    weights = network().state_dict()
    stored_as = {name: w.half() if half else w for name, w in weights.items()}
    loaded = load_bpnpnet(stored(tmp_path, stored_as))
    assert isinstance(loaded, AttentionBPnPNet)
    torch.testing.assert_close(match(loaded).P, match(network()).P, atol=0.01 * half, rtol=0)
    assert isinstance(load_bpnpnet(stored(tmp_path, BPnPNet().state_dict(), "bpnpnet")), BPnPNet)


def other_channels(weights: dict[str, Tensor]) -> None:
    weights["keypoint_encoder.mlp.0.weight"] = torch.zeros(96, 51)


def one_more(weights: dict[str, Tensor]) -> None:
    weights["cue_encoder.weight"] = torch.zeros(96, 4)


def one_less(weights: dict[str, Tensor]) -> None:
    del weights["blocks.3.mlp.1.bias"]


@pytest.mark.parametrize(
    ("spoil", "what"),
    [
        (other_channels, "keypoint_encoder.mlp.0.weight"),
        (one_more, "cue_encoder.weight"),
        (one_less, "blocks.3.mlp.1.bias"),
    ],
)
def test_weights_of_another_shape_are_refused_in_a_sentence(
    tmp_path: Path, spoil: Callable[[dict[str, Tensor]], None], what: str
) -> None:
    weights = dict(network().state_dict())
    spoil(weights)
    with pytest.raises(WeightsError, match=rf"does not hold the weights of a .*{what}") as refused:
        load_bpnpnet(stored(tmp_path, weights))
    assert "\n" not in str(refused.value) and len(str(refused.value)) < 400


def test_weights_under_the_wrong_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="does not hold the weights of a BPnPNet as 'bpnpnet'"):
        load_bpnpnet(stored(tmp_path, network().state_dict(), "bpnpnet"))
    with pytest.raises(WeightsError, match="'bpnpnet' or 'bpnpnet_attention' is asked for"):
        load_bpnpnet(stored(tmp_path, network().state_dict(), "bpnpnet_map"))
