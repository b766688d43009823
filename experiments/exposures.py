"""What becomes of photographs taken at another exposure, or with red and blue swapped.

python -m experiments.exposures SCENE.npz PHOTOGRAPHS. Every fifth photograph is held back and
looked for in the map of the others, as `bpnp_benchmark --failures` does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from bpnp_ros.bags.scene_bag import find_photographs, played_keypoints, some_played
from bpnp_ros.benchmark.why.failures import Outcome, outcome
from bpnp_ros.benchmark.why.questions import HOLD_OUT, Question
from bpnp_ros.keypoints.image import decode_compressed
from bpnp_ros.keypoints.keypoints import keypoints_from_pixels
from bpnp_ros.localizer.localizer import Localizer
from bpnp_ros.point_map.sfm.observed_cues import keypoint_cues, with_photographs
from bpnp_ros.point_map.sfm.sfm_model import SfmModel
from experiments.cue_worth import GAINS, exposed
from experiments.photographed_scene import scene_parser


def outcomes(scene: Path, folder: Path, most: int) -> Iterator[tuple[str, Outcome]]:
    """Exposure and outcome of at most so many photographs, evenly taken."""
    split = some_played(SfmModel.load(scene), HOLD_OUT, None)
    played, files = split.held_back, find_photographs(split.held_back, folder)
    localizer = Localizer.from_map(with_photographs(split.mapping, folder).point_map())
    for image in range(0, played.image_count, -(-played.image_count // most)):
        photograph, camera = decode_compressed(files[image].read_bytes()), played.cameras[image]
        seen, T = played_keypoints(played, image, camera), played.T_map_camera[image]
        depth = float(np.median(played.depths_of(image)))
        for name in GAINS:
            cues = keypoint_cues(exposed(photograph, name), seen.pixels)
            keypoints = keypoints_from_pixels(seen.pixels, camera, seen.score, cues=cues)
            yield name, outcome(Question(name, localizer, keypoints, T, depth))


def main() -> None:
    parser = scene_parser(__doc__)
    parser.add_argument("--most", type=int, default=10, metavar="N", help="photographs (10)")
    arguments = parser.parse_args()
    counts: dict[str, Counter[Outcome]] = {name: Counter() for name in GAINS}
    for name, found in outcomes(arguments.scene, arguments.photographs, arguments.most):
        counts[name][found] += 1
    table = Table("exposure", *(found.value for found in Outcome))
    for name, count in counts.items():
        table.add_row(name, *(str(count[found]) for found in Outcome))
    Console().print(table)


if __name__ == "__main__":
    main()
