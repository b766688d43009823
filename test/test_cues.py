"""Colour and class of a keypoint count where both sides know them, and never mislead."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from landmarks import CAMERA, ceiling_lamps, held

from bpnp_ros.configuration.parameters import KeypointConfig, LocalizerConfig
from bpnp_ros.keypoints.keypoints import Keypoints, keypoints_from_pixels
from bpnp_ros.localizer.cues.colour import lab_from_rgb
from bpnp_ros.localizer.cues.pairs import MapCues
from bpnp_ros.localizer.localizer import Localizer
from bpnp_ros.localizer.types import Fix
from bpnp_ros.map_model.from_points import model_from_points
from bpnp_ros.map_model.map_model import MapModel
from bpnp_ros.point_map.point_map import PointMap

CONFIG = LocalizerConfig(
    motion="floor", camera_mounting="up", camera_height_min=0.45, camera_height_max=0.55
)


def some_keypoints(cues: dict[str, np.ndarray]) -> Keypoints:
    count = len(next(iter(cues.values())))
    pixels = np.random.default_rng(0).uniform((0, 0), (640, 480), (count, 2))
    few = KeypointConfig(min_keypoints=3)
    return keypoints_from_pixels(pixels, CAMERA, config=few, cues=cues)


def map_with(cues: dict[str, np.ndarray]) -> PointMap:
    count = len(next(iter(cues.values())))
    return PointMap.recentred(np.random.default_rng(1).normal(size=(count, 3)), cues=cues)


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


def test_no_cue_can_forbid_a_pair() -> None:
    rng = np.random.default_rng(4)
    swapped = rng.uniform(0, 255, (40, 3))
    found = nats("rgb", swapped[:, ::-1], swapped.astype(np.uint8))
    assert found.min() >= np.log(0.1) - 1e-5


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
