"""The report of a replay: report.png, and report.html, which opens without a network."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from bpnp_ros.figures.panels import save_figure
from bpnp_ros.replay.page.figure import frame_figure, overview_figure, replay_page
from bpnp_ros.replay.page.pictures import pictures_of
from bpnp_ros.replay.results import PAGE, PICTURE
from bpnp_ros.replay.score import NOT_FALSE
from bpnp_ros.replay.session import Replay

_TEMPLATE = """\
<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 15px/1.5 sans-serif; color: #222 }}
body {{ max-width: 1200px; margin: 2em auto; padding: 0 1em }}
table {{ border-collapse: collapse }}
td {{ padding: .15em 1.5em .15em 0; vertical-align: top }}
td:first-child {{ color: #666 }}
img {{ max-width: 100% }}
.frames {{ display: grid; grid-template-columns: repeat(auto-fill, minmax(480px, 1fr)); gap: 1em }}
</style>
<h1>{title}</h1>
{figures}
<p><img alt="way, errors and inliers over time, rejections" src="{overview}"></p>
<h2>Frames: the worst, then typical ones</h2>
<p>Rings: the map as the localiser expects it from the pose found, or from the true one where none
was found. Dots: keypoints; green ones are inliers.</p>
<div class="frames">{frames}</div>
<h2>Set-up</h2>
{setup}
</html>
"""


def write_report(replay: Replay, metrics: dict[str, Any], folder: Path) -> None:
    record, unit = replay.record(), "m" if replay.active.metric else "map units"
    model = replay.active.localizer.map_model
    points = model.point_map.points.astype(np.float64) + model.point_map.origin
    pictures = pictures_of(replay)
    title = f"{metrics['bag']}: {metrics['fixes']} poses from {metrics['messages']} messages"
    page = replay_page(record, points, unit, pictures, title)
    save_figure(page, folder / PICTURE, dpi=110)
    frames = [f'<img alt="{escape(p.title)}" src="{_embedded(frame_figure(p))}">' for p in pictures]
    text = _TEMPLATE.format(
        title=escape(title),
        figures=_table(headlines(metrics)),
        overview=_embedded(overview_figure(record, points, unit)),
        frames="\n".join(frames),
        setup=_table(dict(_setup(metrics))),
    )
    (folder / PAGE).write_text(text, encoding="utf-8")


def headlines(metrics: dict[str, Any]) -> dict[str, str]:
    """The figures that matter most, for people, by name."""
    rejected = ", ".join(f"{name} {count}" for name, count in metrics["rejections"].items())
    proposers = ", ".join(f"{name} {count}" for name, count in metrics["proposers"].items())
    lines = {} if metrics["complete"] else {"interrupted": "these are the figures of the part"}
    lines |= {
        "localised": f"{metrics['fixes']} of {metrics['messages']} messages",
        "poses by": proposers or "nobody",
        "rejected": rejected or "none",
        "first pose": _number(metrics["first_fix_s"], "s"),
    }
    if metrics.get("truth") and "against_truth" not in metrics:
        source, refusal = metrics["truth"]["source"], metrics["truth"]["refusal"]
        return lines | {"truth": f"{source} says nothing of any message: {refusal}"}
    return lines | _against_truth(metrics.get("against_truth"))


def _against_truth(truth: dict[str, Any] | None) -> dict[str, str]:
    if truth is None:
        return {"truth": "none, so no errors"}
    unit, of_fixes, degrees = truth["unit"], "position_of_fixes", "rotation_of_fixes_deg"
    shares = truth.get("recall", {})
    lines = {f"recall within {name}": f"{share:.1%}" for name, share in shares.items()}
    if "false_poses" in truth:
        bounds = f"{NOT_FALSE.metres:g} m or {NOT_FALSE.degrees:g} deg"
        lines["false poses"] = f"{truth['false_poses']} (off by more than {bounds})"
        lines["first pose that is not false"] = _number(truth["first_true_fix_s"], "s")
    coverage = truth["within_2_sigma"]
    return lines | {
        "median error, failures infinite": _number(truth["position"]["median"], unit)
        + ", "
        + _number(truth["rotation_deg"]["median"], "deg"),
        "median error of the poses": _number(truth[of_fixes]["median"], unit)
        + ", "
        + _number(truth[degrees]["median"], "deg"),
        "absolute trajectory error": _number(truth["absolute_error"]["rmse"], unit)
        + " rmse, not aligned",
        "relative error, pose to pose": _number(truth["relative_error"]["rmse"], unit) + " rmse",
        "errors within 2 sigma": f"position {_share(coverage['position'])}, "
        f"rotation {_share(coverage['rotation'])} (95 % if honest)",
    }


def _setup(metrics: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for part in ("topics", "map", "truth"):
        for name, value in (metrics[part] or {}).items():
            text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
            if text:
                yield f"{part}: {name}", text
    yield "damaged", "; ".join(metrics["problems"]) or "nothing"


def _table(rows: dict[str, str]) -> str:
    cells = (f"<tr><td>{escape(k)}</td><td>{escape(v)}</td></tr>" for k, v in rows.items())
    return "<table>\n" + "\n".join(cells) + "\n</table>"


def _embedded(figure: Figure) -> str:
    """A figure as a data URI."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=100, facecolor="white")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def _number(value: float | None, unit: str) -> str:
    return "none" if value is None else f"{value:.3g} {unit}"


def _share(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.0%}"
