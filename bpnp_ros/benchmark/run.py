"""The whole benchmark: every scene, every method, the page and its figures."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from bpnp_ros.benchmark.board import Board
from bpnp_ros.benchmark.catalogue import about_weights, all_methods, find_scenes
from bpnp_ros.benchmark.cues.rows import cue_rows, of_whole_maps, photographed
from bpnp_ros.benchmark.methods import Method
from bpnp_ros.benchmark.problems import SETTINGS, Selection
from bpnp_ros.benchmark.report.figure import cue_bars, outlier_curves
from bpnp_ros.benchmark.report.page import benchmark_page, cue_figure
from bpnp_ros.benchmark.report.provenance import Provenance
from bpnp_ros.benchmark.results import SceneResult
from bpnp_ros.benchmark.runner import run_scene
from bpnp_ros.command import verdict
from bpnp_ros.errors import BpnpError
from bpnp_ros.figures.panels import save_figure

QUICK_SCENES = 2


def run(arguments: argparse.Namespace, console: Console) -> None:
    """The whole benchmark. Raises BpnpError when it cannot run."""
    scenes = find_scenes(arguments.scenes)
    selection = Selection(1 if arguments.quick else arguments.queries, seed=arguments.seed)
    if arguments.quick:
        scenes = dict(list(scenes.items())[:: -(-len(scenes) // QUICK_SCENES)])
    methods = all_methods(arguments.bpnpnet)
    board = ask_everybody(scenes, methods, selection, arguments.out / "scenes", console)
    console.print(overview(board))
    of_cues = ask_about_cues(arguments, scenes, selection, console)
    weights = about_weights(arguments.bpnpnet)
    for page in filter(None, (arguments.out / "benchmark.md", arguments.docs)):
        write_page(page, board, of_cues, selection, weights)
        console.print(str(page), style="dim", markup=False)
    figures = board.as_json() | {"cues": of_cues and of_cues.as_json()}
    text = json.dumps(figures, indent=1)
    (arguments.out / "benchmark.json").write_text(text + "\n", encoding="utf-8")


def ask_about_cues(
    arguments: argparse.Namespace, scenes: dict[str, Path], selection: Selection, console: Console
) -> Board | None:
    """What cues bring on whole maps, of the scenes with photographs; None where there are none."""
    folder = arguments.photographs
    scenes = photographed(scenes, folder) if folder else {}
    if not scenes:
        return None
    rows, whole_maps = cue_rows(), of_whole_maps(selection)
    out = arguments.out / "cues"
    board = ask_everybody(scenes, rows, whole_maps, out, console, photographs=folder)
    console.print(overview(board))
    return board


def ask_everybody(
    scenes: dict[str, Path],
    methods: Sequence[Method],
    selection: Selection,
    folder: Path,
    console: Console,
    photographs: Path | None = None,
) -> Board:
    """Every scene in turn, with a line for each; scenes that pose no problem say why.

    photographs: with a folder for each scene, for cues.
    """
    folder.mkdir(parents=True, exist_ok=True)
    results: list[SceneResult] = []
    refused: dict[str, str] = {}
    with Bar(len(scenes), console) as bar:
        for name, path in scenes.items():
            try:
                seen = photographs / name if photographs else None
                result = run_scene(name, path, methods, selection, folder, bar.advance, seen)
            except OSError:  # of the results, not of the scene
                raise
            except Exception as error:  # one scene, whatever it holds, does not end them all
                _, refused[name] = verdict(error)
                console.print(f"{name}: left out: {refused[name]}", markup=False)
            else:
                results.append(result)
                console.print(f"{name}: {len(result.problems)} problems", markup=False)
            bar.next_scene()
    if not results:
        raise BpnpError("none of the scenes poses a problem.")
    return Board({method.name: method.knows for method in methods}, tuple(results), refused)


class Bar:
    """A bar over all scenes on a terminal, with the time left."""

    def __init__(self, scenes: int, console: Console) -> None:
        columns = TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn()
        self._bar = Progress(
            *columns, console=console, transient=True, disable=not console.is_terminal
        )
        self._task, self._scene = self._bar.add_task("", total=scenes), 0

    def __enter__(self) -> Bar:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def advance(self, what: str, share: float) -> None:
        """Show that so much of the scene is done."""
        self._bar.update(self._task, description=what, completed=self._scene + share)

    def next_scene(self) -> None:
        self._scene += 1
        self._bar.update(self._task, completed=self._scene)


def overview(board: Board) -> Table:
    """Recall in % by setting, for the terminal."""
    settings = [setting for setting in SETTINGS if board.count(setting)]
    shown = Table("recall, %", *settings)
    for method in board.methods:
        cells = [board.cell(method, setting) for setting in settings]
        shown.add_row(method, *(f"{100 * c.figures.recall:.0f}" if c else "-" for c in cells))
    return shown


def write_page(
    path: Path, board: Board, of_cues: Board | None, selection: Selection, weights: str
) -> None:
    """The page, and its figure in the folder `images` beside it."""
    figure = path.parent / "images" / f"{path.stem}.png"
    figure.parent.mkdir(parents=True, exist_ok=True)
    save_figure(outlier_curves(board), figure, dpi=110)
    if of_cues:
        save_figure(cue_bars(of_cues), figure.with_name(cue_figure(figure.name)), dpi=110)
    provenance = Provenance.of(["bpnp_benchmark", *sys.argv[1:]])
    image = f"images/{figure.name}"
    text = benchmark_page(board, of_cues, selection, provenance, image, weights)
    path.write_text(text, encoding="utf-8")
