"""How good the own-map network is by size of map, clutter and training time.

    python -m experiments.own_map_strength --out out/own_map_strength [--docs]

Trains for buildings of about 500, 2,000 and 10,000 points, each budget a training of its own, and
asks the network alone, the likelihood search alone and both for fresh views of them, without
tracking. Views that show next to nothing, bare walls, are left out. The ceiling is what the gate
accepts of a pose that starts at the truth. Trainings and settings that are done are not done again,
so it can be run in pieces.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass, replace
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from rich.console import Console

from bpnp_ros.command import run_command
from bpnp_ros.configuration.parameters import LocalizerConfig
from bpnp_ros.errors import ConfigError
from bpnp_ros.figures.panels import save_figure
from bpnp_ros.localizer.localizer import Localizer
from bpnp_ros.point_map.point_map import PointMap
from bpnp_ros.simulation.observation import DetectorNoise
from bpnp_ros.simulation.world import World, make_world
from bpnp_ros.weights.bundle import MapBundle
from bpnp_ros.whole_file import written_whole
from experiments.own_map_recall import NETWORK_ALONE, View, fresh_views, measure
from experiments.own_map_strength_report import CURVE_NOISE, figure, table
from training.common.fit import be_quiet
from training.common.run_folder import revision
from training.own_map.__main__ import new_network, train
from training.own_map.config import OwnMapConfig
from training.own_map.demo_world import write_ply
from training.own_map.map_views import MapViews, explore_map

WORLD_SEED, VIEW_SEED = 12, 1
NETWORK, SEARCH, BOTH, CEILING = "network", "search", "both", "ceiling"
CONFIGS = {
    NETWORK: NETWORK_ALONE,
    SEARCH: LocalizerConfig(use_network=False, use_tracker=False),
    BOTH: LocalizerConfig(use_tracker=False),
    CEILING: replace(NETWORK_ALONE, use_network=False),
}
TRAINED = (NETWORK, BOTH)
NOISES = (0.0, CURVE_NOISE, 0.5)
SETTINGS = OwnMapConfig(range_max=12.0)
LEAST_IN_VIEW = 30
"""Landmarks of a view, before any is missed."""
FIGURE = Path("own_map_strength.png")


@dataclass(frozen=True)
class Building:
    """points: about so many landmarks. minutes: budgets of the trainings."""

    points: int
    rooms_per_side: int
    landmarks_per_room: int
    minutes: tuple[float, ...]

    def world(self) -> World:
        return make_world(WORLD_SEED, self.rooms_per_side, self.landmarks_per_room)


BUILDINGS = {
    building.points: building
    for building in (
        Building(500, 1, 210, (0, 2, 5)),
        Building(2000, 1, 830, (0, 2, 10, 30)),
        Building(10_000, 5, 1120, (0, 8, 25)),
    )
}


@dataclass(frozen=True)
class Setting:
    """What is measured at once. noise: the shares that are missed and that are clutter, both.

    minutes: of training; 0 also where no network is asked.
    """

    points: int
    asked: str
    minutes: float
    noise: float
    views: int

    def file_in(self, out: Path) -> Path:
        trained = f"_{self.minutes:g}min" if self.asked in TRAINED else ""
        name = f"{self.points}_{self.asked}{trained}_{self.noise:g}_{self.views}views.json"
        return out / "measured" / name

    def __str__(self) -> str:
        trained = f" after {self.minutes:g} min" if self.asked in TRAINED else ""
        return f"{self.points} points, {self.asked}{trained}, {100 * self.noise:.0f} % noise"


def plan(points: int, budgets: list[float], views: int) -> list[Setting]:
    """The network at every budget, and all that can be asked at the longest one."""
    curve = [Setting(points, NETWORK, minutes, CURVE_NOISE, views) for minutes in budgets]
    longest = [
        Setting(points, asked, max(budgets) if asked in TRAINED else 0.0, noise, views)
        for asked in CONFIGS
        for noise in NOISES
    ]
    return list(dict.fromkeys([*curve, *longest]))


def main() -> None:
    console = Console(highlight=False)
    be_quiet()
    interrupted = "\nstopped; the same command goes on with what is not done."
    run_command(lambda: run(_parser().parse_args(), console), interrupted)


def run(options: argparse.Namespace, console: Console) -> None:
    """Train, measure, report. Raises BpnpError."""
    settings = []
    for points in options.worlds:
        budgets = sorted({0.0, *(options.minutes or BUILDINGS[points].minutes)})
        if options.only in (None, "train"):
            train_all(BUILDINGS[points], budgets, options.out, console)
        settings += plan(points, budgets, options.views)
    if options.only == "report":
        settings = [setting for setting in settings if setting.file_in(options.out).exists()]
    if options.only != "train":
        report(measure_all(settings, options.out, console), options, console)


def train_all(building: Building, budgets: list[float], out: Path, console: Console) -> None:
    """Write a bundle for each budget that has none."""
    missing = [m for m in budgets if not bundle_file(out, building.points, m).exists()]
    if not missing:
        return
    views = _explore(building, out)
    console.print(f"{building.points} points: {len(views.model.point_map)} landmarks")
    for minutes in missing:
        file = bundle_file(out, building.points, minutes)
        console.print(f"{file.stem}: training")
        with written_whole(file) as partial:
            if minutes == 0:
                start = new_network(views, SETTINGS)
                MapBundle(views.model, start, {"views": 0}).save(partial)
            else:
                run = out / "runs" / file.stem
                train(views, partial, run, replace(SETTINGS, minutes=minutes))


def bundle_file(out: Path, points: int, minutes: float) -> Path:
    return out / f"{points}_{minutes:g}min.safetensors"


def _explore(building: Building, out: Path) -> MapViews:
    world, mesh = building.world(), out / f"{building.points}_mesh.ply"
    out.mkdir(parents=True, exist_ok=True)
    write_ply(mesh, *world.solids.mesh())
    return explore_map(PointMap.recentred(world.landmarks), SETTINGS, mesh)


def measure_all(settings: list[Setting], out: Path, console: Console) -> list[dict[str, Any]]:
    """A row for each setting; those first that need the least training."""
    rows = []
    for setting in sorted(settings, key=lambda setting: setting.minutes):
        rows.append(measured(setting, out))
        figures = ", ".join(f"{name} {value}" for name, value in rows[-1]["figures"].items())
        console.print(f"{setting}: {figures}")
    return rows


def measured(setting: Setting, out: Path) -> dict[str, Any]:
    """The row of a setting, of its file where there is one."""
    file = setting.file_in(out)
    if not file.exists():
        bundle = _bundle(bundle_file(out, setting.points, setting.minutes))
        figures = measure(
            _localizer(bundle, setting.asked),
            _views(setting.points, setting.noise, setting.views),
            from_truth=setting.asked == CEILING,
        )
        row = {
            **asdict(setting),
            "landmarks": len(bundle.model.point_map),
            "views trained on": bundle.card["views"] if setting.asked in TRAINED else None,
            "revision": revision(),
            "figures": figures,
        }
        file.parent.mkdir(exist_ok=True)
        with written_whole(file) as partial:
            partial.write_text(json.dumps(row, indent=1))
    known: dict[str, Any] = json.loads(file.read_text())
    return known


@cache
def _bundle(file: Path) -> MapBundle:
    if not file.exists():
        raise ConfigError(f"{file} is not trained yet; leave out --only measure.")
    return MapBundle.load(file)


@lru_cache(maxsize=1)
def _localizer(bundle: MapBundle, asked: str) -> Localizer:
    return Localizer(bundle.model, bundle.network, CONFIGS[asked])


@cache
def _views(points: int, noise: float, count: int) -> list[View]:
    """The same poses at every noise."""
    world, drawn = BUILDINGS[points].world(), 4 * count
    nothing_wrong, detector = DetectorNoise(0, 0), DetectorNoise(missed=noise, clutter=noise)
    everything = [view.keypoints for view in fresh_views(world, drawn, nothing_wrong, VIEW_SEED)]
    detected = fresh_views(world, drawn, detector, VIEW_SEED)
    pairs = zip(everything, detected, strict=True)
    return [view for shown, view in pairs if shown and len(shown) >= LEAST_IN_VIEW][:count]


def report(rows: list[dict[str, Any]], options: argparse.Namespace, console: Console) -> None:
    (options.out / "results.json").write_text(json.dumps(rows, indent=1) + "\n")
    console.print(table(rows))
    drawn = figure(rows)
    for folder in [options.out] + [Path("docs/images")] * options.docs:
        save_figure(drawn, folder / FIGURE)
        console.print(f"{folder / FIGURE}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m experiments.own_map_strength",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--out", type=Path, default=Path("out/own_map_strength"), metavar="DIR")
    parser.add_argument(
        "--worlds", type=int, nargs="+", default=list(BUILDINGS), choices=list(BUILDINGS)
    )
    parser.add_argument(
        "--minutes", type=float, nargs="+", metavar="M", help="budgets instead of the world's own"
    )
    parser.add_argument("--views", type=int, default=100, help="fresh views a setting (100)")
    parser.add_argument(
        "--only", choices=("train", "measure", "report"), help="report: of what is measured so far"
    )
    parser.add_argument("--docs", action="store_true", help="the figure for docs/images, too")
    return parser


if __name__ == "__main__":
    main()
