"""Colour and class of a keypoint count where both sides know them, and never mislead."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from landmarks import CAMERA, ceiling_lamps, held

from bpnp_ros.configuration.parameters import KeypointConfig, LocalizerConfig
from bpnp_ros.keypoints.image_cues import lab_from_rgb
from bpnp_ros.keypoints.keypoints import Keypoints, keypoints_from_pixels
from bpnp_ros.localizer.cues.pairs import MapCues
from bpnp_ros.localizer.localizer import Localizer
from bpnp_ros.localizer.types import Fix
from bpnp_ros.map_model.from_points import model_from_points
from bpnp_ros.map_model.map_model import MapModel
from bpnp_ros.map_model.view_space import ViewSpace
from bpnp_ros.point_map.point_map import PointMap

CONFIG = LocalizerConfig(
    motion="floor", camera_mounting="up", camera_height_min=0.45, camera_height_max=0.55
)


def some_keypoints(cues: dict[str, np.ndarray]) -> Keypoints:
    count = len(next(iter(cues.values())))
    pixels = np.random.default_rng(0).uniform((0, 0), (640, 480), (count, 2))
    few = KeypointConfig(min_keypoints=3)
    return keypoints_from_pixels(pixels, CAMERA, config=few, cues=cues)


def map_with(cues: dict[str, np.ndarray]) -> MapModel:
    """Points in sight of one camera, all about 4 m away."""
    count = len(next(iter(cues.values())))
    xyz = np.random.default_rng(1).uniform((-1, -1, 3.8), (1, 1, 4.2), (count, 3))
    seen, chance = torch.arange(count)[None], torch.ones(1, count)
    point_map = PointMap(xyz.astype(np.float32), np.zeros(3), np.ones(count, np.float32), cues)
    here = ViewSpace(
        torch.zeros(1, 3), seen, chance, torch.full((3,), 0.1), 0.1, torch.eye(3)[None]
    )
    return MapModel(point_map, here)


def nats(cue: str, shown: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """Pair by pair, in the order given."""
    keypoints = some_keypoints({cue: shown.astype(np.float32)})
    found = MapCues(map_with({cue: kept})).table(keypoints)
    assert found is not None
    return found.numpy()[np.argsort(keypoints.index)]


def test_a_class_speaks_for_its_points_and_against_others() -> None:
    found = nats("label", np.array([1.0, 2.0, 2.0]), np.array([1, 2, 2, 2]))
    assert found[0, 0] > 1 > 0 > found[0, 1] and found[1, 1] > 0 > found[1, 0]
    assert found[0, 0] > found[1, 1]  # the rarer class says more


@pytest.mark.parametrize("unknown", [np.nan, 7.0, -1.0])
def test_a_class_that_is_unknown_says_nothing(unknown: float) -> None:
    assert (nats("label", np.array([unknown, 1.0, 1.0]), np.array([1, 2, -1, 2]))[0] == 0).all()
    assert (nats("label", np.array([1.0, 2.0, 2.0]), np.array([1, 2, -1, 2]))[:, 2] == 0).all()


def test_a_cue_that_is_the_same_everywhere_adds_nothing() -> None:
    assert np.allclose(nats("label", np.ones(3), np.ones(5, np.int32)), 0, atol=1e-6)
    grey = np.full((4, 3), 90.0)
    assert np.allclose(nats("rgb", grey, grey.astype(np.uint8)), 0, atol=1e-6)


def test_colours_count_about_their_median() -> None:
    rng = np.random.default_rng(2)
    colours = rng.uniform(30, 200, (60, 3))
    brighter = np.clip(1.25 * colours, 0, 255)
    found = nats("rgb", brighter, colours.astype(np.uint8))
    true = found[np.arange(60), np.arange(60)]
    assert np.median(true) > 1.0 and np.median(found) < 0


def test_black_points_and_keypoints_without_colour_say_nothing() -> None:
    rng = np.random.default_rng(3)
    shown, kept = rng.uniform(0, 255, (5, 3)), rng.integers(1, 255, (6, 3)).astype(np.uint8)
    shown[0], kept[0] = np.nan, 0
    found = nats("rgb", shown, kept)
    assert (found[0] == 0).all() and (found[:, 0] == 0).all()


@pytest.mark.parametrize("black", ["map", "keypoints", "both"])
def test_where_all_is_black_colours_say_nothing(black: str) -> None:
    rng = np.random.default_rng(9)
    shown, kept = rng.uniform(1, 255, (5, 3)), rng.integers(1, 255, (6, 3)).astype(np.uint8)
    if black != "keypoints":
        kept[:] = 0
    if black != "map":
        shown[:] = np.nan  # as `read_cues` reads black keypoints
    assert (nats("rgb", shown, kept) == 0).all()


def test_no_cue_can_forbid_a_pair() -> None:
    rng = np.random.default_rng(4)
    swapped = rng.uniform(0, 255, (40, 3))
    found = nats("rgb", swapped[:, ::-1], swapped.astype(np.uint8))
    assert found.min() >= np.log(0.1) - 1e-5


@pytest.mark.parametrize("cue", ["size", "sign", "intensity"])
def test_each_number_speaks_for_its_points(cue: str) -> None:
    rng = np.random.default_rng(6)
    kept = rng.choice([-1.0, 1], 60) if cue == "sign" else rng.lognormal(0, 1, 60)
    focal_over_depth = CAMERA.K[0, 0] / 4
    shown = kept * {"size": focal_over_depth, "sign": 1, "intensity": 3}[cue]
    found = nats(cue, shown * rng.lognormal(0, 0.05, 60), kept.astype(np.float32))
    assert np.diagonal(found).mean() > (0.3 if cue == "sign" else 0.6)
    assert np.exp(found).mean() == pytest.approx(1, abs=0.2)  # says nothing of random pairs


@pytest.mark.parametrize("bad", [0.0, -3.0, np.nan, np.inf])
def test_a_size_that_cannot_be_says_nothing_on_either_side(bad: float) -> None:
    sizes = np.array([0.1, 0.2, 0.4, 0.8])
    broken = np.array([bad, 20.0, 40, 80])
    assert (nats("size", broken, sizes)[0] == 0).all()
    assert (nats("size", np.array([10.0, 20, 40, 80]), np.append(sizes, bad))[:, -1] == 0).all()


def test_a_size_counts_less_where_points_are_seen_from_many_depths() -> None:
    sizes = np.random.default_rng(7).lognormal(-2, 1, 60)
    near = map_with({"size": sizes})
    space = near.view_space
    assert isinstance(space, ViewSpace)
    far = replace(
        space,
        anchors=space.anchors.repeat(2, 1),
        seen=space.seen.repeat(2, 1),
        chance=space.chance.repeat(2, 1),
        orientations=torch.eye(3).repeat(2, 1, 1),
    )
    far.anchors[1, 2] = -12.0
    keypoints = some_keypoints({"size": (sizes * CAMERA.K[0, 0] / 4).astype(np.float32)})
    told = [MapCues(model).table(keypoints) for model in (near, replace(near, view_space=far))]
    assert told[0] is not None and told[1] is not None
    assert told[0].std() > 1.3 * told[1].std()


@pytest.mark.parametrize("cue", ["rgb", "size", "sign", "intensity", "label"])
@pytest.mark.parametrize("side", ["map", "keypoints"])
def test_a_cue_on_one_side_alone_changes_nothing(cue: str, side: str) -> None:
    values = np.ones((9, 3) if cue == "rgb" else 9, np.float32)
    keypoints = some_keypoints({cue: values} if side == "keypoints" else {"other": values})
    model = map_with({cue: values} if side == "map" else {"normals": np.ones((9, 3))})
    assert MapCues(model).table(keypoints) is None


@pytest.mark.parametrize(("swap", "disagreeing"), [([0, 1, 2], []), ([2, 1, 0], ["rgb"])])
def test_a_fix_says_what_each_cue_brought_and_which_disagrees(
    swap: list[int], disagreeing: list[str]
) -> None:
    colours = np.random.default_rng(8).uniform(20, 235, (40, 3))
    keypoints = some_keypoints({"rgb": colours[:, swap].astype(np.float32)})
    rows = np.arange(40)
    fix = Fix(np.eye(4), np.eye(6), rows, keypoints.index, 0.5, "truth", 90.0, 0.0)
    told = MapCues(map_with({"rgb": colours.astype(np.uint8)})).told(keypoints, fix)
    assert told["rgb"][1] == 40 and replace(fix, cues=told).disagreeing == disagreeing


def test_lab_is_what_others_find() -> None:
    red, white = lab_from_rgb(np.array([[255.0, 0, 0], [255, 255, 255]]))
    assert np.allclose(red, [53.24, 80.09, 67.2], atol=0.1)
    assert np.allclose(white, [100, 0, 0], atol=0.1)


def lamp_map(lamps: np.ndarray, labels: np.ndarray) -> MapModel:
    model = model_from_points(lamps, CONFIG, torch.device("cpu"))
    return replace(model, point_map=replace(model.point_map, cues={"label": labels}))


def frame(
    lamps: np.ndarray, labels: np.ndarray, T: np.ndarray, rng: np.random.Generator
) -> Keypoints | None:
    """What is in view, with its class; None unless that is three or four lamps."""
    in_camera = (lamps - T[:3, 3]) @ T[:3, :3]
    pixels = (in_camera / in_camera[:, 2:]) @ CAMERA.K[:2].T + rng.normal(size=(len(lamps), 2))
    seen = CAMERA.image_contains(pixels) & (in_camera[:, 2] > 0)
    if not 3 <= seen.sum() <= 4:
        return None
    cues = {"label": labels[seen].astype(np.float32)}
    return keypoints_from_pixels(pixels[seen], CAMERA, cues=cues)


def test_lamps_of_many_kinds_are_told_apart_where_positions_alone_are_too_few() -> None:
    rng = np.random.default_rng(5)
    lamps = ceiling_lamps(rng)
    labels = rng.integers(0, 8, len(lamps)).astype(np.int32)
    with_labels = Localizer(lamp_map(lamps, labels), None, CONFIG)
    without = Localizer(model_from_points(lamps, CONFIG, torch.device("cpu")), None, CONFIG)
    found = {True: 0, False: 0}
    for yaw in rng.uniform(-np.pi, np.pi, 24):
        position = np.append(rng.uniform([2, 2], [18, 10]), 0.5)
        T = held("up", yaw, position, np.zeros(2))
        keypoints = frame(lamps, labels, T, rng)
        for side, localizer in ((True, with_labels), (False, without)):
            answer = None if keypoints is None else localizer.localize(keypoints)
            if isinstance(answer, Fix):
                assert np.linalg.norm(answer.T_map_camera[:3, 3] - position) < 0.3
                found[side] += 1
    assert found[True] > found[False]
