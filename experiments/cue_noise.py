"""Whether photographs that a map does not hold differ from it as its own photographs say.

python -m experiments.cue_noise SCENE.npz PHOTOGRAPHS. Every fifth photograph is held back; how far
the colours and sizes of its true pairs are from the map's, in units of the noise that the mapping
photographs show among themselves: the scale is 1 where these tell the truth.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from bpnp_ros.bags.scene_bag import some_played
from bpnp_ros.keypoints.image_cues import lab_about_median
from bpnp_ros.point_map.sfm.cue_noise import NORMAL
from bpnp_ros.point_map.sfm.observed_cues import keypoint_sizes, with_photographs
from bpnp_ros.point_map.sfm.sfm_model import SfmModel
from experiments.cue_worth import true_pairs
from experiments.photographed_scene import scene_parser

Array = NDArray[np.float64]
FAR = 3.0  # standard deviations


def errors(scene: Path, folder: Path) -> dict[str, Array]:
    """By channel (K,) how far true pairs are apart, in units of the map's own noise."""
    split = some_played(SfmModel.load(scene), 5, None)
    mapping, played = (with_photographs(m, folder) for m in (split.mapping, split.held_back))
    known = mapping.point_map()
    lab, size = lab_about_median(known.cues["rgb"].astype(np.float64)), known.cues["size"]
    apart: dict[str, list[Array]] = defaultdict(list)
    for image in range(played.image_count):
        keypoint, point = true_pairs(played, image, mapping).T
        rows = np.arange(*played.keypoint_offsets[image : image + 2])
        shown = lab_about_median(played.keypoint_cues["rgb"][rows].astype(np.float64))
        off = (shown[keypoint] - lab[point]) / known.cue_noise["rgb"]
        for channel, column in zip("Lab", off.T, strict=True):
            apart[channel].append(column)
        sizes = keypoint_sizes(played)[rows[keypoint]]
        apart["size"].append(np.log(sizes / size[point]) / known.cue_noise["size"])
    return {name: np.concatenate(parts) for name, parts in apart.items()}


def main() -> None:
    arguments = scene_parser(__doc__).parse_args()
    table = Table("cue", "scale", f"beyond {FAR:g}, %", "pairs")
    for name, off in errors(arguments.scene, arguments.photographs).items():
        told = np.abs(off[np.isfinite(off)])
        scale, far = NORMAL * np.median(told), 100 * (told > FAR).mean()
        table.add_row(name, f"{scale:.2f}", f"{far:.0f}", str(len(told)))
    Console().print(table)


if __name__ == "__main__":
    main()
