"""A frame that a first look does not answer for sure is searched for at length."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from orbit import orbit
from orbit_frames import frame_of, mapped_by_the_others, recentred_truth, starts_about
from torch import Tensor

from bpnp_ros.configuration.parameters import LocalizerConfig
from bpnp_ros.geometry.camera import Frustum
from bpnp_ros.localizer import search
from bpnp_ros.localizer.candidates import Candidates, apart
from bpnp_ros.localizer.frame import Frame
from bpnp_ros.localizer.gate import verify
from bpnp_ros.localizer.progress import Progress, unheard
from bpnp_ros.localizer.proposers.proposer import Proposal
from bpnp_ros.localizer.proposers.registry import Given
from bpnp_ros.localizer.search import AT_LENGTH, GlobalSearch
from bpnp_ros.localizer.types import Fix, Rejection
from bpnp_ros.map_model.map_model import MapModel


class TwoViews:
    """Proposes one view, and would begin a longer search with others."""

    name = "two views"

    def __init__(self, candidate: Tensor, starts: Tensor | None) -> None:
        self._proposal = Proposal(Candidates.of(candidate, self.name), starts)

    def prepare(self, frustum: Frustum, progress: Progress = unheard) -> None:
        """Nothing takes long."""

    def propose(self, frame: Frame) -> Proposal:
        return self._proposal


@pytest.fixture(scope="module")
def mapped() -> MapModel:
    return mapped_by_the_others()


@pytest.fixture(scope="module")
def frame() -> Frame:
    return frame_of(orbit().keypoints_of(0)[0])


def astray(model: MapModel) -> Tensor:
    """Looking at the same points from the other side of them."""
    turned = recentred_truth(model) @ torch.diag(torch.tensor([-1.0, 1, -1, 1]))
    turned[:3, 3] *= -1
    return turned[None]


def near(model: MapModel) -> Tensor:
    """Views about the truth, from which the search at length gets there."""
    return starts_about(recentred_truth(model), model.depth, seed=0)


def answered(
    model: MapModel, frame: Frame, candidate: Tensor, starts: Tensor | None
) -> tuple[Fix | Rejection, dict[str, float]]:
    asked, seconds = GlobalSearch(Given(model, None, None, LocalizerConfig())), dict[str, float]()
    asked.proposers = [TwoViews(candidate, starts)]
    return asked.answer(frame, None, seconds)[0], seconds


def is_right(model: MapModel, answer: Fix | Rejection) -> bool:
    if not isinstance(answer, Fix):
        return False
    pose = torch.from_numpy(answer.T_map_camera - _shift(model)).float()
    metres, radians = apart(pose[None], recentred_truth(model))
    return bool(metres < 0.02 * model.depth and radians < 0.02)


def _shift(model: MapModel) -> np.ndarray:
    shift = np.zeros((4, 4))
    shift[:3, 3] = model.point_map.origin
    return shift


def test_what_the_first_look_misses_is_found_at_length(mapped: MapModel, frame: Frame) -> None:
    missed, _ = answered(mapped, frame, astray(mapped), None)
    found, seconds = answered(mapped, frame, astray(mapped), near(mapped))
    assert isinstance(missed, Rejection)
    assert is_right(mapped, found) and AT_LENGTH in seconds


def test_a_pose_that_is_sure_at_first_sight_ends_the_search(mapped: MapModel, frame: Frame) -> None:
    found, seconds = answered(mapped, frame, recentred_truth(mapped)[None], near(mapped))
    assert is_right(mapped, found) and AT_LENGTH not in seconds


def test_a_pose_that_passes_with_little_to_spare_is_compared_with_what_is_found_at_length(
    mapped: MapModel, frame: Frame, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first look may have missed its rival."""

    def barely(*arguments: object) -> Fix | Rejection:
        answer = verify(*arguments)  # type: ignore[arg-type]
        if isinstance(answer, Fix):
            return replace(answer, false_pose_probability=5e-4)
        return answer

    monkeypatch.setattr(search, "verify", barely)
    found, seconds = answered(mapped, frame, recentred_truth(mapped)[None], near(mapped))
    assert is_right(mapped, found) and AT_LENGTH in seconds


def test_a_frame_that_shows_nothing_of_the_map_is_searched_to_the_end(mapped: MapModel) -> None:
    xy = np.random.default_rng(0).uniform([-0.6, -0.45], [0.6, 0.45], (200, 2))
    answer, seconds = answered(mapped, frame_of(xy), astray(mapped), near(mapped))
    assert isinstance(answer, Rejection) and AT_LENGTH in seconds
