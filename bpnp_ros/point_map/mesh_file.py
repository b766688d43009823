"""The surface that hides points, from a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bpnp_ros.backends import trimesh
from bpnp_ros.errors import MapError
from bpnp_ros.point_map.formats.ply import read_ply_mesh
from bpnp_ros.point_map.polygons import refuse_foreign_corners

MESHES = (".ply", *trimesh.FORMATS)


def read_mesh(path: Path) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Vertices (V, 3) and triangles (F, 3) of a mesh, its polygons cut into triangles.

    Triangles with a corner that is not finite are left out. Raises MapError.
    """
    suffix = path.suffix.lower()
    if suffix not in MESHES:
        raise MapError(f"{path} is not a mesh; known are {', '.join(MESHES)}.")
    try:
        vertices, triangles = (read_ply_mesh if suffix == ".ply" else trimesh.read_mesh)(path)
    except OSError as error:
        raise MapError(f"{path} cannot be read: {error.strerror or error}.") from error
    refuse_foreign_corners(triangles, len(vertices), path)
    finite = np.asarray(np.isfinite(vertices).all(axis=1))
    triangles = triangles[finite[triangles].all(axis=1)]
    if len(triangles) == 0:
        raise MapError(f"{path} holds no triangles; ray casting needs a mesh, not points.")
    return vertices, triangles
