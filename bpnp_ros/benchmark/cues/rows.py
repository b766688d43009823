"""The rows that tell cues apart: the likelihood search with none, each alone, and all of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from bpnp_ros.benchmark.localizer_methods import OTHERS, Search
from bpnp_ros.benchmark.problems import WHOLE_MAP, Selection
from bpnp_ros.point_map.sfm.observed_cues import SEEN_CUES

MORE_QUERIES = 4  # times as many as where every method is asked, in one setting instead of six


def cue_rows() -> list[Search]:
    """From no cue to all that photographs tell."""
    chosen = {"no cue": (), **{name: (name,) for name in SEEN_CUES}, "all cues": SEEN_CUES}
    return [
        Search(f"likelihood search, {name}", f"{OTHERS}; cues: {name}", cues=cues)
        for name, cues in chosen.items()
    ]


def of_whole_maps(selection: Selection) -> Selection:
    """Positions say least in a whole map: what cues are for."""
    return replace(selection, queries=MORE_QUERIES * selection.queries, settings=(WHOLE_MAP,))


def photographed(scenes: dict[str, Path], photographs: Path) -> dict[str, Path]:
    """The scenes with a folder of their name among the photographs."""
    return {name: path for name, path in scenes.items() if (photographs / name).is_dir()}
