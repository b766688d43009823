"""Which places a frame may show, and at which headings: all of them are scored at once.

What is to be seen from a place is kept as a panorama, counted from all over the place, so that near
points are blurred by as much as they move and far ones are sharp. A frame turns in all of them by a
Fourier series (see `network/panorama.py`): no heading lies between two that are stored.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from bpnp_ros.geometry.camera import Frustum
from bpnp_ros.geometry.transform import make_transform
from bpnp_ros.localizer.frame import Frame
from bpnp_ros.localizer.progress import Progress, unheard
from bpnp_ros.map_model.map_model import MapModel
from bpnp_ros.map_model.view_space import ViewSpace, camera_orientation
from bpnp_ros.network.counted_start import count_panoramas, image_bearings
from bpnp_ros.network.panorama import Panorama
from bpnp_ros.network.places import Places
from bpnp_ros.prepared import Tensors, prepared

YAWS = 180
HARMONICS = YAWS // 2
BAND = 2 * math.pi / YAWS  # radians of elevation
TILT_STEP = 0.05  # radians
PEAKS = 1000
PEAK = 3  # headings on either side that a peak must exceed
VIEWS_A_PEAK = 4
BEYOND = 1.2  # reaches of a place within which its views stand
TURNED = 0.05  # radians to either side of a peak's heading


class PanoramaBank:
    """Panoramas of the places of a map whose up is known, for one camera."""

    def __init__(
        self, model: MapModel, frustum: Frustum, layer: Panorama, places: Places, seed: int
    ) -> None:
        self.frustum = frustum
        self._model, self._layer, self._seed = model, layer, seed
        self._tilts = places.tilts(TILT_STEP)

    @torch.no_grad()
    def views(self, frame: Frame) -> Tensor:
        """T_map_camera (V, 4, 4) all over the places and headings that explain a frame best."""
        peak, tilt = self._peaks(frame)
        places = len(self._model.places.anchors)
        yaw = self._layer.heading(peak // places)
        turn = torch.cat([yaw[:, None], self._tilts[tilt]], dim=1)
        return self._around(peak % places, turn)

    def _peaks(self, frame: Frame) -> tuple[Tensor, Tensor]:
        """Rows of (yaws, places) that exceed their neighbours, best first, and their tilts."""
        held, xy = self._model.view_space.held, frame.coarse().xy
        tilted = torch.nn.functional.pad(self._tilts, (1, 0))
        R_level_map = torch.from_numpy(held.R_map_level.T).to(xy)
        R_level_camera = R_level_map @ camera_orientation(tilted, held)
        bearing = frame.frustum.chart.bearings(xy) @ R_level_camera.transpose(1, 2)
        everywhere = torch.ones_like(bearing[..., 0], dtype=torch.bool)
        score, tilt = self._layer(bearing, everywhere).max(dim=1)
        ring = torch.nn.functional.pad(score.T[:, None], (PEAK, PEAK), mode="circular")
        highest = torch.nn.functional.max_pool1d(ring, 2 * PEAK + 1, 1)[:, 0].T
        peaks = score.masked_fill(score < highest, -torch.inf).flatten()
        best = peaks.topk(min(PEAKS, len(peaks))).indices
        return best, tilt.flatten()[best]

    def _around(self, place: Tensor, turn: Tensor) -> Tensor:
        """Views at places (P,), turned by (P, 3) rad, each once as it is and then about there."""
        space, generator = self._model.places, torch.Generator().manual_seed(self._seed)
        draw = torch.rand(VIEWS_A_PEAK, len(place), 6, generator=generator).to(turn) * 2 - 1
        draw[0] = 0
        position = space.anchors[place] + draw[..., :3] * (BEYOND * space.reach)
        turned = turn.new_tensor([TURNED, TILT_STEP / 2, TILT_STEP / 2])
        turns = (turn + draw[..., 3:] * turned).flatten(0, 1)
        return make_transform(camera_orientation(turns, space.held), position.flatten(0, 1))


def build_panorama_bank(
    model: MapModel, frustum: Frustum, seed: int = 0, progress: Progress = unheard
) -> PanoramaBank:
    """Count what is seen from each place, once: a later start takes it as it is."""
    space, held = model.places, model.places.held
    level = _levelled(space)
    image = image_bearings(frustum, torch.from_numpy(held.R_level_camera).to(model.points))
    elevation = min(float(torch.asin(image[:, 2]).abs().max()) + held.tilt + BAND, math.pi / 2)
    bands = 2 * math.ceil(elevation / BAND) + 1
    layer = Panorama(len(space.anchors), HARMONICS, bands, YAWS, elevation)

    def counted() -> Tensors:
        points = model.points @ torch.from_numpy(held.R_map_level).to(model.points)
        on_cpu = level.to(torch.device("cpu"))
        count_panoramas(layer, points.cpu(), on_cpu, image.cpu(), progress)
        return dict(layer.state_dict())

    made_of = (model.points, space, str(space.device), frustum, YAWS, bands)
    layer.load_state_dict(prepared("panoramas", made_of, counted))
    return PanoramaBank(model, frustum, layer.to(space.device), Places(level), seed)


def panorama_bytes(places: int) -> int:
    """What the panoramas of so many places take, at most."""
    bands = 2 * math.ceil(math.pi / 2 / BAND) + 2
    return 8 * places * (HARMONICS + 1) * bands


def _levelled(space: ViewSpace) -> ViewSpace:
    """The same in axes whose z is up."""
    R = torch.from_numpy(space.held.R_map_level).to(space.anchors)
    return ViewSpace(
        space.anchors @ R, space.seen, space.chance, R.T.abs() @ space.reach, space.tilt
    )
