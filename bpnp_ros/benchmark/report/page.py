"""The page that people read: the prose of data/benchmark.md, and tables of figures."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from importlib.resources import files
from string import Template

from bpnp_ros.benchmark.board import Board, Cell
from bpnp_ros.benchmark.localizer_methods import MOST_KEYPOINTS, OwnMapNetwork
from bpnp_ros.benchmark.methods import OUR_SETTINGS
from bpnp_ros.benchmark.metrics import AUC_PIXELS, RIGHT_DEGREES, RIGHT_DEPTHS
from bpnp_ros.benchmark.problems import FEWEST_IMAGES, SETTINGS, WHOLE_MAP, Selection
from bpnp_ros.benchmark.report.provenance import Provenance
from bpnp_ros.benchmark.sets import LEAST_OVERLAP, LEAST_PAIRS
from bpnp_ros.network.blind_pose import MOST_LOOKS

RULES = {
    "right_depths": f"{100 * RIGHT_DEPTHS:g} %",
    "right_degrees": f"{RIGHT_DEGREES:g}",
    "least_overlap": f"{100 * LEAST_OVERLAP:g} %",
    "least_pairs": LEAST_PAIRS,
    "fewest_images": FEWEST_IMAGES,
    "most_keypoints": MOST_KEYPOINTS,
    "best": OwnMapNetwork.name,
    "iterations": f"{OUR_SETTINGS.max_iterations:,}",
    "looks": MOST_LOOKS,
}


def benchmark_page(
    board: Board,
    of_cues: Board | None,
    selection: Selection,
    provenance: Provenance,
    figure: str,
    weights: str,
) -> str:
    """Markdown. of_cues: of the rows that tell cues apart. figure: the image, seen from
    the page. weights: what those of bpnpnet are."""
    template = files("bpnp_ros").joinpath("data/benchmark.md").read_text(encoding="utf-8")
    return Template(template).substitute(
        RULES,
        **asdict(provenance),
        queries=selection.queries,
        most=selection.most,
        seed=selection.seed,
        scenes=len(board.results),
        problems=board.problems,
        standard_error=_standard_error(board),
        overview=_overview(board),
        figure=figure,
        weights=weights,
        settings="\n".join(_setting(board, setting) for setting in SETTINGS),
        cues=_of_cues(of_cues, cue_figure(figure)),
        by_scene=_by_scene(board),
        left_out=_left_out(board),
    )


def _standard_error(board: Board) -> str:
    """Of a share of one half, in the setting with the fewest problems; per cent."""
    counts = [board.count(setting) for setting in SETTINGS]
    fewest = min(filter(None, counts), default=0)
    return f"{50 / math.sqrt(fewest):.0f}" if fewest else "-"


def _overview(board: Board) -> str:
    heads = ["method", "is told, besides the two sets", *SETTINGS]
    rows = [
        [method, knows, *(_recall(board.cell(method, setting)) for setting in SETTINGS)]
        for method, knows in board.methods.items()
    ]
    rows.append(["*problems*", "", *(str(board.count(setting)) for setting in SETTINGS)])
    return _table(heads, rows)


def cue_figure(figure: str) -> str:
    """The image of what cues bring, beside that of the outlier curves."""
    return figure.removesuffix(".png") + "_cues.png"


def _of_cues(board: Board | None, figure: str) -> str:
    if board is None:
        return "Not asked: `--photographs` names the folder with a folder for each scene.\n"
    count = f"{board.problems} problems of {len(board.results)} scenes. "
    image = f"![Recall by cue]({figure})"
    return f"{count}{_figures(board, WHOLE_MAP)}\n{image}\n\nScene by scene:\n\n{_by_scene(board)}"


def _setting(board: Board, setting: str) -> str:
    title = f"{setting} outliers" if "%" in setting else setting.capitalize()
    return f"## {title}\n\n{_figures(board, setting)}"


def _figures(board: Board, setting: str) -> str:
    heads = [
        "method",
        "recall",
        *(f"AUC {pixels:g} px" for pixels in AUC_PIXELS),
        "position, % of depth",
        "rotation, deg",
        "reprojection, px",
        "ms",
    ]
    cells = {method: board.cell(method, setting) for method in board.methods}
    rows = [[method, *_numbers(cell)] for method, cell in cells.items() if cell is not None]
    return f"Shares in %, median errors.\n\n{_table(heads, rows)}"


def _numbers(cell: Cell) -> list[str]:
    figures = cell.figures
    return [
        f"{100 * figures.recall:.0f}",
        *(f"{100 * area:.0f}" for area in figures.auc),
        _median(100 * figures.depths),
        _median(figures.degrees),
        _median(figures.pixels),
        f"{cell.milliseconds:.0f}",
    ]


def _by_scene(board: Board) -> str:
    heads = ["scene", "images", "eligible", "problems", *board.methods]
    rows = [
        [
            result.name,
            str(result.images),
            str(result.eligible),
            str(len(result.problems)),
            *(_recall(board.cell(method, scene=result)) for method in board.methods),
        ]
        for result in board.results
    ]
    return _table(heads, rows)


def _left_out(board: Board) -> str:
    lines = [f"- {scene}: {reason}" for scene, reason in board.refused.items()]
    lines += [f"- {result.name}: {reason}" for result in board.results for reason in result.skipped]
    return "\n".join(lines) or "Nothing."


def _recall(cell: Cell | None) -> str:
    return "-" if cell is None else f"{100 * cell.figures.recall:.0f}"


def _median(value: float) -> str:
    return f"{value:.2g}" if value < 99.5 else "∞" if math.isinf(value) else f"{value:.0f}"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
