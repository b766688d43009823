"""A first fix from two arrays: the points of a map and the keypoints of an image."""

import numpy as np

from bpnp_ros import Camera, Fix, Localizer, LocalizerConfig

rng = np.random.default_rng(0)
lamps = rng.uniform([0, 0, 3], [20, 12, 4], (100, 3))  # x, y, z in metres
camera = Camera(np.array([[400.0, 0, 320], [0, 400, 240], [0, 0, 1]]), width=640, height=480)

# what a camera at (8, 5, 0.5) that looks straight up reports: one pixel of noise, in any order
R_map_camera = np.array([[0.0, 1, 0], [-1, 0, 0], [0, 0, 1]])
rays = (lamps - [8, 5, 0.5]) @ R_map_camera
pixels = 400 * rays[:, :2] / rays[:, 2:] + [320, 240] + rng.normal(size=(100, 2))
pixels = rng.permutation(pixels[camera.image_contains(pixels)])

config = LocalizerConfig(
    motion="floor", camera_mounting="up", camera_height_min=0.45, camera_height_max=0.55
)
localizer = Localizer.from_map(lamps, config=config)
answer = localizer.localize(pixels, camera)

if isinstance(answer, Fix):
    position = answer.T_map_camera[:3, 3]
    print(f"{len(pixels)} keypoints: the camera is at {position.round(2)}, truth is 8, 5, 0.5")
else:
    print(f"no fix: {answer.category.value}, {answer.message}")
