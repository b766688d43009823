"""A bag out of a scene from structure from motion: some photographs are played, the others map."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bpnp_ros.backends.rosbags import Writer
from bpnp_ros.bags.camera_bag import START, CameraBag
from bpnp_ros.errors import BagError, KeypointError
from bpnp_ros.geometry.camera import Camera
from bpnp_ros.keypoints.detector import Detections
from bpnp_ros.keypoints.image import decode_compressed
from bpnp_ros.keypoints.image_header import image_size
from bpnp_ros.keypoints.lens import denormalise
from bpnp_ros.point_map.sfm.observed_cues import keypoint_cues
from bpnp_ros.point_map.sfm.sfm_model import SfmModel
from bpnp_ros.point_map.sfm.split import SplitScene, split_scene, unsplit_scene
from bpnp_ros.runtime.keypoint_fields import columns_of

_FORMATS = {".jpg": "jpeg", ".jpeg": "jpeg", ".png": "png"}


def some_played(scene: SfmModel, hold_out: int, scale: float | None) -> SplitScene:
    """Every `hold_out`-th photograph is played and the others map; with 1, all do both."""
    if hold_out == 1:
        return unsplit_scene(scene, scale)
    return split_scene(scene, np.arange(hold_out // 2, scene.image_count, hold_out), scale)


def find_photographs(scene: SfmModel, folder: Path) -> list[Path]:
    """The photograph of each image, by its name. Raises BagError naming one that is missing."""
    files = [folder / name for name in scene.image_names]
    files = [file if file.exists() else folder / file.name for file in files]
    missing = next((file for file in files if not file.exists()), None)
    if missing is not None:
        raise BagError(f"{missing} is missing; --photographs names the folder of all of them.")
    unknown = next((file for file in files if file.suffix.lower() not in _FORMATS), None)
    if unknown is not None:
        raise BagError(f"{unknown} is neither JPEG nor PNG.")
    return files


def write_scene(bag: Writer, scene: SplitScene, photographs: list[Path], rate: float) -> None:
    """photographs: of the images that are played; without, all are as if rectified to one camera,
    which spares the localiser a new start with every photograph."""
    points, cues = scene.mapping.points, scene.mapping.point_map().cues
    camera_bag = CameraBag(bag, points, bool(photographs), cues)
    played, one = scene.held_back, scene.mapping.covering_camera()
    for image, T_map_camera in enumerate(played.T_map_camera):
        stamp = START + round(1e9 * image / rate)
        camera = played.cameras[image] if photographs else one
        photograph = photographs[image] if photographs else None
        seen = played_keypoints(played, image, camera, photograph)
        camera_bag.add(stamp, camera, columns_of(seen), T_map_camera)
        if photograph:
            kind = _FORMATS[photograph.suffix.lower()]
            camera_bag.add_photograph(stamp, photograph.read_bytes(), kind)


def played_keypoints(
    played: SfmModel, image: int, camera: Camera, photograph: Path | None = None
) -> Detections:
    """Raw pixels of one image, matched and unmatched alike, in an order that says nothing. So does
    the score: a scene has none, and of more keypoints than are used an even sample is to be kept.

    photograph: says what the keypoints look like; BagError where it is not of the camera's size.
    """
    xy, _ = played.keypoints_of(image)
    pixels, cues = denormalise(xy, camera), {}
    if photograph is not None:
        _check_size(photograph, camera)
        cues = keypoint_cues(decode_compressed(photograph.read_bytes()), pixels)
    rng = np.random.default_rng(image)
    order = rng.permutation(len(pixels))
    score = rng.random(len(pixels), dtype=np.float32)
    shown = {name: cue[order] for name, cue in cues.items()}
    return Detections(pixels[order].astype(np.float32), score, shown)


def _check_size(file: Path, camera: Camera) -> None:
    """Raises BagError naming a photograph that is not of the size the scene's camera has."""
    try:
        width, height = image_size(file.read_bytes())
    except KeypointError as error:
        raise BagError(f"{file}: {error}") from error
    if (width, height) != (camera.width, camera.height):
        raise BagError(
            f"{file} has {width} x {height} pixels, its camera in the scene {camera.width} x "
            f"{camera.height}: it was resized or turned; give those the scene was made of."
        )
