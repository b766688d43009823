"""Among clutter, poses near the truth are told from those with points where keypoints crowd."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from orbit import orbit
from orbit_frames import frame_of, mapped_by_the_others, recentred_truth, starts_about

from bpnp_ros.localizer.candidates import apart
from bpnp_ros.localizer.descent.annealing import FROM_PHOTOGRAPHS, anneal
from bpnp_ros.localizer.descent.local_optimisation import (
    FROM_CLIMBED_VIEWS,
    Candidates,
    all_points,
)
from bpnp_ros.localizer.descent.moves import sidesteps
from bpnp_ros.localizer.frame import Frame
from bpnp_ros.map_model.map_model import MapModel


@pytest.fixture(scope="module")
def mapped() -> MapModel:
    return mapped_by_the_others()


def cluttered_frame(seed: int) -> Frame:
    """Of the photograph that does not map, with four strays for every true keypoint; most of
    them crowd about one spot."""
    xy, shown = orbit().keypoints_of(0)
    true, rng = xy[shown >= 0][:60], np.random.default_rng(seed)
    crowd = rng.normal([0.25, 0.1], 0.08, (160, 2)).clip([-0.6, -0.45], [0.6, 0.45])
    anywhere = rng.uniform([-0.6, -0.45], [0.6, 0.45], (80, 2))
    return frame_of(np.concatenate([true, crowd, anywhere]))


def found_by(model: MapModel, poses: torch.Tensor) -> bool:
    """Whether one of the poses is near the truth."""
    metres, radians = apart(poses, recentred_truth(model))
    return bool(((metres < 0.02 * model.depth) & (radians < 0.02)).any())


def test_annealing_finds_the_truth_where_descent_alone_seldom_does(mapped: MapModel) -> None:
    annealed, descended = 0, 0
    for seed in range(6):
        frame = cluttered_frame(seed)
        starts = starts_about(recentred_truth(mapped), mapped.depth, seed)
        annealed += found_by(mapped, anneal(mapped, starts, frame, 0, FROM_PHOTOGRAPHS))
        candidates = all_points(mapped, Candidates.of(starts, "test"), frame, FROM_CLIMBED_VIEWS)
        descended += found_by(mapped, candidates.T_map_camera)
    assert annealed >= 5 and descended <= 1


def test_the_same_seed_gives_the_same_poses(mapped: MapModel) -> None:
    frame = cluttered_frame(0)
    starts = starts_about(recentred_truth(mapped), mapped.depth, 0)
    assert torch.equal(
        anneal(mapped, starts, frame, 3, FROM_PHOTOGRAPHS),
        anneal(mapped, starts, frame, 3, FROM_PHOTOGRAPHS),
    )


def test_clutter_is_as_dense_as_the_keypoints_about_it() -> None:
    spot = np.random.default_rng(0).normal([0.2, 0.1], 0.01, (40, 2))
    alone = np.array([[-0.4, 0.3], [-0.3, -0.3]])
    crowding = frame_of(np.concatenate([spot, alone])).with_crowding(0.03).crowding
    assert crowding is not None
    assert crowding[:40].min() > 20 and crowding[40:].max() < 0.2


def test_sidesteps_go_far_and_leave_what_lies_ahead_where_it_is_in_the_image() -> None:
    depth, reach = 3.0, torch.tensor([0.15, 0.15, 0.08, 0.04, 0.04, 0.12])
    draw = torch.rand(200, 6, generator=torch.Generator().manual_seed(1)) * 2 - 1
    steps = sidesteps(draw * reach, depth)
    seen = (torch.linalg.inv(steps) @ torch.tensor([0.0, 0.0, depth, 1.0]))[:, :3]
    off = torch.hypot(seen[:, 0], seen[:, 1]) / seen[:, 2]
    assert off.max() < 2**0.5 * 1.2 * 0.04 < 0.15 / 2
    assert (steps[:, :2, 3].abs().amax(dim=0) > 0.8 * 0.15 * depth).all()
    assert steps[:, 2, 3].abs().max() > 0.8 * 0.12 * depth
