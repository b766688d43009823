"""Train the network for a cloud of one's own, for seconds, and localise with what it became.

Training for a real map takes minutes to hours; see docs/own_map.md.
"""

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from bpnp_ros import Localizer, MapBundle

rng = np.random.default_rng(0)
around = rng.uniform(0, 22, 500)  # along the walls of a room of 6 x 5 m
x, y = (
    np.interp(around, [0, 6, 11, 17, 22], corner) for corner in ([0, 6, 6, 0, 0], [0, 0, 5, 5, 0])
)
cloud = np.stack([x, y, rng.uniform(0, 2.5, 500)], axis=1)

with TemporaryDirectory() as folder:
    points, weights, run = (Path(folder, name) for name in ("map.xyz", "map.safetensors", "run"))
    np.savetxt(points, cloud)
    command = f"-m training.own_map {points} --out {weights} --run {run}"
    small = "--minutes 0.05 --places 200 --memory 0.001 --harmonics 8 --bands 8 --batch 16"
    subprocess.run([sys.executable, *command.split(), *small.split()], check=True)
    bundle = MapBundle.load(weights)
    localizer = Localizer.from_map(cloud, weights=weights)

print(f"{bundle.card['views']} views trained; proposers: {', '.join(localizer.proposers)}")
