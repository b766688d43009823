"""Whether a live run went well: pure functions over what was sent and what came back."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bpnp_ros.evaluation.metrics import PoseErrors, Tolerance, pose_errors, quantiles, recall
from bpnp_ros.evaluation.trajectory import NANOSECONDS, Trajectory, match_stamps
from bpnp_ros.live.frame_report import FrameReport

ACCURATE = Tolerance(0.25, 2.0)
NOT_WRONG = Tolerance(1.0, 10.0)
ACCURATE_SHARE = 0.95
FIX_WITHIN = 3.0  # seconds of stamps
NETWORK = "bpnpnet_map"
ANSWERS_OF_A_LIVING_NODE = 3


@dataclass(frozen=True, eq=False)
class DemoRecord:
    """A run, or the part of it before an interruption, with at least one message sent.

    `sent` is the truth of every keypoint message, `published` what came back on TF. kidnaps: rows
    of `sent` where the camera was taken elsewhere. latency: (P,) seconds from the sending of a
    message to the arrival of its pose.
    """

    sent: Trajectory
    kidnaps: tuple[int, ...]
    published: Trajectory
    latency: NDArray[np.float64]
    reports: tuple[FrameReport, ...]

    def until(self, stamp_ns: int) -> DemoRecord:
        """The same run as if it had ended with the message of that stamp."""
        sent, published = self.sent.stamps_ns <= stamp_ns, self.published.stamps_ns <= stamp_ns
        return DemoRecord(
            self.sent[sent],
            tuple(row for row in self.kidnaps if sent[row]),
            self.published[published],
            self.latency[published],
            tuple(report for report in self.reports if report.stamp_ns <= stamp_ns),
        )


@dataclass(frozen=True)
class Recovery:
    """The start, or a kidnap, and the first accurate pose after it (infinitely late for none)."""

    name: str
    start_s: float
    seconds: float
    proposer: str

    @property
    def found(self) -> bool:
        return math.isfinite(self.seconds)

    @property
    def in_time(self) -> bool:
        return self.seconds <= FIX_WITHIN

    def __str__(self) -> str:
        proposer = self.proposer or "unreported"
        return f"{self.seconds:.1f} s, {proposer}" if self.found else "not found"


@dataclass(frozen=True)
class Check:
    """One criterion: what was asked, what was found, and whether that is enough."""

    asked: str
    found: str
    passed: bool


@dataclass(frozen=True, eq=False)
class DemoScore:
    """errors: one for each message sent. judged: messages that the accuracy criterion counts."""

    errors: PoseErrors
    published_errors: PoseErrors
    judged: NDArray[np.bool_]
    recoveries: tuple[Recovery, ...]
    global_fixes: dict[str, int]
    rejections: dict[str, int]
    unanswered: int
    latency: dict[str, float]
    checks: tuple[Check, ...] = ()

    @property
    def passed(self) -> bool:
        return all(check.passed for check in self.checks)

    @property
    def accurate_share(self) -> float:
        return recall(self.errors[self.judged], ACCURATE)

    @property
    def wrong(self) -> int:
        """Published poses off by more than any user could bear."""
        return int((~self.published_errors.within(NOT_WRONG)).sum())


def frame_errors(sent: Trajectory, published: Trajectory) -> tuple[PoseErrors, PoseErrors]:
    """Errors of each message (the worst pose with its stamp) and of each published pose.

    A pose with a stamp that nobody sent is infinitely wrong.
    """
    rows, known = match_stamps(sent.stamps_ns, published.stamps_ns)
    per_pose = _infinite(len(published))
    if known.any():
        found = pose_errors(sent.T_map_camera[rows[known]], published.T_map_camera[known])
        per_pose.metres[known], per_pose.degrees[known] = found.metres, found.degrees
    per_frame = _infinite(len(sent))
    answered = np.unique(rows[known])
    for frame_error, pose_error in (
        (per_frame.metres, per_pose.metres),
        (per_frame.degrees, per_pose.degrees),
    ):
        frame_error[answered] = 0.0
        np.maximum.at(frame_error, rows[known], pose_error[known])
    return per_frame, per_pose


def score_demo(record: DemoRecord, proposer: str = NETWORK) -> DemoScore:
    """Every figure of a run and the checks of the demo on them; proposer: that has to have found a
    lost camera, empty for any."""
    errors, published_errors = frame_errors(record.sent, record.published)
    recoveries = find_recoveries(record, errors)
    p50, p95 = quantiles(record.latency, (0.5, 0.95))
    score = DemoScore(
        errors=errors,
        published_errors=published_errors,
        judged=judged_frames(record, recoveries),
        recoveries=recoveries,
        global_fixes=_count([r.proposer for r in record.reports if r.global_fix]),
        rejections=_count([r.category for r in record.reports if r.category]),
        unanswered=len(set(record.sent.stamps_ns.tolist()) - {r.stamp_ns for r in record.reports}),
        latency={"p50": p50, "p95": p95},
    )
    return replace(score, checks=demo_checks(score, proposer))


def score_control(record: DemoRecord) -> DemoScore:
    """A negative control passes when the node answered and published nothing."""
    score = score_demo(record)
    published, answers = len(record.published), len(record.reports)
    checks = (
        Check("no pose published", f"{published} published", published == 0),
        Check(
            "the node answered messages",
            f"{answers} of {len(record.sent)}",
            answers >= ANSWERS_OF_A_LIVING_NODE,
        ),
    )
    return replace(score, checks=checks)


def find_recoveries(record: DemoRecord, errors: PoseErrors) -> tuple[Recovery, ...]:
    """The first accurate pose after the start and after each kidnap, before the next one."""
    accurate = errors.within(ACCURATE)
    seconds = _seconds(record.sent)
    proposers = {r.stamp_ns: r.proposer for r in record.reports}
    starts = [0, *record.kidnaps]
    recoveries = []
    for number, (start, end) in enumerate(zip(starts, [*starts[1:], len(accurate)], strict=True)):
        hits = start + np.flatnonzero(accurate[start:end])
        took = float(seconds[hits[0]] - seconds[start]) if len(hits) else float("inf")
        proposer = proposers.get(int(record.sent.stamps_ns[hits[0]]), "") if len(hits) else ""
        name = f"kidnap {number}" if number else "start"
        recoveries.append(Recovery(name, float(seconds[start]), took, proposer))
    return tuple(recoveries)


def judged_frames(record: DemoRecord, recoveries: tuple[Recovery, ...]) -> NDArray[np.bool_]:
    """Messages from the first fix on, without the windows from each kidnap to its re-fix.

    Such a window is never longer than the time that a re-fix may take.
    """
    seconds = _seconds(record.sent)
    judged = np.ones(len(seconds), bool)
    for number, recovery in enumerate(recoveries):
        longest = FIX_WITHIN if number else float("inf")
        end = recovery.start_s + min(recovery.seconds, longest)
        judged &= (seconds < recovery.start_s) | (seconds >= end)
    return judged


def demo_checks(score: DemoScore, proposer: str = NETWORK) -> tuple[Check, ...]:
    """What the demo promises."""
    fixes = [_recovery_check(recovery) for recovery in score.recoveries]
    accurate, wrong = score.accurate_share, score.wrong
    found = score.global_fixes
    by_proposer = found.get(proposer, 0) if proposer else sum(found.values())
    name = "the network" if proposer == NETWORK else proposer or "any proposer"
    share = Check(
        f"{ACCURATE_SHARE:.0%} of messages within {ACCURATE}",
        f"{accurate:.1%} of {int(score.judged.sum())}",
        accurate >= ACCURATE_SHARE,
    )
    none_wrong = Check(
        f"no pose off by more than {NOT_WRONG.metres:g} m or {NOT_WRONG.degrees:g} deg",
        f"{wrong} of {len(score.published_errors)}",
        wrong == 0,
    )
    search = Check(f"a global fix by {name}", f"{by_proposer}", by_proposer > 0)
    return (*fixes, share, none_wrong, search)


def _recovery_check(recovery: Recovery) -> Check:
    what = "first fix" if recovery.name == "start" else f"re-fix after {recovery.name}"
    return Check(f"{what} within {FIX_WITHIN:g} s", str(recovery), recovery.in_time)


def _infinite(count: int) -> PoseErrors:
    return PoseErrors(np.full(count, np.inf), np.full(count, np.inf))


def _seconds(trajectory: Trajectory) -> NDArray[np.float64]:
    """Seconds since the first stamp (F,)."""
    return (trajectory.stamps_ns - trajectory.stamps_ns[:1]) / NANOSECONDS


def _count(words: list[str]) -> dict[str, int]:
    return {word: words.count(word) for word in sorted(set(words))}
