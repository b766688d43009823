"""A landmark map out of known poses: lamps are placed truly, and what is no lamp stays out."""

from __future__ import annotations

import numpy as np
import pytest
from landmarks import CAMERA, ceiling_lamps, held

from bpnp_ros.errors import MapError
from bpnp_ros.mapping.landmarks import Landmarks, find_landmarks
from bpnp_ros.mapping.sightings import Array, Sightings, unit

PIXEL = CAMERA.frustum().pixel


def driven(frames: int, step: float) -> Array:
    """Poses (frames, 4, 4) of a camera that looks up, to and fro through a hall of 20 x 12 m."""
    along = 3 + np.abs((step * np.arange(frames) + 14) % 28 - 14)
    across = 3 + 6 * np.arange(frames) / frames
    heading = 0.5 * np.sin(np.arange(frames) / 15)
    places = np.column_stack([along, across, np.full(frames, 0.4)])
    pairs = zip(heading, places, strict=True)
    return np.stack([held("up", yaw, place, np.zeros(2)) for yaw, place in pairs])


def image_of(points: Array, T: Array) -> tuple[Array, np.ndarray]:
    """Pixels (M, 2) and rows (M,) of the points in the image."""
    rays = (points - T[:3, 3]) @ T[:3, :3]
    ahead = np.flatnonzero(rays[:, 2] > 0.1)
    pixels = (rays[ahead] / rays[ahead, 2:]) @ CAMERA.K[:2].T
    inside = CAMERA.image_contains(pixels)
    return pixels[inside], ahead[inside]


