from __future__ import annotations

import pytest
import torch
from torch import Tensor

from bpnp_ros.network.blocks import ContextNorm
from bpnp_ros.network.bpnpnet import BPnPNet, Matching
from bpnp_ros.network.features import pairwise_distance

POINTS_2D = torch.rand(2, 12, 2, generator=torch.Generator().manual_seed(1))
POINTS_3D = torch.rand(2, 9, 3, generator=torch.Generator().manual_seed(2))
COUNTS_2D, COUNTS_3D = torch.tensor([12, 7]), torch.tensor([9, 5])


def network(true_points_only: bool = False) -> BPnPNet:
    torch.manual_seed(0)
    return BPnPNet(true_points_only=true_points_only).eval()


@torch.no_grad()
def match(net: BPnPNet, p2d: Tensor = POINTS_2D, p3d: Tensor = POINTS_3D) -> Matching:
    result: Matching = net(p2d, p3d, COUNTS_2D, COUNTS_3D)
    return result


def with_other_padding() -> tuple[Tensor, Tensor]:
    p2d, p3d = POINTS_2D.clone(), POINTS_3D.clone()
    p2d[1, 7:], p3d[1, 5:] = p2d[1, 0], p3d[1, 0]
    return p2d, p3d


def test_context_norm_uses_the_unbiased_variance_of_each_channel() -> None:
    x = torch.tensor([[[1.0, 3.0], [5.0, 5.0]]])
    expected = torch.tensor([[[-1.0, 1.0], [0.0, 0.0]]]) / (2 + 1e-3) ** 0.5
    torch.testing.assert_close(ContextNorm()(x), expected)


def test_context_norm_over_true_points_ignores_the_others() -> None:
    x = torch.tensor([[[1.0, 3.0, 100.0]]])
    true = torch.tensor([[[True, True, False]]])
    torch.testing.assert_close(ContextNorm()(x, true)[..., :2], ContextNorm()(x[..., :2]))


def test_the_distance_of_coinciding_features_has_a_finite_gradient() -> None:
    x = torch.ones(1, 2, 4, requires_grad=True)
    distance = pairwise_distance(x, torch.ones(1, 3, 4))
    distance.sum().backward()
    assert distance.max() < 1e-6
    assert x.grad is not None and x.grad.isfinite().all()


def test_padding_is_never_matched() -> None:
    P = match(network()).P
    assert (P[1, 7:] == 0).all() and (P[1, :, 5:] == 0).all()
    torch.testing.assert_close(P.sum((1, 2)), torch.ones(2))


def test_as_in_the_reference_padding_counts_in_the_statistics() -> None:
    net = network()
    assert not torch.equal(match(net).P[1], match(net, *with_other_padding()).P[1])


def test_on_true_points_only_padding_changes_nothing() -> None:
    net = network(true_points_only=True)
    torch.testing.assert_close(match(net).P, match(net, *with_other_padding()).P)


def test_the_order_of_points_does_not_matter() -> None:
    net = network()
    shuffle = torch.randperm(12, generator=torch.Generator().manual_seed(3))
    P = match(net).P[0]
    shuffled = match(net, POINTS_2D[:, shuffle]).P[0]
    torch.testing.assert_close(shuffled, P[shuffle], rtol=1e-3, atol=1e-6)


def test_given_priors_replace_the_uniform_ones() -> None:
    prior = torch.tensor([[0.5, 0.3, 0.2] + [0.0] * 6]).expand(2, 9)
    with torch.no_grad():
        P = network()(POINTS_2D, POINTS_3D, COUNTS_2D, COUNTS_3D, prior_3d=prior).P
    torch.testing.assert_close(P.sum(1), prior)


@pytest.mark.parametrize(("m", "n"), [(0, 5), (5, 0), (0, 0)])
def test_empty_sets_give_empty_answers(m: int, n: int) -> None:
    counts = torch.tensor([m, m]), torch.tensor([n, n])
    matching = network()(torch.rand(2, m, 2), torch.rand(2, n, 3), *counts)
    assert matching.P.shape == (2, m, n)


def test_single_points_match_each_other() -> None:
    one = torch.tensor([1])
    P = network()(torch.rand(1, 1, 2), torch.rand(1, 1, 3), one, one).P
    assert P.item() == pytest.approx(1)


def test_nan_stays_in_its_own_item() -> None:
    p2d = POINTS_2D.clone()
    p2d[0, 0] = torch.nan
    net = network()
    P = match(net, p2d).P
    assert P[0].isnan().any()
    torch.testing.assert_close(P[1], match(net).P[1])


def test_every_weight_learns_from_the_matches() -> None:
    net = network().train()
    net(POINTS_2D, POINTS_3D, COUNTS_2D, COUNTS_3D).P.square().sum().backward()
    for name, parameter in net.named_parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all(), name


def with_dustbin(distance: float) -> BPnPNet:
    torch.manual_seed(0)
    net = BPnPNet(dustbin=True).eval()
    net.dustbin_distance.data.fill_(distance)
    return net


def test_with_a_dustbin_points_may_stay_alone() -> None:
    alone = []
    for distance in (-5.0, 0.5, 5.0):
        log_plan = match(with_dustbin(distance)).log_plan
        assert log_plan is not None
        plan = log_plan.exp()
        torch.testing.assert_close(plan[0, :-1].sum(1), torch.ones(12))
        alone.append(float(plan[0, :-1, -1].mean()))
    assert alone[0] > 0.99 > alone[1] > 0.01 > alone[2]


def test_with_a_dustbin_the_plan_still_sums_to_one_and_leaves_padding_out() -> None:
    P = match(with_dustbin(1.0)).P
    torch.testing.assert_close(P.sum((1, 2)), torch.ones(2))
    assert (P[1, 7:] == 0).all() and (P[1, :, 5:] == 0).all()


@pytest.mark.parametrize("net", [network(), with_dustbin(1.0)], ids=["plain", "dustbin"])
def test_what_else_is_known_of_a_pair_is_added_to_its_odds(net: BPnPNet) -> None:
    told = torch.zeros(2, 12, 9)
    with torch.no_grad():
        nothing = net(POINTS_2D, POINTS_3D, COUNTS_2D, COUNTS_3D, told=told).P
        told[0, 4, :8], told[0, 4, 8] = -30.0, 30.0
        sure = net(POINTS_2D, POINTS_3D, COUNTS_2D, COUNTS_3D, told=told).P
    torch.testing.assert_close(nothing, match(net).P)
    assert sure[0, 4, 8] > 0.99 * sure[0, 4].sum() > 0
    torch.testing.assert_close(sure[1], nothing[1])


def test_the_dustbin_is_learnt() -> None:
    net = with_dustbin(1.0)
    net(POINTS_2D, POINTS_3D, COUNTS_2D, COUNTS_3D).log_plan[0, 0, -1].backward()
    assert net.dustbin_distance.grad is not None and net.dustbin_distance.grad != 0


def test_weights_tell_whether_there_is_a_dustbin() -> None:
    for net in (network(), with_dustbin(0.7)):
        again = BPnPNet.from_weights(net.state_dict()).eval()
        torch.testing.assert_close(match(again).P, match(net).P)


def test_bfloat16_in_the_blocks_changes_the_plan_a_little() -> None:
    net = network()
    exact, rounded = match(net).P, match(BPnPNet.from_weights(net.state_dict(), bf16=True).eval()).P
    assert rounded.dtype == exact.dtype and not torch.equal(rounded, exact)
    assert (rounded - exact).abs().sum((1, 2)).max() < 0.05
