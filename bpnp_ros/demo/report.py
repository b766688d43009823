"""What is left of a demo run: trajectories, figures of merit, a page to look at."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bpnp_ros.demo.figure import demo_figure
from bpnp_ros.demo.score import DemoRecord, DemoScore
from bpnp_ros.evaluation.metrics import for_json, quantiles
from bpnp_ros.evaluation.trajectory import write_tum
from bpnp_ros.figures.panels import save_figure
from bpnp_ros.simulation.world import World


def write_report(
    folder: Path, world: World, record: DemoRecord, score: DemoScore, about: dict[str, Any]
) -> list[Path]:
    """truth.tum, estimate.tum, demo.json and demo.png; `about` says which run it was."""
    truth, estimate, figures, page = (
        folder / name for name in ("truth.tum", "estimate.tum", "demo.json", "demo.png")
    )
    write_tum(truth, record.sent)
    write_tum(estimate, record.published)
    summary = {**about, **summary_of(record, score)}
    figures.write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
    title = f"{len(record.published)} poses from {len(record.sent)} sets of unlabelled keypoints"
    save_figure(demo_figure(world, record, score, title), page)
    return [page, truth, estimate, figures]


def summary_of(record: DemoRecord, score: DemoScore) -> dict[str, Any]:
    """Every figure of the run, ready for JSON: infinite is null. Seconds, metres, degrees."""
    judged = score.errors[score.judged]
    figures = {
        "passed": score.passed,
        "checks": [asdict(check) for check in score.checks],
        "messages": len(record.sent),
        "poses": len(record.published),
        "unanswered": score.unanswered,
        "rejections": score.rejections,
        "global_fixes": score.global_fixes,
        "recoveries": [asdict(recovery) for recovery in score.recoveries],
        "judged": len(judged),
        "accurate_share": score.accurate_share,
        "wrong": score.wrong,
        "error_m_quartiles": quantiles(judged.metres),
        "error_deg_quartiles": quantiles(judged.degrees),
        "latency_s": score.latency,
    }
    return for_json(figures)
