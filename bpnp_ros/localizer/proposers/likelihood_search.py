"""Poses from stored virtual views, scored by the measurement model; nothing is learned."""

from __future__ import annotations

from torch import Tensor

from bpnp_ros.configuration.parameters import LocalizerConfig
from bpnp_ros.geometry.camera import Frustum
from bpnp_ros.localizer.candidates import Candidates
from bpnp_ros.localizer.descent.local_optimisation import coarse_to_fine_views
from bpnp_ros.localizer.frame import Frame
from bpnp_ros.localizer.progress import Progress, unheard
from bpnp_ros.localizer.proposers.proposer import Proposal
from bpnp_ros.localizer.proposers.views.frame_field import FrameField
from bpnp_ros.localizer.proposers.views.panorama_bank import (
    PanoramaBank,
    build_panorama_bank,
    panorama_bytes,
)
from bpnp_ros.localizer.proposers.views.view_bank import VIEW_BYTES, ViewBank, build_view_bank
from bpnp_ros.localizer.proposers.views.view_ranking import (
    rank_and_climb,
    rank_around_peaks,
    rank_views,
)
from bpnp_ros.map_model.map_model import MapModel

VIEWS_SIFTED, VIEWS_SEARCHED, VIEWS_ANNEALED = 2000, 192, 384
NEAR_PHOTOGRAPHS_SIFTED = 12_000  # by blur; the fewer, the fewer come near


class LikelihoodSearch:
    """The best of many stored views, pulled onto the keypoints."""

    name = "likelihood_search"

    def __init__(
        self, model: MapModel, config: LocalizerConfig, knows_places: bool = False
    ) -> None:
        """knows_places: a network of the map says which places a frame may show; then, and where up
        is not known, single views are stored instead of panoramas."""
        self._model, self._config = model, config
        hides = not (model.is_open or model.from_photographs)
        self._has_panoramas = hides and model.view_space.held.knows_up and not knows_places
        self._bank: ViewBank | PanoramaBank | None = None
        self._ranked: tuple[Frame, Tensor] | None = None

    def prepare(self, frustum: Frustum, progress: Progress = unheard) -> None:
        """Build the bank for a camera; some seconds. One that sees as much keeps its bank."""
        if self._bank is None or not self._bank.frustum.is_close(frustum):
            self._bank = self._built(frustum, progress)

    def _built(self, frustum: Frustum, progress: Progress) -> ViewBank | PanoramaBank:
        model, config = self._model, self._config
        if self._has_panoramas:
            return build_panorama_bank(model, frustum, config.seed, progress)
        views = model.views_stored(config.bank_views)
        return build_view_bank(model, frustum, views, config.clutter, config.seed, progress)

    @property
    def stored_bytes(self) -> int:
        """What is kept of the map, at most."""
        if self._has_panoramas:
            return panorama_bytes(len(self._model.places.anchors))
        return VIEW_BYTES * self._model.views_stored(self._config.bank_views)

    def propose(self, frame: Frame) -> Proposal:
        """The best views, pulled onto the keypoints from coarse to fine."""
        views = Candidates.of(self.best_views(frame, VIEWS_SEARCHED), self.name)
        pulled = coarse_to_fine_views(self._model, views, frame)
        stand_apart = self._has_panoramas or self._model.from_photographs
        return Proposal(pulled, self.best_views(frame, VIEWS_ANNEALED) if stand_apart else None)

    def best_views(self, frame: Frame, count: int) -> Tensor:
        """T_map_camera (count, 4, 4) at most of the views that a frame looks like, best first.

        Those of the last frame are kept: more than one proposer asks for them.
        """
        if self._ranked is None or self._ranked[0] is not frame:
            self.prepare(frame.frustum)
            self._ranked = frame, self._rank(frame)
        return self._ranked[1][:count]

    def _rank(self, frame: Frame) -> Tensor:
        """Views near photographs stand further apart than those of a robot: in six directions."""
        model, seed = self._model, self._config.seed
        assert self._bank is not None
        if isinstance(self._bank, PanoramaBank):
            return rank_around_peaks(model, self._bank.views(frame), frame, VIEWS_SIFTED)
        xy = frame.coarse().xy
        if model.from_photographs:
            sifted, _ = self._bank.best(xy, NEAR_PHOTOGRAPHS_SIFTED)
            return rank_and_climb(FrameField.of(model, frame), sifted, seed)
        sifted, _ = self._bank.best(xy, VIEWS_SIFTED)
        return rank_views(model, sifted, frame, VIEWS_SIFTED)
