"""A bag out of a scene from structure from motion: some photographs are played, the others map.

Topics: /map (latched), /camera/camera_info, /camera/keypoints, /camera/image_raw/compressed where
the photographs are at hand, /reference/camera_pose (of the camera in the map).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpnp_ros.backends.rosbags import Writer
from bpnp_ros.bags import messages
from bpnp_ros.errors import BagError
from bpnp_ros.geometry.camera import Camera
from bpnp_ros.keypoints.lens import project
from bpnp_ros.nodes.packing import map_columns
from bpnp_ros.point_map.sfm_model import SfmModel
from bpnp_ros.point_map.split import SplitScene, split_scene, unsplit_scene

START = 1_600_000_000_000_000_000  # nanoseconds
MAP, FRAME = "map", "camera_optical_frame"
KINDS = {
    "/map": messages.MAP,
    "/camera/camera_info": messages.CAMERA_INFO,
    "/camera/keypoints": messages.KEYPOINTS,
    "/camera/image_raw/compressed": messages.COMPRESSED_IMAGE,
    "/reference/camera_pose": messages.POSE,
}
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
    for topic, kind in KINDS.items():
        if photographs or kind != messages.COMPRESSED_IMAGE:
            bag.add_topic(topic, kind, latched=topic == "/map")
    top = messages.header(START, MAP)
    bag.write("/map", START, messages.cloud(top, map_columns(scene.mapping.points)))
    one = scene.mapping.covering_camera()
    for image in range(scene.held_back.image_count):
        stamp = START + round(1e9 * image / rate)
        camera = scene.held_back.cameras[image] if photographs else one
        for topic, message in _messages(scene.held_back, image, camera, stamp).items():
            bag.write(topic, stamp, message)
        if photographs:
            picture = _picture(photographs[image], stamp)
            bag.write("/camera/image_raw/compressed", stamp, picture)


def _messages(scene: SfmModel, image: int, camera: Camera, stamp: int) -> dict[str, Any]:
    in_map, top = messages.header(stamp, MAP), messages.header(stamp, FRAME)
    xy, _ = scene.keypoints_of(image)
    return {
        "/camera/camera_info": messages.camera_info(top, camera),
        "/camera/keypoints": messages.cloud(top, _keypoints(xy, camera, seed=image)),
        "/reference/camera_pose": messages.pose_stamped(in_map, scene.T_map_camera[image]),
    }


def _keypoints(
    xy: NDArray[np.float32], camera: Camera, seed: int
) -> dict[str, NDArray[np.float32]]:
    """Raw pixels, matched and unmatched alike, in an order that says nothing. So does the score:
    the scene has none, and of more keypoints than are used an even sample is to be kept."""
    rng = np.random.default_rng(seed)
    pixels = project(np.column_stack([xy, np.ones(len(xy))]).astype(np.float64), camera)
    u, v = rng.permutation(pixels).astype(np.float32).T
    return {"u": u, "v": v, "score": rng.random(len(xy), dtype=np.float32)}


def _picture(file: Path, stamp: int) -> Any:
    top = messages.header(stamp, FRAME)
    return messages.compressed_image(top, file.read_bytes(), _FORMATS[file.suffix.lower()])
