"""What the demo sends to the node gives nothing away, and its controls are what they say."""

from __future__ import annotations

import numpy as np

from bpnp_ros.demo.stream import (
    CAMERA,
    NOISE,
    WORLD_SEED,
    Control,
    DemoStream,
    make_stream,
)
from bpnp_ros.simulation.observation import DetectorNoise, observe
from bpnp_ros.simulation.world import make_world


def test_the_same_seed_gives_the_same_stream_and_another_seed_another() -> None:
    first, again, other = (make_stream(seed, 1.0, 10.0, 1) for seed in (3, 3, 4))
    for a, b in zip(first.keypoints, again.keypoints, strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(first.path.T_map_camera, other.path.T_map_camera)


def test_two_kidnaps_cut_the_path_into_three_walks_metres_apart() -> None:
    path = make_stream(0, 6.0, 10.0, 2).path
    jumps = np.linalg.norm(np.diff(path.T_map_camera[:, :3, 3], axis=0), axis=1)
    assert (np.flatnonzero(jumps > 0.5) + 1).tolist() == list(path.kidnaps) == [20, 40]


def test_neither_order_nor_score_tells_a_landmark_from_clutter() -> None:
    """The first half and the higher scores hold as much clutter as the rest."""
    world, rng = make_world(WORLD_SEED), np.random.default_rng(0)
    T = make_stream(0, 20.0, 1.0, 0).path.T_map_camera
    early = [observe(world, pose, CAMERA, NOISE, rng).landmark for pose in T]
    halves = np.array(
        [[(o[: len(o) // 2] < 0).mean(), (o[len(o) // 2 :] < 0).mean()] for o in early]
    )
    assert abs(halves[:, 0].mean() - halves[:, 1].mean()) < 0.08
    scores = np.concatenate([k[:, 2] for k in make_stream(0, 2.0, 10.0, 0).keypoints])
    assert abs(scores.mean() - 0.5) < 0.03 and scores.min() >= 0 and scores.max() < 1


def test_the_map_is_shuffled_and_whole() -> None:
    stream = make_stream(0, 0.2, 10.0, 0)
    assert not np.array_equal(stream.map_points, stream.world.landmarks)
    np.testing.assert_array_equal(
        np.sort(stream.map_points, axis=0), np.sort(stream.world.landmarks, axis=0)
    )
    assert len(stream.map_points) >= 2000


def test_a_mirrored_map_fills_the_same_box_and_is_another_map() -> None:
    stream = make_stream(0, 0.2, 10.0, 0, Control.MIRRORED_MAP)
    mirrored, original = stream.map_points, stream.world.landmarks
    np.testing.assert_allclose(mirrored.min(axis=0), original.min(axis=0))
    np.testing.assert_allclose(mirrored.max(axis=0), original.max(axis=0))
    distance = np.linalg.norm(mirrored[:, None] - original[None, ::20], axis=2).min(axis=0)
    assert np.median(distance) > 0.05


def near_a_visible_landmark(stream: DemoStream) -> float:
    """Share of the keypoints within 3 px of where a landmark truly is."""
    exact, rng = DetectorNoise(0, 0, 0), np.random.default_rng(0)
    hits = []
    for T, keypoints in zip(stream.path.T_map_camera, stream.keypoints, strict=True):
        pixels = observe(stream.world, T, CAMERA, exact, rng).pixels
        distance = np.linalg.norm(keypoints[:, None, :2] - pixels[None], axis=2)
        hits.append(distance.min(axis=1) < 3)
    return float(np.concatenate(hits).mean())


def test_pure_clutter_has_as_many_keypoints_and_they_are_where_chance_put_them() -> None:
    real, clutter = (make_stream(0, 1.0, 10.0, 0, c) for c in (None, Control.PURE_CLUTTER))
    counts = [sum(map(len, stream.keypoints)) for stream in (real, clutter)]
    assert abs(counts[0] / counts[1] - 1) < 0.2
    assert near_a_visible_landmark(real) > 0.65
    assert near_a_visible_landmark(clutter) < 0.1
