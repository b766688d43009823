"""First fixes in maps of few landmarks that all look alike: recall by how many are in view.

Each frame is asked for by itself, without tracking or prior. A tenth of the landmarks in view is
missed, a fifth of the keypoints is clutter, each keypoint has one pixel of noise; all are given in
random order. Of cones with a class, one keypoint in twenty has the wrong one, and clutter has any.
The settings are the defaults and what the user of such a map would tell.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from bpnp_ros import (
    BpnpError,
    Camera,
    Fix,
    Keypoints,
    Localizer,
    LocalizerConfig,
    PointMap,
    keypoints_from_pixels,
)
from bpnp_ros.map_model.motion import Motion, mounting
from bpnp_ros.map_model.view_space import camera_orientation

Array = NDArray[np.float64]

CAMERA = Camera(np.array([[400.0, 0, 320], [0, 400, 240], [0, 0, 1]]), 640, 480)
MISSED, CLUTTER, NOISE = 0.1, 0.2, 1.0  # shares, and pixels
CONFUSED = 0.05  # share of keypoints with the wrong class
IN_VIEW = ((4, 5), (6, 9), (10, 1000))
RIGHT_DEGREES = 2.0


@dataclass(frozen=True)
class Kind:
    """A kind of map: its landmarks, how its camera is held, how far off (m) a right pose may be.

    classes: of landmarks; the first half of them is of class 0, and so on.
    """

    landmarks: Callable[[np.random.Generator], Array]
    pose: Callable[[np.random.Generator], Array]
    told: dict[str, object]
    right_metres: float
    classes: int = 1


def ceiling_lamps(rng: np.random.Generator) -> Array:
    """80 lamps at three heights over 20 x 12 m."""
    return np.column_stack([rng.uniform(0, [20, 12], (80, 2)), rng.choice([3.0, 3.2, 4.0], 80)])


def reflectors(rng: np.random.Generator) -> Array:
    """150 reflectors on the walls of a hall of 40 x 25 m."""
    along, corners = rng.uniform(0, 130, 150), [0, 40, 65, 105, 130]
    x = np.interp(along, corners, [0, 40, 40, 0, 0])
    return np.column_stack(
        [x, np.interp(along, corners, [0, 0, 25, 25, 0]), rng.uniform(0.5, 3.5, 150)]
    )


def cones(rng: np.random.Generator) -> Array:
    """120 cones, 0.3 m high, on both sides of a race track of 60 x 40 m, not quite regular."""
    angle = np.linspace(0, 2 * np.pi, 60, endpoint=False) + rng.normal(0, 0.02, 60)
    sides = [[30 + s, 20 + s] * np.column_stack([np.cos(angle), np.sin(angle)]) for s in (-2, 2)]
    ground = np.concatenate(sides) + rng.normal(0, 0.15, (120, 2))
    return np.column_stack([ground, np.full(120, 0.3)])


def leds(rng: np.random.Generator) -> Array:
    """16 LEDs on a rig of 0.5 x 0.4 x 0.2 m."""
    return rng.uniform(0, [0.5, 0.4, 0.2], (16, 3))


def held(look: str, yaw: float, position: Array, rng: np.random.Generator) -> Array:
    """T_map_camera (4, 4) of a camera mounted so on a robot, its tilt within 0.3 deg or so."""
    turn = torch.tensor([[yaw, *(0.005 * rng.normal(size=2))]], dtype=torch.float64)
    motion = Motion("floor", np.array([0.0, 0, 1]), mounting(look), 0.03)
    T = np.eye(4)
    T[:3, :3], T[:3, 3] = camera_orientation(turn, motion)[0].numpy(), position
    return T


def below_lamps(rng: np.random.Generator) -> Array:
    return held(
        "up", rng.uniform(-np.pi, np.pi), np.append(rng.uniform([2, 2], [18, 10]), 0.5), rng
    )


def in_a_hall(rng: np.random.Generator) -> Array:
    position = np.append(rng.uniform([5, 5], [35, 20]), 1.2)
    return held("forward", rng.uniform(-np.pi, np.pi), position, rng)


def on_the_track(rng: np.random.Generator) -> Array:
    angle = rng.uniform(0, 2 * np.pi)
    position = np.array([30 * np.cos(angle), 20 * np.sin(angle), 0.9])
    along = np.arctan2(20 * np.cos(angle), -30 * np.sin(angle))
    return held("forward", along + rng.normal(0, 0.1), position, rng)


def around_a_rig(rng: np.random.Generator) -> Array:
    """From any side, 0.5 to 0.9 m from the middle of the rig, rolled at random."""
    z, across = rng.normal(size=(2, 3))
    z /= np.linalg.norm(z)
    x = np.cross(across, z)
    x /= np.linalg.norm(x)
    T = np.eye(4)
    T[:3, :3] = np.column_stack([x, np.cross(z, x), z])
    T[:3, 3] = np.array([0.25, 0.2, 0.1]) - rng.uniform(0.5, 0.9) * z
    return T


def heights(middle: float) -> dict[str, object]:
    return {"camera_height_min": middle - 0.05, "camera_height_max": middle + 0.05}


KINDS = {
    "ceiling lamps, looking up": Kind(
        ceiling_lamps,
        below_lamps,
        {"motion": "floor", "camera_mounting": "up", **heights(0.5)},
        0.25,
    ),
    "reflectors in a hall": Kind(reflectors, in_a_hall, {"motion": "floor", **heights(1.2)}, 0.5),
    "cones of a race track": Kind(
        cones, on_the_track, {"motion": "floor", "sight_range": 25.0, **heights(0.9)}, 0.5
    ),
    "the same, two classes": Kind(
        cones, on_the_track, {"motion": "floor", "sight_range": 25.0, **heights(0.9)}, 0.5, 2
    ),
    "LEDs, any pose": Kind(leds, around_a_rig, {"motion": "free"}, 0.05),
}


def seen(landmarks: Array, T_map_camera: Array, most: float) -> tuple[Array, NDArray[np.int64]]:
    """Pixels (M, 2), without noise, and rows (M,) of the landmarks in view within `most` metres."""
    rays = (landmarks - T_map_camera[:3, 3]) @ T_map_camera[:3, :3]
    rows = np.flatnonzero((rays[:, 2] > 0.05) & (np.linalg.norm(rays, axis=1) < most))
    pixels = (rays[rows] / rays[rows, 2:]) @ CAMERA.K[:2].T
    inside = CAMERA.image_contains(pixels)
    return pixels[inside], rows[inside]


def report(
    pixels: Array, label: NDArray[np.int64], classes: int, rng: np.random.Generator
) -> Keypoints:
    """What a detector makes of landmarks at pixels (M, 2) with their classes (M,)."""
    kept = rng.random(len(pixels)) >= MISSED
    pixels, label = pixels[kept], label[kept]
    pixels = pixels + rng.normal(scale=NOISE, size=pixels.shape)
    label = np.where(rng.random(len(label)) < CONFUSED, (label + 1) % classes, label)
    spots = round(len(pixels) * CLUTTER / (1 - CLUTTER))
    clutter = rng.uniform(0, (CAMERA.width, CAMERA.height), (spots, 2))
    label = np.concatenate([label, rng.integers(classes, size=spots)])
    order = rng.permutation(len(label))
    cues = {"label": label[order].astype(np.float32)}
    return keypoints_from_pixels(np.concatenate([pixels, clutter])[order], CAMERA, cues=cues)


@dataclass(frozen=True)
class Row:
    """One frame: landmarks in view, errors (infinite where there is no pose), milliseconds."""

    in_view: int
    metres: float
    degrees: float
    ms: float


def run(kind: Kind, frames: int, seed: int) -> list[Row]:
    """Frames of one map, each with at least four landmarks in view."""
    rng = np.random.default_rng(seed)
    landmarks = kind.landmarks(rng)
    config = LocalizerConfig(**kind.told)  # type: ignore[arg-type]
    label = np.arange(len(landmarks)) * kind.classes // len(landmarks)
    point_map = PointMap.recentred(landmarks, cues={"label": label.astype(np.int32)})
    localizer = Localizer.from_map(point_map, config=config)
    rows = list[Row]()
    while len(rows) < frames:
        T = kind.pose(rng)
        pixels, shown = seen(landmarks, T, config.sight_range or np.inf)
        if len(pixels) >= IN_VIEW[0][0]:
            try:
                keypoints = report(pixels, label[shown], kind.classes, rng)
                rows.append(judged(localizer, T, keypoints, len(pixels)))
            except BpnpError:  # too few are left
                rows.append(Row(len(pixels), np.inf, np.inf, 0.0))
    return rows


def judged(localizer: Localizer, T: Array, keypoints: Keypoints, in_view: int) -> Row:
    start = time.perf_counter()
    answer = localizer.localize(keypoints)
    ms = 1000 * (time.perf_counter() - start)
    if not isinstance(answer, Fix):
        return Row(in_view, np.inf, np.inf, ms)
    metres = float(np.linalg.norm(answer.T_map_camera[:3, 3] - T[:3, 3]))
    cosine = (np.trace(answer.T_map_camera[:3, :3].T @ T[:3, :3]) - 1) / 2
    return Row(in_view, metres, float(np.degrees(np.arccos(np.clip(cosine, -1, 1)))), ms)


def line(name: str, kind: Kind, rows: list[Row]) -> str:
    """One row of the table: recall by landmarks in view, wrong poses, median error, median ms."""

    def is_right(row: Row) -> bool:
        return row.metres <= kind.right_metres and row.degrees <= RIGHT_DEGREES

    shares = []
    for low, high in IN_VIEW:
        some = [is_right(row) for row in rows if low <= row.in_view <= high]
        shares.append(f"{sum(some)} of {len(some)}")
    wrong = sum(np.isfinite(row.metres) and not is_right(row) for row in rows)
    right = [row.metres for row in rows if is_right(row)]
    error = f"{1000 * np.median(right):.0f} mm" if right else "-"
    ms = np.median([row.ms for row in rows])
    return f"| {name} | {' | '.join(shares)} | {wrong} | {error} | {ms:.0f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=50, help="of each kind (50)")
    parser.add_argument("--seed", type=int, default=0, help="of maps, poses and noise (0)")
    options = parser.parse_args()
    torch.set_num_threads(1)
    print("| map | 4-5 in view | 6-9 | 10 or more | wrong poses | median error | ms |")
    print("|---|---|---|---|---|---|---|")
    for name, kind in KINDS.items():
        print(line(name, kind, run(kind, options.frames, options.seed)), flush=True)


if __name__ == "__main__":
    main()
