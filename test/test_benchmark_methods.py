"""The methods of the benchmark on a scene that all of them but the floor can solve."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from orbit import orbit
from torch import Tensor

from bpnp_ros.benchmark.catalogue import (
    about_weights,
    all_methods,
    random_bpnpnet,
)
from bpnp_ros.benchmark.localizer_methods import (
    PRIOR_DEGREES,
    PRIOR_DEPTHS,
    FromPrior,
    OwnMapNetwork,
    Search,
    drawn_prior,
)
from bpnp_ros.benchmark.methods import (
    LikeliestPose,
    Method,
    NearestCamera,
    NetworkMatches,
    OracleMatches,
    network_rows,
)
from bpnp_ros.benchmark.metrics import NOT_FOUND, answer_errors
from bpnp_ros.benchmark.problems import Problem, Selection, pose_problems
from bpnp_ros.benchmark.runner import ask
from bpnp_ros.benchmark.whole_localizer import WholeLocalizer
from bpnp_ros.errors import BpnpError, WeightsError
from bpnp_ros.geometry.camera import Frustum
from bpnp_ros.geometry.rotation import so3_log
from bpnp_ros.map_model.map_model import MapModel
from bpnp_ros.network.bpnpnet import BPnPNet, Matching
from bpnp_ros.network.bpnpnet_map import BPnPNetMap
from bpnp_ros.network.canonical_frame import canonical_frame
from bpnp_ros.network.places import Places
from bpnp_ros.weights.bpnpnet_file import any_map_weights, load_bpnpnet
from bpnp_ros.weights.safetensors_file import WeightsHeader, save_weights

NETWORK, SEARCH = OwnMapNetwork(), Search(views=1000)
WHOLE, GATED = (WholeLocalizer("", gated, views=1000) for gated in (False, True))
PROBLEMS = pose_problems(orbit(images=16), Selection(queries=1)).problems
AT_RATE_0, AT_RATE_50, WHOLE_MAP = PROBLEMS[0], PROBLEMS[2], PROBLEMS[-1]


class OraclePlan(BPnPNet):
    """A network that gives all mass to the true pairs of one problem."""

    def __init__(self, problem: Problem) -> None:
        super().__init__()
        keypoint, point = problem.sets.pairs
        self.plan = torch.zeros(1, len(problem.sets.keypoints), len(problem.sets.points))
        self.plan[0, keypoint, point] = 1 / len(keypoint)
        self.points = torch.empty(0)

    def forward(self, p2d: Tensor, p3d: Tensor, *counts: Any, **priors: Any) -> Matching:
        self.points = p3d[0]
        return Matching(self.plan, p3d, p3d, p3d, p3d)


def without_truth(problem: Problem) -> Problem:
    sets = problem.sets
    none = np.full_like(sets.match, -1)
    return replace(problem, sets=replace(sets, T_map_camera=np.eye(4), match=none, depth=1.0))


@pytest.mark.parametrize("method", [OracleMatches(), SEARCH, NETWORK, FromPrior(), WHOLE, GATED])
@pytest.mark.parametrize("problem", [AT_RATE_50, WHOLE_MAP])
def test_methods_find_the_camera(method: Method, problem: Problem) -> None:
    errors = ask(method, problem).errors
    assert errors.right and errors.pixels < 2


def test_the_unit_of_the_scene_does_not_matter() -> None:
    small = pose_problems(orbit(images=16).scaled(0.01), Selection(queries=1)).problems[0]
    for method in (SEARCH, NETWORK, FromPrior()):
        assert ask(method, small).errors.right


BLIND = [SEARCH, NETWORK, GATED, NetworkMatches("", OraclePlan(AT_RATE_50), "")]


@pytest.mark.parametrize("method", BLIND)
def test_a_blind_method_answers_the_same_when_it_is_lied_to_about_the_truth(method: Method) -> None:
    honest, lied_to = method.solve(AT_RATE_50), method.solve(without_truth(AT_RATE_50))
    assert honest is not None and lied_to is not None
    np.testing.assert_array_equal(honest, lied_to)


def test_behind_the_gate_a_camera_that_sees_another_place_is_not_found() -> None:
    sets, rng = AT_RATE_50.sets, np.random.default_rng(0)
    strays = rng.permuted(sets.keypoints, axis=0)
    elsewhere = replace(AT_RATE_50, sets=replace(sets, keypoints=strays))
    assert WHOLE.solve(elsewhere) is not None and GATED.solve(elsewhere) is None


@pytest.mark.parametrize("method", [SEARCH, NETWORK])
def test_what_the_query_and_the_retrieved_image_saw_is_told_to_nobody(method: Method) -> None:
    problem, scene = AT_RATE_50, AT_RATE_50.scene
    poses, shown = scene.T_map_camera.copy(), scene.keypoint_point.copy()
    for image in np.setdiff1d(np.arange(scene.image_count), problem.others):
        poses[image] = np.eye(4)
        shown[scene.keypoint_offsets[image] : scene.keypoint_offsets[image + 1]] = -1
    blank = replace(problem, scene=replace(scene, T_map_camera=poses, keypoint_point=shown))
    answer, without = method.solve(problem), method.solve(blank)
    assert answer is not None and without is not None
    np.testing.assert_array_equal(answer, without)


@pytest.mark.parametrize("row", range(3))
def test_each_way_from_a_plan_to_a_pose_finds_the_camera(row: int) -> None:
    method = network_rows("bpnpnet", OraclePlan(AT_RATE_50), "oracle")[row]
    assert ask(method, AT_RATE_50).errors.right


def test_the_likeliest_pose_is_told_in_the_unit_of_the_scene(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sets = AT_RATE_50.sets
    origin, unit = canonical_frame(sets.points)
    R, centre = sets.T_map_camera[:3, :3].T, sets.T_map_camera[:3, 3]
    turn = so3_log(torch.from_numpy(R.copy()))
    theta = torch.cat([turn, torch.from_numpy(R @ (origin - centre) / unit)])
    monkeypatch.setattr("bpnp_ros.benchmark.methods.likeliest_pose", lambda *sets: theta)
    method = LikeliestPose("", OraclePlan(AT_RATE_50), "")
    assert method.solve(AT_RATE_50) == pytest.approx(sets.T_map_camera, abs=1e-6)


def test_a_network_sees_points_about_zero_and_of_size_one() -> None:
    network = OraclePlan(AT_RATE_50)
    NetworkMatches("", network, "oracle").solve(AT_RATE_50)
    assert network.points.median(dim=0).values.abs().max() < 0.1
    assert network.points.norm(dim=1).median() == pytest.approx(1, abs=0.01)


def test_the_prior_is_as_far_off_as_it_says() -> None:
    errors = answer_errors(AT_RATE_50.sets, drawn_prior(AT_RATE_50))
    assert errors.depths == pytest.approx(PRIOR_DEPTHS)
    assert errors.degrees == pytest.approx(PRIOR_DEGREES)


def test_the_nearest_camera_is_a_neighbour_whose_pose_may_be_known() -> None:
    pose = NearestCamera().solve(AT_RATE_50)
    candidates = AT_RATE_50.scene.T_map_camera[AT_RATE_50.others]
    errors = [answer_errors(AT_RATE_50.sets, candidate) for candidate in candidates]
    nearest = candidates[int(np.argmin([e.depths + np.radians(e.degrees) for e in errors]))]
    np.testing.assert_array_equal(pose, nearest)


def test_what_a_method_refuses_was_not_found() -> None:
    class Refusal(OracleMatches):
        def solve(self, problem: Problem) -> None:
            raise BpnpError("no")

    assert ask(Refusal(), AT_RATE_0).errors == NOT_FOUND


def test_where_the_network_knows_nothing_it_finds_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def untrained(model: MapModel, frustum: Frustum) -> BPnPNetMap:
        return BPnPNetMap(model.points, Places(model.places))

    monkeypatch.setattr("bpnp_ros.benchmark.localizer_methods.counted_from_photographs", untrained)
    assert ask(NETWORK, AT_RATE_0).errors == NOT_FOUND


def test_every_method_has_a_name_of_its_own() -> None:
    names = [method.name for method in all_methods(any_map_weights())]
    assert len(set(names)) == len(names) and NETWORK.name in names


def test_other_weights_make_another_method(tmp_path: Path) -> None:
    weights, identities = tmp_path / "w.safetensors", []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        save_weights(weights, BPnPNet().state_dict(), WeightsHeader(BPnPNet.architecture))
        rows = {method.name: method for method in all_methods(weights)}
        identities.append(rows["bpnpnet, LO-RANSAC"].identity)
    assert identities[0] == identities[1] != identities[2]


def test_weights_are_read_in_our_format_and_in_the_reference_s(tmp_path: Path) -> None:
    state = random_bpnpnet().state_dict()
    ours, theirs = tmp_path / "w.safetensors", tmp_path / "w.pth.tar"
    save_weights(ours, state, WeightsHeader(BPnPNet.architecture))
    torch.save({"epoch": 1, "state_dict": state, "best_error": 0.0, "optimizer": {}}, theirs)
    for path in (ours, theirs):
        loaded = load_bpnpnet(path)
        assert not loaded.training
        assert torch.equal(loaded.get_parameter("stn.fc3.weight"), state["stn.fc3.weight"])


def test_weights_tell_of_their_training(tmp_path: Path) -> None:
    told, silent = tmp_path / "told.safetensors", tmp_path / "silent.safetensors"
    settings = {"dataset": "shapes", "batch": 16}
    training = {"command": "train /tmp/run", "samples": 5264, "device": "cpu", "settings": settings}
    state = random_bpnpnet().state_dict()
    save_weights(told, state, WeightsHeader(BPnPNet.architecture, training=training))
    save_weights(silent, state, WeightsHeader(BPnPNet.architecture))
    assert about_weights(told) == "dataset shapes, samples 5264, device cpu, `train run`"
    assert "nothing is known" in about_weights(silent)


def test_weights_tell_of_the_trainings_before(tmp_path: Path) -> None:
    first = {"settings": {"dataset": "shapes"}}
    then = {"settings": {"dataset": "sfm"}, "started from": first}
    weights, state = tmp_path / "w.safetensors", random_bpnpnet().state_dict()
    save_weights(weights, state, WeightsHeader(BPnPNet.architecture, training=then))
    assert about_weights(weights) == "dataset sfm; before that: dataset shapes"


def test_a_network_with_a_dustbin_is_read_too(tmp_path: Path) -> None:
    weights = tmp_path / "w.safetensors"
    save_weights(weights, BPnPNet(dustbin=True).state_dict(), WeightsHeader(BPnPNet.architecture))
    assert load_bpnpnet(weights).has_dustbin


def test_weights_of_something_else_are_refused(tmp_path: Path) -> None:
    weights = tmp_path / "w.safetensors"
    save_weights(weights, {"scale": torch.ones(3)}, WeightsHeader(BPnPNet.architecture))
    with pytest.raises(WeightsError, match="does not hold the weights of a BPnPNet"):
        load_bpnpnet(weights)


def test_missing_weights_are_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="no weights at"):
        all_methods(tmp_path / "none.safetensors")
