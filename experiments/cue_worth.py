"""What cues say of true pairs of a keypoint and a map point, as taken and at another exposure.

python -m experiments.cue_worth SCENE.npz PHOTOGRAPHS. Every fifth photograph is held back; a true
pair is a matched keypoint of one of these and the map point whose image is nearest, within 1.5
pixels.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from bpnp_ros.bags.scene_bag import find_photographs, some_played
from bpnp_ros.keypoints.image import Image, decode_compressed
from bpnp_ros.keypoints.keypoints import Keypoints
from bpnp_ros.keypoints.lens import denormalise, image_frustum
from bpnp_ros.localizer.cues.pairs import MapCues
from bpnp_ros.localizer.types import Fix
from bpnp_ros.map_model.from_photographs import model_from_photographs
from bpnp_ros.point_map.sfm.observed_cues import keypoint_cues, with_photographs
from bpnp_ros.point_map.sfm.sfm_model import SfmModel
from experiments.photographed_scene import scene_parser

SAME_PLACE = 1.5  # pixels
MOST_PHOTOGRAPHS = 3
GAINS = {
    "as taken": (1.0, 1.0, 1.0),
    "brighter by a third": (4 / 3, 4 / 3, 4 / 3),
    "darker by a third": (2 / 3, 2 / 3, 2 / 3),
    "red a third up, blue a third down": (4 / 3, 1.0, 2 / 3),
    "red and blue swapped": (1.0, 1.0, 1.0),
}
SWAPPED = "red and blue swapped"
GREY = np.array([0.299, 0.587, 0.114])


def true_pairs(played: SfmModel, image: int, mapping: SfmModel) -> NDArray[np.int64]:
    """(K, 2): rows of the keypoints of one image and of the map's points that they show."""
    xy, shown = played.keypoints_of(image)
    T, pixel = played.T_map_camera[image], image_frustum(played.cameras[image]).pixel
    in_camera = (mapping.points - T[:3, 3]) @ T[:3, :3]
    ahead = np.flatnonzero(in_camera[:, 2] > 0)
    images = in_camera[ahead, :2] / in_camera[ahead, 2:]
    pairs = []
    for row in np.flatnonzero(shown >= 0):
        apart = np.linalg.norm(images - xy[row], axis=1)
        if apart.min() < SAME_PLACE * pixel:
            pairs.append((row, ahead[apart.argmin()]))
    return np.array(pairs, np.int64).reshape(-1, 2)


def exposed(photograph: Image, name: str) -> Image:
    """The photograph in colour as another exposure, or another camera, would have it."""
    assert photograph.rgb is not None
    rgb = photograph.rgb[..., ::-1] if name == SWAPPED else photograph.rgb
    rgb = (rgb * np.array(GAINS[name])).clip(0, 255).astype(np.uint8)
    grey = photograph.grey if name == SWAPPED else (rgb @ GREY).round().astype(np.uint8)
    return Image(grey, np.ascontiguousarray(rgb))


def worths(scene: Path, folder: Path) -> Iterator[tuple[str, str, float, int]]:
    """Exposure, cue, nats of a photograph's true pairs in all, and how many these are."""
    split = some_played(SfmModel.load(scene), 5, None)
    mapping, played = with_photographs(split.mapping, folder), split.held_back
    cues, files = MapCues(model_from_photographs(mapping)), find_photographs(played, folder)
    for image, file in enumerate(files[:MOST_PHOTOGRAPHS]):
        photograph, camera = decode_compressed(file.read_bytes()), played.cameras[image]
        (xy, _), pairs = played.keypoints_of(image), true_pairs(played, image, mapping)
        ones, rows = np.ones(len(xy), np.float32), np.arange(len(xy))
        fix = Fix(np.eye(4), np.eye(6), pairs[:, 0], pairs[:, 1], 0.0, "truth", 0.0, 0.0)
        for name in GAINS:
            shown = keypoint_cues(exposed(photograph, name), denormalise(xy, camera))
            keypoints = Keypoints(xy, ones, rows, image_frustum(camera), cues=shown)
            for cue, (nats, _) in cues.told(keypoints, fix).items():
                yield name, cue, nats, len(pairs)


def main() -> None:
    arguments = scene_parser(__doc__).parse_args()
    sums: dict[tuple[str, str], list[float]] = defaultdict(lambda: [0.0, 0.0])
    for name, cue, nats, pairs in worths(arguments.scene, arguments.photographs):
        sums[name, cue][0] += nats
        sums[name, cue][1] += pairs
    table = Table("exposure", "cue", "nats a true pair")
    for (name, cue), (total, count) in sums.items():
        table.add_row(name, cue, f"{total / max(count, 1):.2f}")
    Console().print(table)


if __name__ == "__main__":
    main()
