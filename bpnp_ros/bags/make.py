"""What goes into a bag out of a scene."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from bpnp_ros.backends.rosbags import Writer
from bpnp_ros.bags.scene_bag import find_photographs, some_played, write_scene
from bpnp_ros.map_model.from_photographs import model_from_photographs
from bpnp_ros.network.counted_start import counted_from_photographs
from bpnp_ros.point_map.sfm.observed_cues import with_photographs
from bpnp_ros.point_map.sfm.sfm_model import SfmModel
from bpnp_ros.point_map.sfm.split import SplitScene
from bpnp_ros.weights.bundle import MapBundle

Write = Callable[[Writer], None]


def prepare_scene(arguments: argparse.Namespace) -> tuple[Write, str]:
    """Writes the bundle, too, where one is asked for."""
    scene = some_played(SfmModel.load(arguments.scene), arguments.hold_out, arguments.scale)
    folder = arguments.photographs
    photographs = []
    if folder:
        photographs = find_photographs(scene.held_back, folder)
        scene = replace(scene, mapping=with_photographs(scene.mapping, folder))
    if arguments.bundle:
        write_bundle(arguments.bundle, scene)
    content = (
        f"{scene.held_back.image_count} photographs to play, {len(scene.mapping)} points from "
        f"{scene.mapping.image_count}; a unit of the scene is {scene.scale:.4g} m"
    )
    write = partial(write_scene, scene=scene, photographs=photographs, rate=arguments.rate)
    return write, content


def write_bundle(path: Path, scene: SplitScene) -> None:
    """With a network that is counted, not trained."""
    card = {"made_by": "bpnp_make_bag", "photographs": scene.mapping.image_count}
    model = model_from_photographs(scene.mapping)
    network = counted_from_photographs(model, scene.mapping.covering_camera().frustum())
    MapBundle(model, network, card, scale=scene.scale).save(path)
