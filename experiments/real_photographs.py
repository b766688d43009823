"""Localise real photographs live over ROS 2, by the positions of their keypoints alone.

python -m experiments.real_photographs [SCENE]. Most photographs of a scene make the map and train
the network; each of the others is a first fix for the localization node, in another process, that
gets the map, a calibration and all keypoints of the photograph, matched and unmatched together.
SCENE is an .npz file (see SfmModel.from_npz) or the name of one in the folder sfm of
BPNP_SHARED_DATA.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from bpnp_ros.benchmark.metrics import RIGHT_DEGREES, RIGHT_DEPTHS
from bpnp_ros.errors import BpnpError, ConfigError
from bpnp_ros.evaluation.metrics import NOWHERE, PoseErrors, pose_errors
from bpnp_ros.live.node_process import NodeProcess, Parameters, isolate, node_command
from bpnp_ros.live.readiness import wait_until_ready
from bpnp_ros.nodes.runner import ros_needed
from experiments.photographs import Photograph, PhotographScene, load_photographs, nearest_mapping
from training.common.fit import be_quiet
from training.own_map.__main__ import train
from training.own_map.config import OwnMapConfig
from training.own_map.map_views import photographed_map

if TYPE_CHECKING:
    from bpnp_ros.demo.link import DemoLink

START, ANSWER, TF = 180.0, 120.0, 2.0  # seconds
PROPOSERS = {"bpnpnet_map": (True, False), "likelihood_search": (False, True), "both": (True, True)}
# the chances that photographs give count what they missed already
FOR_TRAINING = OwnMapConfig(missed_min=0.0, missed_max=0.3, clutter_min=0.2, clutter_max=0.7)


@dataclass(frozen=True, eq=False)
class Answers:
    """What the node answered to each test: poses (F, 4, 4), NaN for none; proposer or category."""

    T_map_camera: NDArray[np.float64]
    words: list[str]
    seconds: list[float]


def run_node(scene: PhotographScene, parameters: Parameters, log: Path) -> Answers:
    """Show every test photograph to a localization node that runs in a process of its own."""
    with ros_needed():
        from bpnp_ros.demo.link import DemoLink
    link = DemoLink(scene.camera)

    def remind() -> None:
        link.send_camera_info(time.time_ns())

    try:
        with NodeProcess(node_command(parameters), log) as node:
            link.send_map(scene.mapping.points)
            wait_until_ready(link, node, remind, lambda reason: None, START)
            answers = [_show(link, node, photograph) for photograph in scene.tests]
    finally:
        link.close()
    poses, words, seconds = zip(*answers, strict=True)
    return Answers(np.stack(poses), list(words), list(seconds))


def _show(
    link: DemoLink, node: NodeProcess, photograph: Photograph
) -> tuple[NDArray[np.float64], str, float]:
    """The pose that came back, NaN for none; by which proposer, or why not; seconds."""
    stamp = time.time_ns()
    link.send_keypoints(stamp, photograph.keypoints)
    if not link.spin(ANSWER, until=lambda: stamp in link.reports):
        node.check()
        raise BpnpError(f"no answer to {photograph.name} within {ANSWER:.0f} s: {link.message}")
    report = link.reports[stamp]
    if report.category:
        return NOWHERE, report.category, report.seconds
    link.spin(TF, until=lambda: any(pose.stamp_ns == stamp for pose in link.poses))
    pose = next(pose for pose in link.poses if pose.stamp_ns == stamp)
    return pose.T_map_camera, report.proposer, report.seconds


def figures(scene: PhotographScene, answers: Answers) -> dict[str, Any]:
    """Shares are of all test photographs; a published pose that is not right is wrong."""
    errors = pose_errors(scene.truth, answers.T_map_camera)
    right = _right(errors, scene)
    published = np.isfinite(errors.metres)
    return {
        "photographs": len(scene.tests),
        "recall": round(float(right.mean()), 4),
        "published": int(published.sum()),
        "wrong": int((published & ~right).sum()),
        "median error, depths": _median((errors.metres / scene.depths)[published], 5),
        "median error, deg": _median(errors.degrees[published], 4),
        "seconds": _median(np.array(answers.seconds), 2),
        "answers": dict(Counter(answers.words).most_common()),
    }


def _right(errors: PoseErrors, scene: PhotographScene) -> NDArray[np.bool_]:
    near = errors.metres <= RIGHT_DEPTHS * scene.depths
    return near & (errors.degrees <= RIGHT_DEGREES)


def _median(values: NDArray[np.float64], digits: int) -> float | None:
    return round(float(np.median(values)), digits) if len(values) else None


def introduce(scene: PhotographScene, console: Console) -> None:
    """The task, and how near to a mapping photograph the tests were taken."""
    errors = pose_errors(scene.truth, nearest_mapping(scene))
    apart = errors.metres / scene.depths
    keypoints = np.median([len(photograph.keypoints) for photograph in scene.tests])
    console.print(
        f"{scene.mapping.image_count} mapping photographs, {len(scene.mapping)} map points; "
        f"{len(scene.tests)} test photographs of {keypoints:.0f} keypoints\n"
        f"the nearest mapping photograph is {np.median(apart):.1%} of the depth "
        f"and {np.median(errors.degrees):.1f} deg away (median); its pose would do for "
        f"{_right(errors, scene).mean():.0%} of the tests\n"
    )


def table(results: dict[str, dict[str, Any]]) -> Table:
    names = [name for name in next(iter(results.values())) if name != "answers"]
    shown = Table("proposer", *names)
    for proposer, figure in results.items():
        shown.add_row(proposer, *(str(figure[name]) for name in names))
    return shown


def experiments(weights: Path) -> Iterator[tuple[str, Parameters]]:
    """Each proposer alone, and both together."""
    every_frame_lost: Parameters = {"tf_mode": "camera", "use_tracker": False}
    for name, (network, search) in PROPOSERS.items():
        asked: Parameters = {"use_network": network, "use_likelihood_search": search}
        yield name, {"weights": str(weights.resolve()), **every_frame_lost, **asked}


def train_bundle(scene: PhotographScene, folder: Path, minutes: float) -> Path:
    """The map of the mapping photographs with its network; goes on where it was stopped."""
    views = replace(photographed_map(scene.mapping, 1.0), scale=scene.scale)
    config, weights = replace(FOR_TRAINING, minutes=minutes), folder / "map.safetensors"
    train(views, weights, folder / "training", config)
    return weights


def run(options: argparse.Namespace, console: Console) -> None:
    file = scene_file(options.scene)
    scene = load_photographs(file, options.every, options.first)
    introduce(scene, console)
    out: Path = options.out / f"{file.stem}-{options.every}-{options.first}"
    weights = train_bundle(scene, out, options.minutes)
    results = {}
    for name, parameters in experiments(weights):
        answers = run_node(scene, parameters, out / f"{name}.log")
        results[name] = figures(scene, answers)
        console.print(f"{name}: {results[name]['answers']}")
    (out / "result.json").write_text(json.dumps(results, indent=2))
    console.print(table(results))
    console.print(f"right: within {RIGHT_DEPTHS:.0%} of the median depth and {RIGHT_DEGREES:g} deg")


def scene_file(name: str) -> Path:
    """A file, or a scene by name. Raises ConfigError."""
    data = Path(os.environ.get("BPNP_SHARED_DATA", "../shared/data"))
    for path in (Path(name), data / "sfm" / f"{name}.npz"):
        if path.is_file():
            return path
    raise ConfigError(f"there is no scene {name}; BPNP_SHARED_DATA names the folder of the data.")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    add = parser.add_argument
    add("scene", nargs="?", default="coffee_cup", help=".npz file or name (coffee_cup)")
    add("--every", type=int, default=5, help="every so many photographs one is a test (5)")
    add("--first", type=int, default=2, help="number of the first test photograph (2)")
    add("--minutes", type=float, default=6.0, help="train the network so long (6)")
    add("--out", type=Path, default=Path("out/photographs"), help="weights, logs, results")
    add("--domain-id", type=int, help="ROS_DOMAIN_ID (one of its own)")
    options = parser.parse_args()
    isolate(options.domain_id)
    be_quiet()
    try:
        run(options, Console(highlight=False))
    except BpnpError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit("interrupted")


if __name__ == "__main__":
    main()