def recorded(
    T_map_camera: Array,
    lamps: Array,
    more: Array | None = None,
    shown: np.ndarray | None = None,
    labels: np.ndarray | None = None,
    noise: float = 0.5,
    seed: int = 0,
) -> Sightings:
    """Lamps (N, 3), a tenth missed, a fifth clutter. more: lights (F, L, 3) that are no lamps, of
    which shown (F, L) are there."""
    rng = np.random.default_rng(seed)
    rays, ends, classes = [], [0], []
    for frame, T in enumerate(T_map_camera):
        pixels, rows = image_of(lamps, T)
        kept = rng.random(len(rows)) > 0.1
        pixels, rows = pixels[kept], rows[kept]
        parts = [pixels + rng.normal(0, noise, pixels.shape)]
        parts.append(rng.uniform(0, (640, 480), (len(rows) // 4, 2)))
        if more is not None:
            there = more[frame] if shown is None else more[frame][shown[frame]]
            parts.append(image_of(there, T)[0])
        found = np.concatenate(parts)
        label = np.full(len(found), np.nan)
        if labels is not None:
            wrong = rng.random(len(rows)) < 0.1
            label[: len(rows)] = np.where(wrong, 7, labels[rows])
        order = rng.permutation(len(found))
        on_plane = (found[order] - CAMERA.K[:2, 2]) / CAMERA.K[0, 0]
        rays.append(unit(np.column_stack([on_plane, np.ones(len(found))])) @ T[:3, :3].T)
        classes.append(label[order])
        ends.append(ends[-1] + len(found))
    cues = {} if labels is None else {"label": np.concatenate(classes)}
    return Sightings(T_map_camera, np.array(ends), np.concatenate(rays), cues, CAMERA.frustum())


def errors(found: Landmarks, lamps: Array) -> Array:
    return np.linalg.norm(found.points[:, None] - lamps, axis=2).min(axis=1)


def well_seen(T_map_camera: Array, lamps: Array, times: int = 30) -> np.ndarray:
    """Rows of the lamps that so many frames show."""
    rows = np.concatenate([image_of(lamps, T)[1] for T in T_map_camera])
    return np.flatnonzero(np.bincount(rows, minlength=len(lamps)) >= times)


@pytest.mark.parametrize("seed", [1, 2])
def test_lamps_five_metres_away_are_placed_within_two_centimetres(seed: int) -> None:
    lamps = ceiling_lamps(np.random.default_rng(seed)) + np.array([0, 0, 1.9])
    T = driven(300, 0.15)
    found = find_landmarks(recorded(T, lamps, seed=seed))
    assert errors(found, lamps)[found.observations >= 30].max() < 0.02
    assert (errors(found, lamps) < 4 * found.deviation).all()
    nearest = np.linalg.norm(found.points[:, None] - lamps, axis=2).argmin(axis=1)
    assert len(set(nearest)) == len(nearest)
    expected = well_seen(T, lamps)
    assert np.isin(expected, nearest).mean() > 0.97


def test_a_recording_of_two_images_a_second_will_do() -> None:
    lamps = ceiling_lamps(np.random.default_rng(3))
    T = driven(120, 0.5)
    found = find_landmarks(recorded(T, lamps))
    assert len(found) > 0.9 * len(well_seen(T, lamps, 8))
    assert np.quantile(errors(found, lamps), 0.95) < 0.03


@pytest.mark.parametrize("scale", [0.1, 30.0])
def test_a_desk_and_a_street_are_mapped_as_a_hall_is(scale: float) -> None:
    lamps = ceiling_lamps(np.random.default_rng(4))
    T = driven(200, 0.15)
    large = T.copy()
    large[:, :3, 3] *= scale
    found = find_landmarks(recorded(large, scale * lamps))
    assert len(found) > 0.9 * len(well_seen(T, lamps, 8))
    assert np.quantile(errors(found, scale * lamps), 0.9) < 0.02 * scale


def test_the_deviation_is_that_of_the_errors() -> None:
    lamps = ceiling_lamps(np.random.default_rng(5))
    found = find_landmarks(recorded(driven(300, 0.15), lamps))
    in_sigmas = errors(found, lamps) / found.deviation
    assert 0.4 < np.median(in_sigmas) < 1.6  # of three axes, in units of the worst


def test_lights_that_move_and_lights_on_the_lens_are_no_landmarks() -> None:
    lamps = ceiling_lamps(np.random.default_rng(6))
    T = driven(300, 0.15)
    frames = np.arange(300)[:, None]
    lift = np.concatenate([6 + 0.03 * frames, 4 + 0.01 * frames, 2.5 + 0 * frames], axis=1)
    swinging = np.concatenate([12 + np.sin(frames / 9), 6 + np.cos(frames / 9), 3 + 0 * frames], 1)
    flare = T[:, :3, 3] + T[:, :3, :3] @ [0.2, 0.1, 1.0]
    found = find_landmarks(recorded(T, lamps, np.stack([lift, swinging, flare], axis=1)))
    assert errors(found, lamps).max() < 0.05
    assert sum(found.left_out.values()) >= 3


def test_a_reflection_that_most_frames_do_not_show_is_no_landmark() -> None:
    lamps = ceiling_lamps(np.random.default_rng(7))
    T = driven(300, 0.15)
    mirrored = np.tile([10.0, 6.0, 7.5], (300, 1, 1))
    in_the_pane = np.abs(T[:, :1, 3] - 9.0) < 0.6
    found = find_landmarks(recorded(T, lamps, mirrored, in_the_pane))
    assert np.linalg.norm(found.points - [10.0, 6.0, 7.5], axis=1).min() > 0.5


def test_a_landmark_has_the_class_of_most_of_its_lights() -> None:
    lamps = ceiling_lamps(np.random.default_rng(8))
    labels = np.random.default_rng(0).integers(0, 3, len(lamps))
    found = find_landmarks(recorded(driven(200, 0.15), lamps, labels=labels))
    nearest = np.linalg.norm(found.points[:, None] - lamps, axis=2).argmin(axis=1)
    assert (found.cues["label"] == labels[nearest]).mean() > 0.98


def test_a_camera_that_stands_still_maps_nothing_and_says_why() -> None:
    lamps = ceiling_lamps(np.random.default_rng(9))
    T = np.repeat(driven(1, 0.1), 50, axis=0)
    with pytest.raises(MapError, match="the camera does not move"):
        find_landmarks(recorded(T, lamps))


def test_poses_that_are_not_the_cameras_map_nothing_and_the_sentence_says_what_to_look_at() -> None:
    lamps = ceiling_lamps(np.random.default_rng(10))
    seen = recorded(driven(150, 0.15), lamps)
    rng = np.random.default_rng(0)
    wrong = seen.T_map_camera.copy()
    wrong[:, :3, 3] = rng.uniform(0, 20, (150, 3))
    with pytest.raises(MapError, match=r"no landmark could be placed .*--poses-child"):
        find_landmarks(Sightings(wrong, seen.ends, seen.ray, {}, seen.frustum))
