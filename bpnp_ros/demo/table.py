"""What the demo shows while it runs: a table updated in place, or a line now and then."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from bpnp_ros.demo.score import DemoRecord, DemoScore
from bpnp_ros.evaluation.metrics import quantiles
from bpnp_ros.evaluation.trajectory import match_stamps
from bpnp_ros.live.frame_report import FrameReport

LINE_EVERY = 2.0  # seconds, where nothing can be updated in place
STATE_STYLES = {"TRACKING": "bold green", "FALTERING": "bold yellow", "LOST": "bold yellow"}
PASSED, OPEN, FAILED = Text("✓", "green"), Text("…", "yellow"), Text("✗", "bold red")


@dataclass(frozen=True)
class Now:
    """Seconds of the stream gone, and in all; the node's last answer."""

    seconds: float
    duration: float
    report: FrameReport | None


class Display:
    """Updates one table in place on a terminal; prints plain lines elsewhere."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, auto_refresh=False) if console.is_terminal else None
        self._next_line = 0.0
        self._waited_for = ""

    def __enter__(self) -> Display:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.update("", refresh=True)
            self._live.stop()

    def wait(self, reason: str) -> None:
        """Say what the node is waiting for, once."""
        text = Text(f"waiting for the node: {reason}", "yellow")
        if self._live is not None:
            self._live.update(text, refresh=True)
        elif reason != self._waited_for:
            self._console.print(text)
        self._waited_for = reason

    def update(self, now: Now, record: DemoRecord, score: DemoScore) -> None:
        if self._live is not None:
            self._live.update(live_table(now, record, score), refresh=True)
        elif now.seconds >= self._next_line:
            self._next_line = now.seconds + LINE_EVERY
            line = f"{now.seconds:5.1f} s  {answer_text(now.report, record, score)}"
            self._console.print(line, soft_wrap=True)


def live_table(now: Now, record: DemoRecord, score: DemoScore) -> RenderableType:
    """The whole screen while the stream runs."""
    state = now.report.state if now.report else ""
    head = Table.grid(padding=(0, 2))
    head.add_row(
        ProgressBar(total=now.duration, completed=now.seconds, width=40, complete_style="cyan"),
        f"{now.seconds:.1f} of {now.duration:.0f} s",
        Text(state, STATE_STYLES.get(state, "")),
    )
    answer = Text(answer_text(now.report, record, score))
    return Group(head, answer, summary_table(record, score, over=False))


def answer_text(report: FrameReport | None, record: DemoRecord, score: DemoScore) -> str:
    """One line on the node's last answer."""
    if report is None:
        return "no answer yet"
    if report.category:
        return f"{report.state:8}  no pose: {report.category}"
    rows, known = match_stamps(record.sent.stamps_ns, np.array([report.stamp_ns]))
    metres, degrees = score.errors.metres[rows[0]], score.errors.degrees[rows[0]]
    error = (
        f"{metres:.3f} m {degrees:5.2f}°" if known[0] and math.isfinite(metres) else "on its way"
    )
    return (
        f"{report.state:8}  error {error}  {report.inliers:3} inliers  "
        f"{1e3 * report.seconds:4.0f} ms  by {report.proposer}"
    )


def summary_table(record: DemoRecord, score: DemoScore, over: bool) -> Table:
    """The criteria and the figures behind them; criteria stay open until the run is over."""
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    for check in score.checks:
        mark = PASSED if check.passed else FAILED if over else OPEN
        table.add_row(mark, check.asked, check.found)
    table.add_section()
    for name, value in summary_lines(record, score).items():
        table.add_row("", Text(name, "dim"), Text(value, "dim"))
    return table


def summary_lines(record: DemoRecord, score: DemoScore) -> dict[str, str]:
    """Figures for people, by name."""
    rejected = sum(score.rejections.values())
    answers = f"{len(record.published)} poses, {rejected} rejected, {score.unanswered} not answered"
    lines = {
        "messages": f"{len(record.sent)}: {answers}",
        "waiting for a fix": f"{int((~score.judged).sum())} messages, not in the share above",
        "rejected": _listed(score.rejections),
        "global fixes": _listed(score.global_fixes),
    }
    return lines | (_pose_lines(score) if len(record.published) else {})


def _pose_lines(score: DemoScore) -> dict[str, str]:
    errors = score.published_errors
    p50, p95 = (1e3 * score.latency[name] for name in ("p50", "p95"))
    metres, degrees = (quantiles(values, [0.5])[0] for values in (errors.metres, errors.degrees))
    return {
        "median error of the poses": f"{metres:.3f} m, {degrees:.2f}°",
        "message to pose": f"p50 {p50:.0f} ms, p95 {p95:.0f} ms",
    }


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items()) or "none"
