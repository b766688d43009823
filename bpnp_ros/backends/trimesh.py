"""trimesh: reads meshes other than .ply. The only file that imports it (4.5 and newer)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bpnp_ros.errors import MapError

FORMATS = (".obj", ".stl", ".off", ".glb")


def read_mesh(path: Path) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Vertices (V, 3) and triangles (F, 3) of all parts of a file. Raises MapError."""
    try:
        import trimesh
    except ImportError as error:
        raise MapError(
            f"{path} needs trimesh ({error}): pip install trimesh; or convert it to .ply."
        ) from error
    try:
        mesh = trimesh.load_mesh(path, process=False, skip_materials=True)
        vertices = np.asarray(mesh.vertices, np.float64).reshape(-1, 3)
        triangles = np.asarray(getattr(mesh, "faces", []), np.int64).reshape(-1, 3)
    except Exception as error:  # whatever a damaged file makes the library raise
        why = error or type(error).__name__
        raise MapError(f"{path} cannot be read as a mesh ({why}); write it again.") from error
    return vertices, triangles
