"""The demo's robot below lamps as a motion picture: python -m experiments.lamps_movie [--seed 5].

Left what the camera sees, with the lights that were found; right where the robot is and where it
was found. The localiser works in this process, frame by frame, as fast as it can.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.animation import FuncAnimation, PillowWriter
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bpnp_ros.demo.frame_log import answered, build
from bpnp_ros.demo.stream import DemoStream, make_stream
from bpnp_ros.demo.worlds import LAMPS
from bpnp_ros.evaluation.trajectory import NANOSECONDS
from bpnp_ros.figures import palette
from bpnp_ros.figures.panels import draw_floor
from bpnp_ros.keypoints.image import decode_compressed
from bpnp_ros.localizer.types import Fix

RATE, SECONDS = 10.0, 14.0
DARK = 80  # grey value


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m experiments.lamps_movie", description=__doc__)
    parser.add_argument("--seed", type=int, default=5, metavar="N", help="of hall and drive (5)")
    parser.add_argument("--out", type=Path, default=Path("docs/images/lamps.gif"), metavar="GIF")
    arguments = parser.parse_args()
    stream = make_stream(arguments.seed, SECONDS, RATE, 1, None, LAMPS, arguments.seed)
    with matplotlib.rc_context(palette.STYLE):
        figure = Figure(figsize=(8.4, 3.5), dpi=80)
        movie = Movie(figure, stream)
        frames = range(0, len(stream), 2)
        animation = FuncAnimation(figure, movie.show, frames=frames, init_func=lambda: ())
        animation.save(arguments.out, PillowWriter(fps=round(RATE / 2)))
    print(f"{arguments.out}: {arguments.out.stat().st_size / 1e6:.1f} MB; {movie.verdict}")


class Movie:
    """Draws one frame after the other, as they are answered."""

    def __init__(self, figure: Figure, stream: DemoStream) -> None:
        self._stream, self._localizer = stream, build(stream, dict(LAMPS.told))
        self._view = figure.add_axes((0.01, 0.04, 0.42, 0.84))
        floor = figure.add_axes((0.46, 0.02, 0.53, 0.86))
        self._view.axis("off")
        self._image = self._view.imshow(np.zeros((480, 640)), cmap="gray", vmin=0, vmax=255)
        (self._lights,) = self._view.plot(
            [], [], "o", ms=11, mfc="none", mec=palette.ORANGE, mew=1.6
        )
        self._draw_hall(floor)
        (self._truth,) = floor.plot([], [], color=palette.SKY, lw=6, alpha=0.6)
        (self._found,) = floor.plot([], [], ".", ms=5, color=palette.BLUE)
        (self._robot,) = floor.plot([], [], "o", ms=12, mfc="none", mec=palette.INK, mew=1.8)
        (self._rays,) = floor.plot([], [], color=palette.GREEN, lw=0.9)
        self._title = floor.set_title("")
        self._poses = np.full((len(stream), 2), np.nan)
        self._way = stream.path.T_map_camera[:, :2, 3].copy()
        self._way[list(stream.path.kidnaps)] = np.nan
        self.errors: list[float] = []

    def _draw_hall(self, axes: Axes) -> None:
        world = self._stream.world
        draw_floor(axes, world.plan.walls, world.plan.furniture)
        x, y, _ = world.landmarks.T
        axes.scatter(x, y, s=16, color=palette.ORANGE, edgecolors=palette.INK, lw=0.4, zorder=3)

    @property
    def verdict(self) -> str:
        """Of all frames so far."""
        return f"{len(self.errors)} poses, the worst {max(self.errors):.2f} m off"

    def show(self, frame: int) -> tuple[()]:
        """Answer a frame and draw it."""
        stamp = round(NANOSECONDS * self._stream.path.stamps[frame])
        keypoints, answer = answered(self._localizer, self._stream, frame, stamp)
        grey = decode_compressed(self._stream.images[frame]).grey
        self._image.set_data(np.where(grey < DARK, DARK // 2, grey))  # noise fills a GIF
        camera = self._stream.camera
        pixels = np.zeros((0, 2)) if keypoints is None else keypoints.xy @ camera.K[:2, :2].T
        self._lights.set_data(*(pixels + camera.K[:2, 2]).T)
        self._truth.set_data(*self._way[: frame + 1].T)
        self._robot.set_data(*self._stream.path.T_map_camera[frame, :2, 3:])
        if isinstance(answer, Fix):
            self._place(frame, answer)
        else:
            self._rays.set_data([], [])
            self._title.set_text(f"no pose: {answer.category.value}")
        self._found.set_data(*self._poses[: frame + 1].T)
        return ()

    def _place(self, frame: int, fix: Fix) -> None:
        here, model = fix.T_map_camera[:2, 3], self._localizer.map_model.point_map
        lamps = model.in_map_frame[fix.point_index, :2]
        rays = np.stack(
            [np.broadcast_to(here, lamps.shape), lamps, np.full(lamps.shape, np.nan)], 1
        )
        self._poses[frame] = here
        self._rays.set_data(*rays.reshape(-1, 2).T)
        apart = fix.T_map_camera[:3, 3] - self._stream.path.T_map_camera[frame, :3, 3]
        self.errors.append(float(np.linalg.norm(apart)))
        self._title.set_text(f"{100 * self.errors[-1]:.0f} cm off, by {fix.inliers} lamps")


if __name__ == "__main__":
    main()
