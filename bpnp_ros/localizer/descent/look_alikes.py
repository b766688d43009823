"""Poses in other parts of a map that see what a pose sees."""

from __future__ import annotations

from bpnp_ros.localizer.candidates import Candidates, apart
from bpnp_ros.localizer.frame import Frame
from bpnp_ros.localizer.local_optimisation import ALIAS_START, FINAL_KEEP, keep_best, polish
from bpnp_ros.map_model.map_model import MapModel


def with_look_alikes(
    model: MapModel, candidates: Candidates, frame: Frame, most: int
) -> Candidates:
    """Joined by poses where the map looks like what the best candidate sees; `most` are tried.

    Of more that look the same than are kept, the nearest are: a moving camera may be there.
    """
    if len(model.aliases) == 0:
        return candidates
    best = keep_best(model, candidates, frame, frame.sigma, 1)
    poses = model.aliases.of(best.T_map_camera[0], most)
    metres, _ = apart(poses, best.T_map_camera[0])
    alike = Candidates.of(poses[metres.argsort()], best.proposer[0])
    alike = keep_best(model, alike, frame, ALIAS_START, FINAL_KEEP)
    return Candidates.joined([candidates, polish(model, alike, frame, ALIAS_START)])
