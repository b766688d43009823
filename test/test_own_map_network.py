"""The own-map network: what its layers promise by construction."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from bpnp_ros.geometry.transform import invert, transform_points
from bpnp_ros.map_model.view_space import ViewSpace, camera_orientation
from bpnp_ros.network.bpnpnet_map import BPnPNetMap, NetworkSize
from bpnp_ros.network.panorama import Panorama
from bpnp_ros.network.places import Places, level_bearings, turn_by_yaw

SIZE = NetworkSize(harmonics=6, bands=5, yaws=16, features=4)


def make_places(orientations: Tensor | None = None, tilt: float = 0.1) -> Places:
    anchors = torch.tensor([[0.0, 0, 0], [3, 0, 0], [0, 4, 0]])
    seen, chance = torch.zeros(3, 1, dtype=torch.int64), torch.ones(3, 1)
    return Places(ViewSpace(anchors, seen, chance, torch.full((3,), 0.5), tilt, orientations))


@pytest.fixture
def network() -> BPnPNetMap:
    torch.manual_seed(0)
    return BPnPNetMap(5 * torch.randn(20, 3), make_places(), SIZE)


def keypoints(batch: int = 2, count: int = 9) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    xy = torch.rand(batch, count, 2, generator=generator) - 0.5
    return xy, torch.ones(batch, count, dtype=torch.bool)


def test_every_keypoint_is_shared_out_among_map_points_and_the_dustbin(network: BPnPNetMap) -> None:
    xy, mask = keypoints()
    P = network(xy, mask).exp()
    assert P.shape == (2, 10, 21)
    torch.testing.assert_close(P[:, :-1].sum(dim=2), torch.ones(2, 9))


def test_a_padded_keypoint_gets_no_mass_and_changes_nothing(network: BPnPNetMap) -> None:
    xy, mask = keypoints()
    padded_xy = torch.cat([xy, torch.full((2, 3, 2), 0.3)], dim=1)
    padded_mask = torch.cat([mask, torch.zeros(2, 3, dtype=torch.bool)], dim=1)
    alone, padded = network(xy, mask), network(padded_xy, padded_mask)
    torch.testing.assert_close(padded[:, :9, :-1], alone[:, :9, :-1], atol=1e-4, rtol=1e-4)
    assert padded[:, 9:12, :-1].exp().sum() == 0


def test_the_order_of_keypoints_carries_nothing(network: BPnPNetMap) -> None:
    xy, mask = keypoints(batch=1)
    order = torch.randperm(9, generator=torch.Generator().manual_seed(2))
    expected = network(xy, mask)[:, :9][:, order]
    torch.testing.assert_close(network(xy[:, order], mask)[:, :9], expected, atol=1e-4, rtol=1e-4)


def test_a_frame_without_keypoints_has_no_matches(network: BPnPNetMap) -> None:
    P = network(torch.zeros(1, 0, 2), torch.zeros(1, 0, dtype=torch.bool))
    assert P.shape == (1, 1, 21)
    assert not P.isnan().any()


def test_turning_the_camera_shifts_the_headings_and_nothing_else() -> None:
    torch.manual_seed(0)
    panorama = Panorama(places=3, harmonics=6, bands=5, yaws=16, elevation=0.85)
    panorama.set_log_odds(torch.randn(3, 16, 5))
    xy, mask = keypoints(batch=1)
    bearing = level_bearings(xy, torch.zeros(1, 2))
    turned = turn_by_yaw(bearing, panorama.heading(torch.tensor([3])))
    shifted = panorama(bearing, mask).roll(-3, dims=0)
    torch.testing.assert_close(panorama(turned, mask), shifted, atol=1e-5, rtol=1e-4)


def test_evidence_comes_back_as_the_score_of_a_keypoint() -> None:
    panorama = Panorama(places=1, harmonics=7, bands=5, yaws=16, elevation=1.0)
    smooth = torch.cos(panorama.heading(torch.arange(16)) * 2)[None, :, None].expand(1, 16, 5)
    panorama.set_log_odds(smooth)
    forwards = torch.tensor([[[1.0, 0, 0]]])
    scores = panorama(forwards, torch.ones(1, 1, dtype=torch.bool))
    torch.testing.assert_close(scores[:, 0, 0], smooth[0, :, 0], atol=1e-5, rtol=1e-4)


def test_hypotheses_come_likeliest_first_and_share_one_probability(network: BPnPNetMap) -> None:
    everything = 3 * SIZE.yaws * len(network.places.tilts(SIZE.tilt_step))
    found = network.hypotheses(*keypoints(), everything)
    assert (found.log_probability.diff(dim=1) <= 0).all()
    torch.testing.assert_close(found.log_probability.exp().sum(dim=1), torch.ones(2))


def test_before_training_no_view_is_much_likelier_than_another(network: BPnPNetMap) -> None:
    assert (network.hypotheses(*keypoints(count=200), 5).over_chance() < 2).all()


def test_a_heading_that_is_certain_is_as_many_times_likelier_than_chance_as_there_are_views(
    network: BPnPNetMap,
) -> None:
    tilts = len(network.places.tilts(SIZE.tilt_step))
    heading = network.panorama.heading(torch.arange(SIZE.yaws))
    evidence = torch.zeros(3, SIZE.yaws, SIZE.bands)
    evidence[1] = 50 * torch.cos(heading)[:, None]
    network.panorama.set_log_odds(evidence)
    found = network.hypotheses(*keypoints(), tilts)
    assert (found.place == 1).all() and (found.yaw_pitch_roll[..., 0] == 0).all()
    assert (found.over_chance() > 3 * SIZE.yaws / 2).all()
    assert (found.over_chance() <= 3 * SIZE.yaws * tilts).all()


@pytest.mark.parametrize("with_cameras", [False, True])
def test_the_turn_of_a_pose_is_recovered(with_cameras: bool) -> None:
    turns = torch.tensor([[1.0, 0.05, -0.08], [-2.0, 0.02, 0.1], [3.0, -0.1, 0.0]])
    places = make_places(camera_orientation(turns) if with_cameras else None)
    wanted = torch.tensor([[0.1, -0.05, 0.02]]).repeat(3, 1)
    poses = places.poses(torch.arange(3), wanted)
    torch.testing.assert_close(places.yaw_pitch_roll(poses, torch.arange(3)), wanted)
    assert places.nearest(poses).tolist() == [0, 1, 2]


def test_tilts_leave_no_gap_wider_than_the_step() -> None:
    tilts = make_places(tilt=0.2).tilts(0.14)
    line = tilts[:, 0].unique()
    assert len(tilts) == len(line) ** 2
    assert line.diff().max() <= 0.14
    assert line[0] + 0.2 <= 0.07 and line[-1] == -line[0]


def test_a_mapping_camera_is_never_thought_to_look_the_other_way() -> None:
    torch.manual_seed(0)
    orientations = camera_orientation(torch.zeros(3, 3))
    places = make_places(orientations, tilt=0.2)
    network = BPnPNetMap(torch.randn(20, 3), places, SIZE)
    found = network.hypotheses(*keypoints(), 30)
    sure = found.log_probability > -50
    yaw = torch.atan2(found.yaw_pitch_roll[..., 0].sin(), found.yaw_pitch_roll[..., 0].cos())
    assert (yaw[sure].abs() <= 0.2 + math.pi / SIZE.yaws + 1e-4).all()


def test_sight_prefers_the_point_that_a_bearing_meets(network: BPnPNetMap) -> None:
    network.point_matching.set_seen(torch.ones(3, 20), clutter=10.0)
    T_map_camera = network.places.poses(torch.tensor([1]), torch.tensor([[0.7, 0.0, 0.0]]))
    in_camera = transform_points(invert(T_map_camera), network.point_matching.points[None])[0]
    ahead = (in_camera[:, 2] > 0.5).nonzero()[:, 0]
    xy = in_camera[ahead, :2] / in_camera[ahead, 2:]
    odds = network.matching_odds(xy[None], torch.tensor([1]), torch.tensor([[0.7, 0.0, 0.0]]))
    assert odds[0].argmax(dim=1).tolist() == ahead.tolist()
