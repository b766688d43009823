"""Write the demo's world as files to train on: python -m training.own_map.demo_world FOLDER."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bpnp_ros.command import exit_status, loading

with loading():
    from bpnp_ros.simulation.ply import write_ply
    from bpnp_ros.simulation.world import make_world

SEED = 0


def main(arguments: list[str] | None = None) -> int:
    """Command line; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m training.own_map.demo_world", description=__doc__
    )
    parser.add_argument("folder", type=Path, help="map.ply and mesh.ply are written here")
    folder = parser.parse_args(arguments).folder
    return exit_status(lambda: write_world(folder), interrupted="stopped; start again.")


def write_world(folder: Path) -> None:
    """Write map.ply and mesh.ply of the demo's world. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    world = make_world(SEED)
    vertices, triangles = world.solids.mesh()
    write_ply(folder / "map.ply", world.landmarks)
    write_ply(folder / "mesh.ply", vertices, triangles)
    print(f"{folder}: {len(world.landmarks)} landmarks, {len(triangles)} triangles")


if __name__ == "__main__":
    sys.exit(main())
