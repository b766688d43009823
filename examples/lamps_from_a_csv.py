"""Sixty ceiling lamps in a CSV file and a camera that looks up; see docs/landmarks.md."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from bpnp_ros import Camera, Fix, Localizer, LocalizerConfig

rng = np.random.default_rng(1)
rows = [
    f"{x:.2f},{y:.2f},{rng.choice([3.0, 3.5])},{rng.integers(2)}"
    for x, y in rng.uniform(0, 12, (60, 2))
]
camera = Camera(np.array([[250.0, 0, 320], [0, 250, 240], [0, 0, 1]]), width=640, height=480)
config = LocalizerConfig(
    motion="floor", camera_mounting="up", camera_height_min=0.3, camera_height_max=0.5
)

with TemporaryDirectory() as folder:
    path = Path(folder, "lamps.csv")
    path.write_text("\n".join(["x,y,z,label", *rows]))
    localizer = Localizer.from_map(path, config=config)

# a camera at (6, 5, 0.4), heading 30 degrees: a tenth of the lamps missed, four spots too many
heading = np.radians(30)
right = [np.sin(heading), -np.cos(heading), 0]
down = [np.cos(heading), np.sin(heading), 0]  # of the image; the optical axis points up
lamps = np.array([[float(word) for word in row.split(",")[:3]] for row in rows])
rays = (lamps - [6, 5, 0.4]) @ np.column_stack([right, down, [0, 0, 1]])
pixels = 250 * rays[:, :2] / rays[:, 2:] + [320, 240] + rng.normal(size=(60, 2))
seen = pixels[camera.image_contains(pixels) & (rng.random(60) > 0.1)]
pixels = rng.permutation(np.concatenate([seen, rng.uniform(0, [640, 480], (4, 2))]))

answer = localizer.localize(pixels, camera)
print(f"{len(pixels)} keypoints; assumed: {localizer.assumed}")
if isinstance(answer, Fix):
    position, inliers = answer.T_map_camera[:3, 3].round(2), answer.inliers
    print(f"the camera is at {position}, truth is 6, 5, 0.4; {inliers} lamps agree")
else:
    print(f"no fix: {answer.category.value}, {answer.message}")
