"""A COLMAP model as the map: its photographs say where a camera can be, and what it sees there."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from bpnp_ros import Camera, Fix, Localizer, LocalizerConfig, load_map

rng = np.random.default_rng(0)
points = rng.uniform([-2, -1.5, 4], [2, 1.5, 7], (300, 3))
camera = Camera(np.array([[500.0, 0, 320], [0, 500, 240], [0, 0, 1]]), width=640, height=480)


def seen_from(x: float) -> tuple[np.ndarray, np.ndarray]:
    """Pixels of a camera at (x, 0, 0) that looks along z, and the rows of the points."""
    rays = points - [x, 0, 0]
    pixels = 500 * rays[:, :2] / rays[:, 2:] + [320, 240] + rng.normal(size=(len(points), 2))
    rows = np.flatnonzero(camera.image_contains(pixels) & (rng.random(len(points)) < 0.7))
    return pixels[rows], rows


def write_colmap(folder: Path) -> None:
    """A text model of nine photographs, as `colmap model_converter` writes it."""
    (folder / "cameras.txt").write_text("1 PINHOLE 640 480 500 500 320.5 240.5\n")
    rows = [f"{i + 1} {x} {y} {z} 128 128 128 0.5\n" for i, (x, y, z) in enumerate(points)]
    (folder / "points3D.txt").write_text("".join(rows))
    with (folder / "images.txt").open("w") as file:
        for image, x in enumerate(np.linspace(-1, 1, 9), start=1):
            file.write(f"{image} 1 0 0 0 {-x} 0 0 1 photo{image}.jpg\n")
            keypoints = zip(*seen_from(x), strict=True)
            file.write(" ".join(f"{u + 0.5} {v + 0.5} {i + 1}" for (u, v), i in keypoints) + "\n")


with TemporaryDirectory() as name:
    write_colmap(Path(name))
    point_map = load_map(name, scale=0.5)  # metres per unit of the model

localizer = Localizer.from_map(point_map, config=LocalizerConfig(bank_views=5000))
pixels, _ = seen_from(0.3)
answer = localizer.localize(rng.permutation(pixels), camera)
print(f"{len(point_map)} points; a camera is looked for {localizer.assumed}")
if isinstance(answer, Fix):
    print(f"found at {answer.T_map_camera[:3, 3].round(3)} m, truth is 0.15, 0, 0")
else:
    print(f"no fix: {answer.category.value}, {answer.message}")
