"""What playing a bag live costs against replaying it: messages left out, poses that come late."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpnp_ros.evaluation.metrics import are_known, for_json, pose_errors, quantiles, recall
from bpnp_ros.live.frame_report import FrameReport
from bpnp_ros.replay.score import (
    DIGITS,
    NOT_FALSE,
    TOLERANCES,
    ReplayRecord,
    quartiles,
)

Array = NDArray[np.float64]

SAME_METRES, SAME_DEGREES = 0.05, 0.5


@dataclass(frozen=True, eq=False)
class LiveRecord:
    """What the node answered to the messages of a replay that were sent, the first S of F.

    found: T_map_camera (S, 4, 4), NaN where no pose came. reports: by message's stamp. latency:
    (S,) seconds from sending to the pose's arrival, NaN. truth_on_arrival: (S, 4, 4), where the
    camera was when the pose came, NaN where that is not known.
    """

    found: Array
    reports: dict[int, FrameReport]
    latency: Array
    truth_on_arrival: Array

    def __len__(self) -> int:
        return len(self.found)


def live_summary(replay: ReplayRecord, live: LiveRecord, metric: bool) -> dict[str, Any]:
    """Figures of the live run beside the replay's, over the messages that were sent; for JSON."""
    sent = slice(len(live))
    stamps, truth, replayed = replay.stamps_ns[sent], replay.truth[sent], replay.found[sent]
    answered = np.array([stamp in live.reports for stamp in stamps.tolist()], bool)
    rejections = Counter(r.category for r in live.reports.values() if r.category)
    posed = are_known(live.found)
    p50, p95 = quantiles(live.latency[posed], (0.5, 0.95))
    figures: dict[str, Any] = {
        "sent": len(live),
        "answered": int(answered.sum()),
        "dropped": int((~answered).sum()),
        "poses": int(posed.sum()),
        "rejections": dict(sorted(rejections.items())),
        "latency_ms": {"p50": 1e3 * p50, "p95": 1e3 * p95},
        "agreement": agreement(replayed, live.found, answered),
    }
    known = replay.has_truth[sent]
    if known.any() and metric:
        ours, theirs = (pose_errors(truth[known], T[known]) for T in (replayed, live.found))
        later = posed & are_known(live.truth_on_arrival)
        late = pose_errors(live.truth_on_arrival[later], live.found[later])
        figures |= {
            "recall": {
                str(bound): {"replay": recall(ours, bound), "live": recall(theirs, bound)}
                for bound in TOLERANCES
            },
            "false_poses": int((~theirs[posed[known]].within(NOT_FALSE)).sum()),
            "error_on_arrival_m": quartiles(late.metres),
        }
    return for_json(figures, DIGITS)


def agreement(replayed: Array, live: Array, answered: NDArray[np.bool_]) -> dict[str, Any]:
    """Replay and node over the messages that both answered, poses (S, 4, 4) of each."""
    in_replay, in_live = are_known(replayed) & answered, are_known(live) & answered
    apart = pose_errors(replayed[in_replay & in_live], live[in_replay & in_live])
    same = (apart.metres <= SAME_METRES) & (apart.degrees <= SAME_DEGREES)
    return {
        "poses_in_both": len(apart),
        "same_within_5_cm_and_half_a_degree": int(same.sum()),
        "only_in_replay": int((in_replay & ~in_live).sum()),
        "only_live": int((in_live & ~in_replay).sum()),
        "largest_difference_m": float(apart.metres.max(initial=0.0)),
    }


def live_headlines(figures: dict[str, Any]) -> dict[str, str]:
    """The figures for people, by name."""
    agreed, latency = figures["agreement"], figures["latency_ms"]
    lines = {
        "answered live": f"{figures['answered']} of {figures['sent']} messages, "
        f"{figures['poses']} by a pose",
        "same pose as in the replay": f"{agreed['same_within_5_cm_and_half_a_degree']} of "
        f"{agreed['poses_in_both']}; {agreed['only_in_replay']} in the replay only, "
        f"{agreed['only_live']} live only",
    }
    if figures["poses"]:
        lines["message to pose"] = f"{latency['p50']:.0f} ms (p50), {latency['p95']:.0f} ms (p95)"
    for bound, recalls in figures.get("recall", {}).items():
        lines[f"recall within {bound}"] = f"{recalls['replay']:.1%}, live {recalls['live']:.1%}"
    return lines
