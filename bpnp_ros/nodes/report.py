"""From the pipeline's parts to one state with a reason, as docs/interface.md lists them."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from bpnp_ros.localizer.localizer import TRACKING
from bpnp_ros.localizer.types import Rejection
from bpnp_ros.nodes.pipeline import Pipeline

SILENCE = 2.0  # seconds without keypoints that are worth a word


@dataclass(frozen=True)
class Report:
    """`why` is for people; `ready`: all it waits for is keypoints; `setup`: what it works with."""

    state: str
    why: str = ""
    ready: bool = False
    healthy: bool = False
    failed: bool = False
    setup: dict[str, str] = field(default_factory=dict)


def inactive_report(state: str, failure: str) -> Report:
    return Report(state, failure, failed=bool(failure))


def active_report(pipeline: Pipeline) -> Report:
    """The first thing that is missing, or how the localiser is doing."""
    maps, mismatch = pipeline.maps, pipeline.mismatches.get
    setup = _setup(pipeline)
    if not pipeline.enabled:
        return Report("DISABLED", "call the service ~/enable", setup=setup)
    if pipeline.preparing:
        done = f"working out what is seen from where in the map, {pipeline.progress:.0%}"
        return Report("PREPARING", done, setup=setup)
    if maps.active is None:
        why = maps.refusal or maps.waits_for
        why = why or mismatch("point_map", "no map has arrived on the topic point_map")
        ready, failed = bool(maps.waits_for), bool(maps.refusal)
        return Report("NO_MAP", why, ready, failed=failed, setup=setup)
    if not pipeline.ready:
        why = mismatch("camera_info", pipeline.cameras.problem)
        return Report("NO_CAMERA_INFO", why, setup=setup)
    return _localizing(pipeline, maps.active.localizer.state == TRACKING, setup)


def _localizing(pipeline: Pipeline, following: bool, setup: dict[str, str]) -> Report:
    tally = pipeline.tally
    answer, silence = tally.answer, _silence(tally.received_at)
    if silence:
        why = pipeline.mismatches.get("keypoints", silence)
        return Report("NO_KEYPOINTS", why, ready=True, setup=setup)
    if answer is None:
        return Report("LOST", "looking at the first keypoints", ready=True, setup=setup)
    if isinstance(answer, Rejection):
        why = f"{answer.category.value}: {answer.message}"
        return Report("FALTERING" if following else "LOST", why, ready=True, setup=setup)
    why = pipeline.maps.refusal or tally.refused_prior or setup["notes"]
    return Report("TRACKING", why, ready=True, healthy=not why, setup=setup)


def _silence(received_at: float | None) -> str:
    if received_at is None:
        return "no keypoints have arrived yet"
    silent = time.monotonic() - received_at
    return f"no keypoints for {silent:.0f} s" if silent > SILENCE else ""


def _setup(pipeline: Pipeline) -> dict[str, str]:
    settings, active = pipeline.maps.settings, pipeline.maps.active
    setup = {
        "dropped": str(pipeline.dropped),
        "weights": settings.weights or "those that come with bpnp_ros",
        "tf_mode": settings.tf_mode,
        "map_refused": pipeline.maps.refusal,
        "map_waiting": pipeline.map_waiting,
        "initialpose_refused": pipeline.tally.refused_prior,
    }
    if active is not None:
        setup |= {
            "map_points": str(active.points),
            "map_frame": active.frame,
            "map_metric": str(active.metric).lower(),
            "memory_gib": f"{active.memory:.2f}",
            "device": str(active.localizer.map_model.view_space.device),
            "assumed": pipeline.maps.assumed,
            "proposers": " ".join(active.localizer.proposers),
            "notes": "\n".join(active.localizer.notes),
            **active.localizer.checks.values,
        }
    return setup
