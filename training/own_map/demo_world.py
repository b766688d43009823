"""Write the demo's world as files to train on: python -m training.own_map.demo_world FOLDER."""

from __future__ import annotations

import argparse
from pathlib import Path

from bpnp_ros.command import loading

with loading():
    from bpnp_ros.simulation.ply import write_ply
    from bpnp_ros.simulation.world import make_world

SEED = 0


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m training.own_map.demo_world", description=__doc__
    )
    parser.add_argument("folder", type=Path, help="map.ply and mesh.ply are written here")
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    world = make_world(SEED)
    vertices, triangles = world.solids.mesh()
    write_ply(folder / "map.ply", world.landmarks)
    write_ply(folder / "mesh.ply", vertices, triangles)
    print(f"{folder}: {len(world.landmarks)} landmarks, {len(triangles)} triangles")


if __name__ == "__main__":
    main()
