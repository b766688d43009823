"""What the proposer bpnpnet adds: first fixes of the same frames with it and without it.

python -m experiments.bpnpnet_worth --kind "demo's building" "60 rooms" --seed 41 --frames 40
python -m experiments.bpnpnet_worth --scenes SCENES --frames 3
python -m experiments.bpnpnet_worth --scenes SCENES --photographs PHOTOGRAPHS

Kinds are those of `experiments.zoo`. SCENES: a folder of .npz scenes, of which every fifth
photograph is looked for in the map of the others; PHOTOGRAPHS: a folder for each of some of them,
for all cues. A frame is found within the metres of its kind and 2 deg. Prints rows in Markdown.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import torch

from bpnp_ros import Localizer, LocalizerConfig
from bpnp_ros.bags.scene_bag import find_photographs, played_keypoints, some_played
from bpnp_ros.benchmark.why.questions import HOLD_OUT
from bpnp_ros.keypoints.keypoints import keypoints_from_pixels
from bpnp_ros.point_map.sfm.observed_cues import with_photographs
from bpnp_ros.point_map.sfm.sfm_model import SfmModel
from bpnp_ros.weights.bpnpnet_file import any_map_weights
from experiments.zoo.__main__ import KINDS
from experiments.zoo.run import Row, asked, judged
from experiments.zoo.scenes import RIGHT_DEPTHS, Scene
from experiments.zoo.trial import Shown, Trial

HEAD = (
    "| | frames | found with / without | wrong with / without | ms of the processor, median |\n"
    "|---|---|---|---|---|"
)
Make = Callable[[], Trial]


def cases(options: argparse.Namespace) -> Iterator[tuple[str, Make]]:
    """Names, and what makes the trials of these names."""
    frames, seed = options.frames, options.seed
    for name, kind in KINDS.items():
        if any(words in name for words in options.kind):
            yield name, partial(kind.trial, frames, seed)
    for path in sorted(options.scenes.glob("*.npz")) if options.scenes else []:
        if options.photographs is None:
            yield path.stem, partial(Scene(str(path)).trial, frames, seed)
        elif (options.photographs / path.stem).is_dir():
            folder = options.photographs / path.stem
            yield path.stem, partial(with_cues, path, folder, frames)


def with_cues(path: Path, folder: Path, frames: int) -> Trial:
    """At most so many of the photographs that are held back, evenly taken, with all their cues."""
    split = some_played(SfmModel.load(path), HOLD_OUT, None)
    played, shown = split.held_back, list[Shown]()
    files = find_photographs(played, folder)
    for image in range(0, played.image_count, -(-played.image_count // frames)):
        camera, T = played.cameras[image], played.T_map_camera[image]
        seen = played_keypoints(played, image, camera, files[image])
        keypoints = keypoints_from_pixels(seen.pixels, camera, seen.score, cues=seen.cues)
        shown.append(Shown(keypoints, T, len(seen.pixels)))
    depth = float(np.median([np.median(played.depths_of(i)) for i in range(played.image_count)]))
    source = with_photographs(split.mapping, folder).point_map()
    return Trial(source, {}, RIGHT_DEPTHS * depth, shown)


def compared(trial: Trial) -> dict[bool, list[Row]]:
    """Each frame with bpnpnet (True) and without it, in turn. It is named, so that it is asked
    beside a network for the map as well."""
    ask = {}
    for on in (True, False):
        config = LocalizerConfig(**trial.told, use_bpnpnet=on)  # type: ignore[arg-type]
        ask[on] = asked(Localizer.from_map(trial.source, any_map_weights(), config))
    rows: dict[bool, list[Row]] = {True: [], False: []}
    for frame in trial.frames:
        for on, of in rows.items():
            of.append(judged(ask[on], frame))
    return rows


def told(name: str, rows: dict[bool, list[Row]], metres: float) -> str:
    """A row of the table. The first frame, for which stored views are made, has no time."""
    found, wrong = (
        [sum(map(is_so, of)) for of in rows.values()]
        for is_so in (lambda row: row.is_right(metres), lambda row: row.is_wrong(metres))
    )
    ms = [1e3 * float(np.median([row.seconds for row in of[1:] or of])) for of in rows.values()]
    pairs = (f"{with_it:.0f} / {without:.0f}" for with_it, without in (found, wrong, ms))
    return f"| {name} | {len(rows[True])} | {' | '.join(pairs)} |"


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m experiments.bpnpnet_worth",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--kind", nargs="*", default=[], help="with one of these in their name")
    parser.add_argument("--scenes", type=Path, metavar="SCENES")
    parser.add_argument("--photographs", type=Path, metavar="PHOTOGRAPHS")
    parser.add_argument("--frames", type=int, default=40, help="of each, at most (40)")
    parser.add_argument("--seed", type=int, default=1, help="of kinds; the first held back (1)")
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(HEAD, flush=True)
    for name, make in cases(options):
        trial = make()
        print(told(name, compared(trial), trial.right_metres), flush=True)


if __name__ == "__main__":
    main()
