"""A world as a file that every viewer opens."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bpnp_ros.simulation.boxes import Array
from bpnp_ros.whole_file import written_whole


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
    with written_whole(path) as partial:
        partial.write_bytes(header.encode() + b"end_header\n" + body)
