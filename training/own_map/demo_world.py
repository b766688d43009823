"""Write the demo's world as files to train on: python -m training.own_map.demo_world FOLDER."""

from __future__ import annotations

import argparse
from pathlib import Path

from bpnp_ros.command import loading

with loading():
    import numpy as np

    from bpnp_ros.simulation.boxes import Array
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


def write_ply(path: Path, vertices: Array, triangles: np.ndarray | None = None) -> None:
    """Vertices (V, 3) in float64 and, for a mesh, triangles (F, 3), as a binary PLY file."""
    axes = "".join(f"property double {axis}\n" for axis in "xyz")
    header = f"ply\nformat binary_little_endian 1.0\nelement vertex {len(vertices)}\n{axes}"
    body = vertices.astype("<f8").tobytes()
    if triangles is not None:
        header += f"element face {len(triangles)}\nproperty list uchar int vertex_indices\n"
        faces = np.zeros(len(triangles), dtype=[("count", "u1"), ("corners", "<i4", 3)])
        faces["count"], faces["corners"] = 3, triangles
        body += faces.tobytes()
    path.write_bytes(header.encode() + b"end_header\n" + body)


if __name__ == "__main__":
    main()
