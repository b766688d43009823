"""Make the data set `sfm` out of scenes: python -m training.datasets.build_sfm SCENE... --out DIR.

A scene is a COLMAP model's folder or a scene in an .npz file. Train and test share no scene. Which
keypoints and points make a sample, and how many of them are outliers, is drawn while training:

    python -m training.main --dataset sfm DIR
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from bpnp_ros.command import exit_status, loading

with loading():
    import numpy as np
    import torch

    from bpnp_ros.errors import DataSetError
    from bpnp_ros.geometry.transform import invert
    from bpnp_ros.point_map.sfm.sfm_model import SfmModel
    from training.datasets.sfm import split_folder


def main(arguments: list[str] | None = None) -> int:
    """Command line; returns the exit status."""
    options = _parser().parse_args(arguments)
    return exit_status(
        lambda: build(options.scenes, options.test_scenes, options.out),
        interrupted="stopped; start again with another --out.",
    )


def build(scenes: Sequence[Path], test_scenes: Sequence[Path], out: Path) -> None:
    """Write the scenes, numbered, to out/sfm_train and out/sfm_test."""
    both = {path.resolve() for path in scenes} & {path.resolve() for path in test_scenes}
    if both:
        raise DataSetError(f"{both.pop()} cannot be for training and for testing.")
    for split, paths in (("train", scenes), ("test", test_scenes)):
        place = split_folder(out, split)
        if place.exists():
            raise DataSetError(f"{place} is there already; name another --out.")
        place.mkdir(parents=True)
        for i, path in enumerate(paths):
            write_scene(SfmModel.load(path), place / f"{i:03}_{path.resolve().stem}")


def write_scene(scene: SfmModel, folder: Path) -> None:
    """Points, poses and undistorted keypoints, an array a file, so that they can be mapped.

    `folder` is there as a whole or not at all.
    """
    world_to_camera = invert(torch.from_numpy(scene.T_map_camera)).numpy()
    arrays = {
        "points3d": scene.points,
        "R": world_to_camera[:, :3, :3],
        "t": world_to_camera[:, :3, 3],
        "fx": np.array([camera.K[0, 0] for camera in scene.cameras]),
        "width": np.array([camera.width for camera in scene.cameras]),
        "height": np.array([camera.height for camera in scene.cameras]),
        "kp_offsets": scene.keypoint_offsets,
        "kp_xy": scene.keypoints,
        "kp_point3d": scene.keypoint_point,
    }
    partial = folder.with_name(f".{folder.name}")
    partial.mkdir()
    for name, values in arrays.items():
        np.save(partial / f"{name}.npy", values)
    partial.rename(folder)
    print(f"{folder}: {scene.image_count} images, {len(scene)} points")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m training.datasets.build_sfm",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("scenes", type=Path, nargs="+", metavar="SCENE")
    parser.add_argument("--test-scenes", type=Path, nargs="+", required=True, metavar="SCENE")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    return parser


if __name__ == "__main__":
    sys.exit(main())
