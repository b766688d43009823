"""Cases in simulated buildings: cameras as told, and what can go wrong with camera and map."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from bpnp_ros.geometry.camera import Camera
from bpnp_ros.keypoints.keypoints import Keypoints, TooFewKeypointsError, keypoints_from_pixels
from bpnp_ros.localizer.localizer import Localizer
from bpnp_ros.localizer.prior import PosePrior
from bpnp_ros.simulation.camera_path import make_camera_path
from bpnp_ros.simulation.observation import DetectorNoise, observe
from bpnp_ros.simulation.world import World, make_world
from experiments.trust.worlds.buildings import (
    CAMERA,
    MOVED,
    bare,
    building,
    corridor,
    in_a_mirror,
    localizer_of,
    poses,
    twin_buildings,
    with_a_third_moved,
)
from experiments.trust.worlds.case import Array, Case, Shot

KIND, TRACKED = "buildings", "buildings, tracked"
AS_TOLD = DetectorNoise()
FEWEST_VISIBLE = 25
NEAR = np.diag([0.1] * 3 + [0.05] * 3) ** 2  # what a prior at the truth claims, m^2 and rad^2
FAR = 6.5  # metres
FEW = 14  # landmarks of a line or a cluster
WALK = 120.0  # seconds
STEP = 0.08  # metres and radians from one tracked frame to the next

Choose = Callable[[Array, Array], NDArray[np.intp]]
"""Landmarks (N, 3) and the camera's position (3,) -> rows that the detector can find."""


@dataclass(frozen=True, eq=False)
class Conditions:
    """How a camera finds a building; with the defaults as it was told.

    world: at the time of the pictures, where it is not that of the map. moved: how far some of its
    landmarks are from where the map has them (3,). fewest: landmarks in view.
    """

    noise: DetectorNoise = field(default_factory=DetectorNoise)
    heights: tuple[float, float] | None = None
    camera: Camera = CAMERA
    world: Callable[[int], World] | None = None
    moved: Array | None = None
    chosen: Choose | None = None
    fewest: int = FEWEST_VISIBLE

    def seen(self, world: World, pose: Array, rng: np.random.Generator) -> Keypoints | None:
        """What the camera reports at a pose (4, 4); None where it is too little."""
        if self.chosen is not None:
            rows = self.chosen(world.landmarks, pose[:3, 3])
            world = replace(world, landmarks=world.landmarks[rows], normals=world.normals[rows])
        seen = observe(world, pose, self.camera, self.noise, rng)
        if (seen.landmark >= 0).sum() < self.fewest:
            return None
        try:
            return keypoints_from_pixels(seen.pixels.astype(float), CAMERA)
        except TooFewKeypointsError:
            return None


def _case(
    name: str,
    given: Conditions,
    mapped: Callable[[int], World] = building,
    has_prior: bool = False,
    is_anywhere: bool = True,
    is_told: bool = True,
) -> Case:
    """Of first fixes; is_anywhere: whether the camera is in the map at all."""

    def shots(localizer: Localizer, seed: int) -> Iterator[Shot]:
        rng = np.random.default_rng([seed, *name.encode()])
        world = (given.world or mapped)(seed)
        for pose in poses(localizer.map_model, rng, given.heights):
            keypoints = given.seen(world, pose, rng)
            if keypoints is not None:
                prior = PosePrior(pose, NEAR) if has_prior else None
                by_what_moved = None if given.moved is None else shifted(pose, -given.moved)
                truth = pose if is_anywhere else None
                yield Shot(keypoints, truth, prior, T_by_what_moved=by_what_moved)

    return Case(name, KIND, lambda seed: localizer_of(mapped, seed), shots, is_told=is_told)


def _tracked(name: str, given: Conditions, is_carried_off: bool = False) -> Case:
    """Of a camera that was found a tenth of a second ago, and may have been carried off since."""

    def shots(localizer: Localizer, seed: int) -> Iterator[Shot]:
        rng, before = np.random.default_rng([seed, *name.encode()]), Conditions()
        everywhere = poses(localizer.map_model, rng)
        for pose in everywhere:
            first = before.seen(building(seed), pose, rng)
            now = next(everywhere) if is_carried_off else _moved(pose, rng)
            second = given.seen(building(seed), now, rng)
            if first is not None and second is not None:
                yield Shot(second, now, before=(first, pose))

    return Case(name, TRACKED, lambda seed: localizer_of(building, seed), shots)


def _of_nowhere(name: str, shots: Callable[[Localizer, int], Iterator[Shot]]) -> Case:
    return Case(name, KIND, lambda seed: localizer_of(building, seed), shots, is_told=False)


def _walked(localizer: Callable[[int], Localizer], name: str, is_anywhere: bool = True) -> Case:
    """Of a camera on a walk through six rooms, of which the map is bare."""

    def shots(localizer: Localizer, seed: int) -> Iterator[Shot]:
        rng, given, world = (
            np.random.default_rng([seed, *name.encode()]),
            Conditions(),
            make_world(seed),
        )
        path = make_camera_path(world.plan, seed, WALK, kidnaps=0).T_map_camera
        for pose in path[rng.permutation(len(path))]:
            keypoints = given.seen(world, pose, rng)
            if keypoints is not None:
                yield Shot(keypoints, pose if is_anywhere else None)

    return Case(name, "bare buildings", localizer, shots, is_told=is_anywhere)


