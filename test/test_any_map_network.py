"""BPnPNet for any map at work in the localiser, on maps that nothing was trained for."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from rooms import CONFIG, fresh_views, rooms, world
from torch import Tensor

from bpnp_ros.configuration.parameters import LocalizationSettings, LocalizerConfig
from bpnp_ros.demo.weights import demo_bundle
from bpnp_ros.errors import WeightsError
from bpnp_ros.geometry.camera import Frustum
from bpnp_ros.geometry.chart import EQUIDISTANT
from bpnp_ros.localizer.candidates import apart
from bpnp_ros.localizer.frame import Frame
from bpnp_ros.localizer.localizer import Localizer
from bpnp_ros.localizer.progress import Progress, unheard
from bpnp_ros.localizer.proposers.any_map_network import AnyMapNetwork, Crops
from bpnp_ros.localizer.types import Fix
from bpnp_ros.network.bpnpnet import BPnPNet
from bpnp_ros.network.bpnpnet_map import BPnPNetMap
from bpnp_ros.network.matching import MatchingNetwork
from bpnp_ros.network.places import Places
from bpnp_ros.runtime.engine import Engine
from bpnp_ros.runtime.maps import Maps
from bpnp_ros.simulation.observation import DetectorNoise
from bpnp_ros.simulation.ply import write_ply
from bpnp_ros.weights.bpnpnet_file import any_map_weights, shipped_network
from bpnp_ros.weights.chosen import load_chosen
from bpnp_ros.weights.safetensors_file import WeightsHeader, save_weights

CPU = torch.device("cpu")
ALONE = replace(CONFIG, use_likelihood_search=False, use_tracker=False)


class SomeViews:
    """Stored views that are always the same."""

    def __init__(self, T_map_camera: Tensor) -> None:
        self.T_map_camera = T_map_camera

    def prepare(self, frustum: Frustum, progress: Progress = unheard) -> None:
        """They are there."""

    def best_views(self, frame: Frame, count: int) -> Tensor:
        return self.T_map_camera[:count]


class LittleMemory(MatchingNetwork):
    """The shipped network where two crops at once are all that there is room for."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error, self.network = error, shipped_network(CPU)

    @classmethod
    def from_weights(cls, weights: dict[str, Tensor], bf16: bool = False) -> MatchingNetwork:
        raise NotImplementedError

    @property
    def has_dustbin(self) -> bool:
        return True

    def forward(  # type: ignore[override]
        self, p2d: Tensor, *others: Tensor, told: Tensor | None = None
    ) -> object:
        if len(p2d) > 2:
            raise self.error
        return self.network(p2d, *others, told=told)


def near_by(T_map_camera: Tensor, count: int = 5) -> Tensor:
    """Views (count, 4, 4) up to half a metre beside one (1, 4, 4)."""
    views = T_map_camera.repeat(count, 1, 1)
    offsets = torch.rand(count, 2, generator=torch.Generator().manual_seed(0)) - 0.5
    views[:, :2, 3] += torch.linspace(0.2, 1, count)[:, None] * offsets
    return views


def proposer(views: Tensor, network: MatchingNetwork | None = None) -> AnyMapNetwork:
    return AnyMapNetwork(rooms(), network or shipped_network(CPU), SomeViews(views), seed=0)


def test_it_finds_the_camera_from_views_near_by() -> None:
    found = 0
    for view in fresh_views(4, seed=31):
        candidates = proposer(near_by(view.recentred)).propose(view.frame).candidates
        distance, angle = apart(candidates.T_map_camera, view.recentred[0])
        found += bool(((distance < 0.2) & (angle < 0.1)).any())
    assert found >= 3


