"""Poses from stored virtual views, scored by the measurement model; nothing is learned."""

from __future__ import annotations

from torch import Tensor

from bpnp_ros.configuration.parameters import LocalizerConfig
from bpnp_ros.geometry.camera import Frustum
from bpnp_ros.localizer.candidates import Candidates
from bpnp_ros.localizer.frame import Frame
from bpnp_ros.localizer.local_optimisation import coarse_to_fine_views
from bpnp_ros.localizer.progress import Progress, unheard
from bpnp_ros.localizer.proposers.frame_field import FrameField
from bpnp_ros.localizer.proposers.view_bank import ViewBank, build_view_bank
from bpnp_ros.localizer.proposers.view_ranking import rank_and_climb, rank_views
from bpnp_ros.map_model.map_model import MapModel

VIEWS_SIFTED, VIEWS_SEARCHED = 2000, 192


class LikelihoodSearch:
    """The best of many stored views, pulled onto the keypoints."""

    name = "likelihood_search"

    def __init__(self, model: MapModel, config: LocalizerConfig) -> None:
        self._model, self._config = model, config
        self._bank: ViewBank | None = None
        self._ranked: tuple[Frame, Tensor] | None = None

    def prepare(self, frustum: Frustum, progress: Progress = unheard) -> None:
        """Build the bank for a camera; some seconds. One that sees as much keeps its bank."""
        if self._bank is None or not self._bank.frustum.is_close(frustum):
            config = self._config
            views = self._model.views_stored(config.bank_views)
            self._bank = build_view_bank(
                self._model, frustum, views, config.clutter, config.seed, progress
            )

    def propose(self, frame: Frame) -> Candidates:
        """The best views, pulled onto the keypoints from coarse to fine."""
        poses = self.best_views(frame, VIEWS_SEARCHED)
        return coarse_to_fine_views(self._model, Candidates.of(poses, self.name), frame)

    def best_views(self, frame: Frame, count: int) -> Tensor:
        """T_map_camera (count, 4, 4) at most of the views that a frame looks like, best first.

        Those of the last frame are kept: more than one proposer asks for them.
        """
        if self._ranked is None or self._ranked[0] is not frame:
            self.prepare(frame.frustum)
            assert self._bank is not None
            sifted, _ = self._bank.best(frame.coarse().xy, VIEWS_SIFTED)
            self._ranked = frame, self._rank(sifted, frame)
        return self._ranked[1][:count]

    def _rank(self, views: Tensor, frame: Frame) -> Tensor:
        """Views near photographs stand further apart than those of a robot: in six directions."""
        if self._model.from_photographs:
            return rank_and_climb(FrameField.of(self._model, frame), views, self._config.seed)
        return rank_views(self._model, views, frame, VIEWS_SIFTED)
