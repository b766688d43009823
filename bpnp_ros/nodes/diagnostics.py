"""The node's state in words and numbers, cheap enough to publish with every frame."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from std_msgs.msg import Header

from bpnp_ros.localizer.types import Fix, Rejection
from bpnp_ros.nodes.report import Report
from bpnp_ros.runtime.tally import Tally


def diagnostics(top: Header, node: str, report: Report, tally: Tally) -> DiagnosticArray:
    """node: its full name."""
    values = {
        "state": report.state,
        "ready": str(report.ready).lower(),
        "stamp": f"{tally.stamp // 10**9}.{tally.stamp % 10**9:09d}",
        **dict(_of_answer(tally.answer)),
        **dict(_of_fix(tally)),
        **dict(_of_counts(tally)),
        **report.setup,
    }
    status = DiagnosticStatus(
        level=_level(report),
        name=f"{node}: localization",
        message=f"{report.state}: {report.why}" if report.why else report.state,
        hardware_id=tally.camera,
        values=[KeyValue(key=key, value=value) for key, value in values.items()],
    )
    return DiagnosticArray(header=top, status=[status])


def _level(report: Report) -> bytes:
    levels = DiagnosticStatus
    level: bytes = levels.ERROR if report.failed else levels.OK if report.healthy else levels.WARN
    return level


def _of_answer(answer: Fix | Rejection | None) -> Iterator[tuple[str, str]]:
    """Of the keypoints answered last."""
    rejection = answer if isinstance(answer, Rejection) else None
    yield "category", rejection.category.value if rejection else ""
    yield "reason", rejection.message if rejection else ""
    timings = answer.timings if answer else {}
    yield "latency_ms", f"{1e3 * sum(timings.values()):.1f}"
    for stage, seconds in timings.items():
        yield f"latency_{stage}_ms", f"{1e3 * seconds:.1f}"


def _of_fix(tally: Tally) -> Iterator[tuple[str, str]]:
    """Of the last fix, however old it is."""
    fix = tally.fix
    if fix is None or tally.fix_at is None:
        yield "age_of_last_fix_s", "never"
        return
    position, rotation = fix.sigmas
    yield "age_of_last_fix_s", f"{time.monotonic() - tally.fix_at:.2f}"
    yield "proposer", fix.proposer
    yield "inliers", str(fix.inliers)
    yield "reprojection_error_px", f"{fix.reprojection_error_px:.2f}"
    yield "sigma_position_m", f"{position:.4f}"
    yield "sigma_rotation_deg", f"{np.degrees(rotation):.3f}"
    yield "log_likelihood_ratio", f"{fix.log_likelihood_ratio:.1f}"
    yield "false_pose_probability", f"{fix.false_pose_probability:.2g}"
    yield "keypoint_sigma_px", f"{fix.keypoint_sigma_px:.2f}"
    yield "clutter", f"{fix.clutter:.2f}"
    for name, (nats, pairs) in fix.cues.items():
        yield f"cue_{name}_nats", f"{nats:.1f} of {pairs} pairs"
    yield "lens", str(fix.lens or "as CameraInfo says")
    yield "cues_that_disagree", ", ".join(fix.disagreeing)


def _of_counts(tally: Tally) -> Iterator[tuple[str, str]]:
    yield "keypoints", str(tally.keypoints)
    yield "received", str(tally.received)
    yield "fixes", str(tally.fixes)
    yield "rejections", ", ".join(f"{c.value} {n}" for c, n in tally.rejections.most_common())