def test_cues_show_it_cameras_among_clutter_where_it_sees_none() -> None:
    noise = DetectorNoise(missed=0.3, clutter=0.85)
    found = {False: 0, True: 0}
    for view in fresh_views(5, seed=33, noise=noise):
        M, true = len(view.landmark), view.landmark >= 0
        pairs = torch.full((M, len(rooms().points)), -1.0)
        pairs[torch.arange(M)[true], torch.from_numpy(view.landmark[true])] = 3.0
        for with_cues in found:
            frame = replace(view.frame, pairs=pairs if with_cues else None)
            candidates = proposer(near_by(view.recentred)).propose(frame).candidates
            distance, angle = apart(candidates.T_map_camera, view.recentred[0])
            found[with_cues] += bool(((distance < 0.2) & (angle < 0.1)).any())
    assert found[True] >= 4 > found[False]


def test_alone_it_finds_most_cameras_in_rooms_that_nothing_was_trained_for() -> None:
    localizer = Localizer(rooms(), None, ALONE)
    views = fresh_views(6, seed=21)
    answers = [localizer.localize(view.keypoints) for view in views]
    right = 0
    for answer, view in zip(answers, views, strict=True):
        if isinstance(answer, Fix):
            assert answer.proposer == "bpnpnet"
            error = answer.T_map_camera[:3, 3] - view.T_map_camera[:3, 3]
            right += int(np.linalg.norm(error) < 0.25)
    assert localizer.proposers == ["bpnpnet"] and right >= 3


def test_a_map_file_alone_is_enough_for_it_and_the_node_names_it(tmp_path: Path) -> None:
    path = tmp_path / "map.ply"
    write_ply(path, world().landmarks)
    engine = Engine.from_settings(LocalizationSettings(device="cpu"), replace(ALONE, seed=1))
    maps = Maps(LocalizationSettings(map_file=str(path)), engine)
    maps.load_file()
    assert maps.active is not None
    localizer = maps.active.localizer
    answers = [localizer.localize(view.keypoints) for view in fresh_views(4, seed=21)]
    assert "bpnpnet" in localizer.proposers
    assert all("bpnpnet" in answer.timings for answer in answers)
    assert "bpnpnet" in {answer.proposer for answer in answers if isinstance(answer, Fix)}


def test_it_is_asked_unless_the_map_has_a_network_of_its_own_or_it_is_switched_off() -> None:
    model = rooms()
    own = BPnPNetMap(model.points, Places(model.places))
    named = shipped_network(CPU)
    asked = "bpnpnet"
    assert asked in Localizer(model, None, CONFIG).proposers
    assert asked not in Localizer(model, own, CONFIG).proposers
    assert asked in Localizer(model, own, CONFIG, any_map=named).proposers
    assert asked not in Localizer(model, None, replace(CONFIG, use_bpnpnet=False)).proposers


def test_a_tracked_frame_does_not_ask_it() -> None:
    localizer = Localizer(rooms(), None, CONFIG)
    view = fresh_views(1, seed=4)[0]
    first, second = (localizer.localize(view.keypoints, stamp=t) for t in (0.0, 0.1))
    assert "bpnpnet" in first.timings and "bpnpnet" not in second.timings


def test_views_that_see_next_to_nothing_propose_nothing() -> None:
    view = fresh_views(1, seed=31)[0]
    beyond = view.recentred.clone()
    beyond[:, :3, 3] += 1e3 * beyond[:, :3, 2]
    assert len(proposer(beyond).propose(view.frame).candidates) == 0


def test_of_a_map_of_fewer_points_than_a_crop_needs_it_proposes_nothing() -> None:
    view = fresh_views(1, seed=31)[0]
    few = Crops.seen_from(rooms(), view.recentred, view.frame.frustum)
    assert len(few) == 1
    narrow = replace(view.frame.frustum, x_min=-1e-3, x_max=1e-3, y_min=-1e-3, y_max=1e-3)
    assert len(Crops.seen_from(rooms(), view.recentred, narrow)) == 0
    frame = replace(view.frame, frustum=narrow)
    assert len(proposer(near_by(view.recentred)).propose(frame).candidates) == 0


def test_a_view_too_wide_for_a_plane_is_left_to_the_other_proposers() -> None:
    view = fresh_views(1, seed=31)[0]
    frame = replace(view.frame, frustum=replace(view.frame.frustum, chart=EQUIDISTANT))
    assert len(proposer(near_by(view.recentred)).propose(frame).candidates) == 0


