"""A start for the network: what is seen from where, counted before anything is learned.

The panorama layer scores places by sums over keypoints, as a likelihood does. So it starts as the
log of how much likelier a keypoint is there than elsewhere in the view; training then learns what
tells places apart, which a likelihood of independent keypoints does not. The matching of points
starts with what each place sees.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import torch
from torch import Tensor

from bpnp_ros.geometry.camera import Frustum
from bpnp_ros.map_model.map_model import MapModel
from bpnp_ros.map_model.motion import FORWARD
from bpnp_ros.map_model.view_space import ViewSpace
from bpnp_ros.network.bpnpnet_map import BPnPNetMap, NetworkSize
from bpnp_ros.network.panorama import Panorama
from bpnp_ros.network.places import Places

CLUTTER = 0.3
TYPICAL_KEYPOINTS = 100
CAUTION = 0.2  # keypoints are not independent: what they say counts for less
BLUR = 0.4  # cells, beside the linear interpolation
POSITIONS = 3  # looked around from along each side of a place, where single ones are not told
IMAGE = 24, 18  # directions along width and height of an image
_CHUNK = 200
_AT_ONCE = 512  # places: as many panoramas are in memory several times


def counted_from_photographs(model: MapModel, frustum: Frustum) -> BPnPNetMap:
    """The network of a map whose photographs say what is seen from where, ready to be asked.

    frustum: what a camera like theirs sees.
    """
    device = model.view_space.device
    seen = model.places.to(torch.device("cpu"))
    network = counted_network(model.points.cpu(), seen, seen, frustum)
    return network.to(device).eval()


def counted_network(
    points: Tensor,
    coarse: ViewSpace,
    fine: ViewSpace,
    frustum: Frustum,
    size: NetworkSize | None = None,
) -> BPnPNetMap:
    """A network that knows what is seen from where and has not been trained; nothing is random.

    points: (N, 3) recentred map points, metres. coarse: the network's places. fine: single
    positions, with what is seen from each. frustum: the image of the camera to come.
    """
    net = BPnPNetMap(points, Places(coarse), size)
    density = _density(net.panorama, net.places, points, fine, _places_of(net.places, fine))
    image = image_bearings(frustum, points.new_tensor(FORWARD))
    net.panorama.set_log_odds(CAUTION * _log_odds(net.panorama, density, image))
    chance = torch.zeros(len(coarse.anchors), len(points))
    chance.scatter_add_(1, coarse.seen, coarse.chance)
    net.point_matching.set_seen(chance, TYPICAL_KEYPOINTS * CLUTTER / frustum.area)
    return net


@torch.no_grad()
def count_panoramas(
    layer: Panorama,
    points: Tensor,
    space: ViewSpace,
    image: Tensor,
    progress: Callable[[float], None],
) -> None:
    """Let a layer know what is seen from the places of a view space, from all over each of them.

    points: (N, 3), and space with them, in metres and in axes whose z is up. image: (G, 3) unit
    bearings of the camera to come at heading zero, in the same axes. progress: is told the share
    that is done; it may raise to end the work.
    """
    for rows in torch.arange(len(space.anchors)).split(_AT_ONCE):
        progress(int(rows[0]) / len(space.anchors))
        some = replace(
            space, anchors=space.anchors[rows], seen=space.seen[rows], chance=space.chance[rows]
        )
        places, own = Places(some), torch.arange(len(rows))
        density = torch.zeros(len(rows), layer.yaws, layer.bands)
        for moved in _all_over(some):
            density += _density(layer, places, points, moved, own)
        layer.set_log_odds(_log_odds(layer, density / POSITIONS**2, image), rows)


def image_bearings(frustum: Frustum, R_level_camera: Tensor) -> Tensor:
    """Unit bearings (G, 3) all over an image, in axes whose z is up, at heading zero."""
    columns, rows = IMAGE
    x, y = (
        low + (torch.arange(cells) + 0.5) * ((high - low) / cells)
        for low, high, cells in (
            (frustum.x_min, frustum.x_max, columns),
            (frustum.y_min, frustum.y_max, rows),
        )
    )
    return frustum.chart.bearings(torch.cartesian_prod(x, y).to(R_level_camera)) @ R_level_camera.T


def _all_over(space: ViewSpace) -> Iterator[ViewSpace]:
    """The same places, looked around from positions that lie evenly in them."""
    line = (2 * torch.arange(POSITIONS) + 1) / POSITIONS - 1
    for across in torch.cartesian_prod(line, line):
        offset = torch.nn.functional.pad(across, (0, 1)).to(space.anchors) * space.reach
        yield replace(space, anchors=space.anchors + offset)


def _log_odds(layer: Panorama, density: Tensor, image: Tensor) -> Tensor:
    """What a keypoint in each cell speaks for (A, yaws, bands)."""
    density = _blur(density)
    in_view = _mean_in_view(layer, density, image)[..., None]
    return torch.log(CLUTTER + (1 - CLUTTER) * density / in_view)


def _density(
    layer: Panorama, places: Places, points: Tensor, space: ViewSpace, place: Tensor
) -> Tensor:
    """Mean count of points seen in each cell (places, yaws, bands).

    place: (A,), which one each anchor of the view space belongs to.
    """
    shape = (len(places), layer.yaws, layer.bands)
    density = torch.zeros(shape[0] * shape[1] * shape[2])
    for rows in torch.arange(len(space.anchors)).split(_CHUNK):
        towards = points[space.seen[rows]] - space.anchors[rows, None]
        bearing = torch.nn.functional.normalize(towards @ places.frame[place[rows]], dim=-1)
        azimuth, band = layer.azimuth_and_band(bearing)
        yaw = azimuth * (layer.yaws / (2 * torch.pi))
        inside = (band > 0) & (band < layer.bands - 1)
        for yaw_cell, yaw_share in _neighbours(yaw):
            for band_cell, band_share in _neighbours(band):
                cell = place[rows, None] * layer.yaws + yaw_cell % layer.yaws
                cell = cell * layer.bands + band_cell.clamp(0, layer.bands - 1)
                share = space.chance[rows] * yaw_share * band_share * inside
                density.index_add_(0, cell.flatten(), share.flatten())
    visits = torch.bincount(place, minlength=shape[0]).clamp_min(1)
    return density.view(shape) / visits[:, None, None]


def _places_of(places: Places, space: ViewSpace) -> Tensor:
    """The place that each anchor of a view space belongs to (A,)."""
    poses = torch.eye(4).repeat(len(space.anchors), 1, 1)
    poses[:, :3, 3] = space.anchors
    if space.orientations is not None:
        poses[:, :3, :3] = space.orientations
    return places.nearest(poses)


def _neighbours(position: Tensor) -> list[tuple[Tensor, Tensor]]:
    """The two cells next to a position in units of cells, with their shares."""
    below = position.floor()
    share = position - below
    return [(below.long(), 1 - share), (below.long() + 1, share)]


def _blur(density: Tensor) -> Tensor:
    kernel = torch.exp(-0.5 * (torch.arange(-2, 3) / BLUR) ** 2)
    kernel = kernel / kernel.sum()
    image = torch.nn.functional.pad(density[:, None], (0, 0, 2, 2), mode="circular")
    image = torch.nn.functional.conv2d(image, kernel.view(1, 1, 5, 1))
    return torch.nn.functional.conv2d(image, kernel.view(1, 1, 1, 5), padding=(0, 2))[:, 0]


def _mean_in_view(layer: Panorama, density: Tensor, image: Tensor) -> Tensor:
    """Mean density over the image of a camera at each heading (A, yaws)."""
    azimuth, band = layer.azimuth_and_band(image)
    total = torch.zeros_like(density[..., 0])
    rows = torch.stack([layer.nearest_heading(azimuth), band.round().long()], dim=1)
    for turn, row in rows.tolist():
        total += density[..., row].roll(-turn, dims=1)
    return (total / len(image)).clamp_min(1e-3)
