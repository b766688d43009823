"""Compare methods of blind PnP, side by side, on scenes from structure from motion.

A scene is an .npz file or a COLMAP model in the folder. What was answered is kept in DIR after
every method of every scene: the same command goes on where it was interrupted, and asks only who
has not answered yet (new weights, say). After a change of code give another DIR.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import torch
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from bpnp_ros.benchmark.board import Board
from bpnp_ros.benchmark.catalogue import about_weights, all_methods, find_scenes
from bpnp_ros.benchmark.figure import outlier_curves
from bpnp_ros.benchmark.methods import Method
from bpnp_ros.benchmark.page import benchmark_page
from bpnp_ros.benchmark.problems import SETTINGS, Selection
from bpnp_ros.benchmark.provenance import Provenance
from bpnp_ros.benchmark.results import SceneResult
from bpnp_ros.benchmark.runner import run_scene
from bpnp_ros.errors import BpnpError
from bpnp_ros.evaluation.figures import save_figure
from bpnp_ros.tools.command import run_command
from bpnp_ros.weights.bpnpnet_file import any_map_weights

QUICK_SCENES = 2
WEIGHTS = "weights of the paper's network (those that come with bpnp_ros)"


def main() -> None:
    torch.set_num_threads(1)
    console, arguments = Console(highlight=False, soft_wrap=True), parse_arguments()
    kept = f"interrupted; {arguments.out} keeps what was done, and the same command goes on"
    run_command(lambda: run(arguments, console), console, interrupted=kept)


def parse_arguments(words: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="bpnp_benchmark", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    add = parser.add_argument
    add("--scenes", type=Path, required=True, metavar="FOLDER", help=".npz scenes, COLMAP models")
    add("--out", type=Path, default=Path("out/benchmark"), metavar="DIR", help="(out/benchmark)")
    add("--docs", type=Path, metavar="FILE", help="write the page there as well")
    add("--bpnpnet", type=Path, metavar="FILE", default=any_map_weights(), help=WEIGHTS)
    add("--queries", type=int, default=2, metavar="N", help="images asked for a scene (2)")
    add("--seed", type=int, default=0, metavar="N", help="of the sets (0)")
    add("--quick", action="store_true", help=f"one image of {QUICK_SCENES} scenes: two minutes")
    arguments = parser.parse_args(words)
    if not (1 <= arguments.queries <= 1000 and arguments.seed >= 0):
        parser.error("--queries must be from 1 to 1000, --seed 0 or more")
    return arguments


def run(arguments: argparse.Namespace, console: Console) -> None:
    """The whole benchmark. Raises BpnpError when it cannot run."""
    scenes = find_scenes(arguments.scenes)
    selection = Selection(1 if arguments.quick else arguments.queries, seed=arguments.seed)
    if arguments.quick:
        scenes = dict(list(scenes.items())[:: -(-len(scenes) // QUICK_SCENES)])
    methods = all_methods(arguments.bpnpnet)
    board = ask_everybody(scenes, methods, selection, arguments.out / "scenes", console)
    console.print(overview(board))
    weights = about_weights(arguments.bpnpnet)
    for page in filter(None, (arguments.out / "benchmark.md", arguments.docs)):
        write_page(page, board, selection, weights)
        console.print(str(page), style="dim", markup=False)
    figures = json.dumps(board.as_json(), indent=1)
    (arguments.out / "benchmark.json").write_text(figures + "\n", encoding="utf-8")


def ask_everybody(
    scenes: dict[str, Path],
    methods: list[Method],
    selection: Selection,
    folder: Path,
    console: Console,
) -> Board:
    """Every scene in turn, with a line for each; scenes that pose no problem say why."""
    folder.mkdir(parents=True, exist_ok=True)
    results: list[SceneResult] = []
    refused: dict[str, str] = {}
    with Bar(len(scenes), console) as bar:
        for name, path in scenes.items():
            try:
                result = run_scene(name, path, methods, selection, folder, bar.advance)
            except BpnpError as error:
                refused[name] = str(error)
                console.print(f"{name}: left out: {error}", markup=False)
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
    shown = Table("recall, %", *SETTINGS)
    for method in board.methods:
        cells = [board.cell(method, setting) for setting in SETTINGS]
        shown.add_row(method, *(f"{100 * c.figures.recall:.0f}" if c else "-" for c in cells))
    return shown


def write_page(path: Path, board: Board, selection: Selection, weights: str) -> None:
    """The page, and its figure in the folder `images` beside it."""
    figure = path.parent / "images" / f"{path.stem}.png"
    figure.parent.mkdir(parents=True, exist_ok=True)
    save_figure(outlier_curves(board), figure, dpi=110)
    provenance = Provenance.of(["bpnp_benchmark", *sys.argv[1:]])
    text = benchmark_page(board, selection, provenance, f"images/{figure.name}", weights)
    path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