@pytest.mark.parametrize("count", [1, 4, 60])
def test_keypoints_that_all_lie_in_one_spot_give_no_pose_that_is_no_number(count: int) -> None:
    view = fresh_views(1, seed=31)[0]
    xy = torch.full((count, 2), 0.1)
    frame = replace(view.frame, xy=xy, score=torch.ones(count))
    assert proposer(near_by(view.recentred)).propose(frame).candidates.T_map_camera.isfinite().all()


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory."),
        RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes."),
    ],
)
def test_with_little_memory_fewer_crops_are_looked_at_at_once_and_it_is_said_once(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    view = fresh_views(1, seed=31)[0]
    views = near_by(view.recentred)
    views[:, 0, 3] += torch.arange(5)
    little, enough = proposer(views, LittleMemory(error)), proposer(views)
    with caplog.at_level(logging.WARNING):
        answers = [little.propose(view.frame).candidates.T_map_camera for _ in range(2)]
    torch.testing.assert_close(answers[0], answers[1])
    assert len(answers[0]) == len(enough.propose(view.frame).candidates)
    told = [record.getMessage() for record in caplog.records]
    assert told == ["too little memory: bpnpnet will look at fewer crops at once"]


def test_other_errors_of_a_network_are_not_taken_for_memory() -> None:
    view = fresh_views(1, seed=31)[0]
    views = near_by(view.recentred)
    views[:, 0, 3] += torch.arange(5)
    with pytest.raises(RuntimeError, match="sizes"):
        proposer(views, LittleMemory(RuntimeError("sizes differ"))).propose(view.frame)


def test_weights_of_both_kinds_are_taken_in_any_order() -> None:
    own, any_map = str(demo_bundle()), str(any_map_weights())
    for paths in (f"{own},{any_map}", f"{any_map}, {own}"):
        assert all(part is not None for part in load_chosen(paths, CPU))
    assert load_chosen("", CPU) == (None, None)
    assert load_chosen(any_map, CPU).bundle is None
    assert load_chosen(own, CPU).any_map is None


def test_two_weights_of_a_kind_are_one_too_many() -> None:
    for path in (demo_bundle(), any_map_weights()):
        with pytest.raises(WeightsError, match="name one of them"):
            load_chosen(f"{path},{path}", CPU)


def test_weights_of_a_network_with_other_channels_are_refused_in_a_sentence(
    tmp_path: Path,
) -> None:
    path = tmp_path / "w.safetensors"
    weights = BPnPNet().state_dict()
    name = next(name for name, weight in weights.items() if weight.dim() > 1)
    weights[name] = weights[name].repeat(1, 2, *[1] * (weights[name].dim() - 2))
    save_weights(path, weights, WeightsHeader(BPnPNet.architecture))
    with pytest.raises(WeightsError, match="other channels"):
        load_chosen(str(path), CPU)


def test_weights_of_a_network_with_channels_for_cues_are_refused_in_a_sentence(
    tmp_path: Path,
) -> None:
    path, network = tmp_path / "w.safetensors", shipped_network(CPU)
    weights = {**network.state_dict(), "cue_encoder.weight": torch.zeros(96, 4)}
    save_weights(path, weights, WeightsHeader(network.architecture))
    with pytest.raises(WeightsError, match=r"other channels: .*cue_encoder.weight"):
        load_chosen(str(path), CPU)


def test_half_precision_weights_work_on_a_cpu(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    halves = {name: tensor.half() for name, tensor in shipped_network(CPU).state_dict().items()}
    save_weights(path, halves, WeightsHeader(shipped_network(CPU).architecture))
    localizer = Localizer.from_map(world().landmarks, path, LocalizerConfig(bank_views=2000), "cpu")
    answer = localizer.localize(fresh_views(1, seed=21)[0].keypoints)
    assert "bpnpnet" in answer.timings