def _moved(pose: Array, rng: np.random.Generator) -> Array:
    """A step in the plane, and a turn about up."""
    angle = STEP * rng.normal()
    turn = np.array(
        [[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]]
    )
    moved = pose.copy()
    moved[:3, :3] = turn @ pose[:3, :3]
    moved[:2, 3] += STEP * rng.normal(size=2)
    return moved


def shifted(pose: Array, offset: Array) -> Array:
    """A pose (4, 4) so many metres (3,) further."""
    moved = pose.copy()
    moved[:3, 3] += offset
    return moved


def _clutter_alone(localizer: Localizer, seed: int) -> Iterator[Shot]:
    rng = np.random.default_rng([seed, 3])
    while True:
        count = rng.integers(30, 200)
        pixels = rng.uniform(0, (CAMERA.width, CAMERA.height), (count, 2))
        yield Shot(keypoints_from_pixels(pixels, CAMERA), None)


def _far_off(landmarks: Array, position: Array) -> NDArray[np.intp]:
    return np.flatnonzero(np.linalg.norm(landmarks - position, axis=1) > FAR)


def _on_a_line(landmarks: Array, position: Array) -> NDArray[np.intp]:
    """The landmarks closest to a line through two of those that are 2 to 6 m away."""
    near = _between(landmarks, position)
    rng = np.random.default_rng(len(near))
    one, other = landmarks[rng.choice(near, 2, replace=False)]
    along = (other - one) / np.linalg.norm(other - one)
    return near[np.linalg.norm(np.cross(landmarks[near] - one, along), axis=1).argsort()[:FEW]]


def _in_a_cluster(landmarks: Array, position: Array) -> NDArray[np.intp]:
    """A landmark 2 to 6 m away, and those next to it."""
    near = _between(landmarks, position)
    centre = landmarks[np.random.default_rng(len(near)).choice(near)]
    return np.linalg.norm(landmarks - centre, axis=1).argsort()[:FEW]


def _between(landmarks: Array, position: Array) -> NDArray[np.intp]:
    distance = np.linalg.norm(landmarks - position, axis=1)
    return np.flatnonzero((distance > 2) & (distance < 6))


def wrong_lens(factor: float) -> Camera:
    """Of which CAMERA tells a focal length so many times too short."""
    return replace(CAMERA, K=CAMERA.K * [[factor, 1, 1], [1, factor, 1], [1, 1, 1]])


def _another_building(seed: int) -> World:
    return building(seed + 1000)


CASES = [
    *(
        _case(
            f"as told, {missed:.0%} missed, {clutter:.0%} clutter",
            Conditions(DetectorNoise(1.0, missed, clutter)),
        )
        for missed, clutter in ((0.3, 0.3), (0.5, 0.5), (0.5, 0.6), (0.3, 0.7))
    ),
    *(_case(f"noise {px:g} px", Conditions(DetectorNoise(px))) for px in (0.5, 2.0, 3.0)),
    *(
        _case(
            f"camera {low} to {high} m high, told 1.2 to 1.8",
            Conditions(heights=(low, high)),
            is_told=False,
        )
        for low, high in ((0.3, 0.6), (2.2, 2.5))
    ),
    _case(
        "a third of the map moved 1 m",
        Conditions(world=with_a_third_moved, moved=MOVED),
        is_told=False,
    ),
    *(
        _case(f"focal length {f - 1:.0%} wrong", Conditions(camera=wrong_lens(f)), is_told=False)
        for f in (1.03, 1.1)
    ),
    _case(
        "a camera in another building",
        Conditions(world=_another_building),
        is_anywhere=False,
        is_told=False,
    ),
    Case(
        "clutter alone",
        KIND,
        lambda seed: localizer_of(building, seed),
        _clutter_alone,
        is_told=False,
    ),
    _walked(bare, "a bare map"),
    _walked(in_a_mirror, "a bare map, mirrored", is_anywhere=False),
    _case("the map holds a twin of the place", Conditions(), twin_buildings, is_told=False),
    _case("a corridor that repeats every 0.45 m", Conditions(), corridor, is_told=False),
    _case("landmarks beyond 6.5 m alone", Conditions(chosen=_far_off, fewest=8), is_told=False),
    *(
        _case(name, Conditions(chosen=chosen, fewest=6), has_prior=True, is_told=False)
        for name, chosen in (
            ("landmarks beyond 6.5 m alone, prior at the truth", _far_off),
            ("landmarks on a line, prior at the truth", _on_a_line),
            ("a cluster of landmarks, prior at the truth", _in_a_cluster),
        )
    ),
    _tracked("tracked", Conditions()),
    *(
        _tracked(f"tracked, noise {px:g} px", Conditions(DetectorNoise(px)))
        for px in (0.5, 2.0, 3.0)
    ),
    _tracked("tracked, 60% clutter", Conditions(DetectorNoise(clutter=0.6))),
    _tracked("tracked, carried off to another place", Conditions(), is_carried_off=True),
]
