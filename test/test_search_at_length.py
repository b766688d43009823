"""A frame that a first look does not answer for sure is searched for at length."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from orbit import CAMERA, orbit
from torch import Tensor

from bpnp_ros.configuration.parameters import LocalizerConfig
from bpnp_ros.geometry.camera import Frustum
from bpnp_ros.keypoints.keypoints import Keypoints
from bpnp_ros.keypoints.lens import image_frustum
from bpnp_ros.localizer import search
from bpnp_ros.localizer.candidates import Candidates, apart
from bpnp_ros.localizer.descent.moves import all_ways
from bpnp_ros.localizer.frame import Frame
from bpnp_ros.localizer.gate import verify
from bpnp_ros.localizer.progress import Progress, unheard
from bpnp_ros.localizer.proposers.proposer import Proposal
from bpnp_ros.localizer.proposers.registry import Given
from bpnp_ros.localizer.search import AT_LENGTH, GlobalSearch
from bpnp_ros.localizer.types import Fix, Rejection
from bpnp_ros.map_model.from_photographs import model_from_photographs
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
    return model_from_photographs(orbit().with_images(np.arange(1, 24)))


@pytest.fixture(scope="module")
def frame() -> Frame:
    xy, _ = orbit().keypoints_of(0)
    rows, score = np.arange(len(xy)), np.ones(len(xy), np.float32)
    keypoints = Keypoints(xy.astype(np.float32), score, rows, image_frustum(CAMERA))
    return Frame.of(keypoints, 1.3, 0.5, torch.device("cpu"))


def truth(model: MapModel) -> Tensor:
    pose = torch.from_numpy(orbit().T_map_camera[0]).clone()
    pose[:3, 3] -= torch.from_numpy(model.point_map.origin)
    return pose.float()


def astray(model: MapModel) -> Tensor:
    """Looking at the same points from the other side of them."""
    turned = truth(model) @ torch.diag(torch.tensor([-1.0, 1, -1, 1]))
    turned[:3, 3] *= -1
    return turned[None]


def near(model: MapModel) -> Tensor:
    """Views about the truth, from which the search at length gets there."""
    draw = torch.randn(60, 6, generator=torch.Generator().manual_seed(0))
    return truth(model) @ all_ways(0.1 * draw / draw.norm(dim=1, keepdim=True), model.depth)


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
    metres, radians = apart(pose[None], truth(model))
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
    found, seconds = answered(mapped, frame, truth(mapped)[None], near(mapped))
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
    found, seconds = answered(mapped, frame, truth(mapped)[None], near(mapped))
    assert is_right(mapped, found) and AT_LENGTH in seconds


def test_a_frame_that_shows_nothing_of_the_map_is_searched_to_the_end(mapped: MapModel) -> None:
    xy = np.random.default_rng(0).uniform([-0.6, -0.45], [0.6, 0.45], (200, 2))
    rows, score = np.arange(len(xy)), np.ones(len(xy), np.float32)
    keypoints = Keypoints(xy.astype(np.float32), score, rows, image_frustum(CAMERA))
    noise = Frame.of(keypoints, 1.3, 0.5, torch.device("cpu"))
    answer, seconds = answered(mapped, noise, astray(mapped), near(mapped))
    assert isinstance(answer, Rejection) and AT_LENGTH in seconds
