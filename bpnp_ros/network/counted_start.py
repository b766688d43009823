"""A start for the network: what is seen from where, counted before anything is learned.

The panorama layer scores places by sums over keypoints, as a likelihood does. So it starts as the
log of how much likelier a keypoint is there than elsewhere in the view; training then learns what
tells places apart, which a likelihood of independent keypoints does not. The matching of points
starts with what each place sees.
"""

from __future__ import annotations

import torch
from torch import Tensor

from bpnp_ros.geometry.camera import Frustum
from bpnp_ros.map_model.map_model import MapModel
from bpnp_ros.map_model.view_space import ViewSpace
from bpnp_ros.network.bpnpnet_map import BPnPNetMap, NetworkSize
from bpnp_ros.network.places import Places

CLUTTER = 0.3
TYPICAL_KEYPOINTS = 100
CAUTION = 0.2  # keypoints are not independent: what they say counts for less
BLUR = 0.4  # cells, beside the linear interpolation
_CHUNK = 200


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
    density = _blur(_density(net, fine))
    log_odds = torch.log(CLUTTER + (1 - CLUTTER) * density / _mean_in_view(net, density, frustum))
    net.panorama.set_log_odds(CAUTION * log_odds)
    chance = torch.zeros(len(coarse.anchors), len(points))
    chance.scatter_add_(1, coarse.seen, coarse.chance)
    net.point_matching.set_seen(chance, TYPICAL_KEYPOINTS * CLUTTER / frustum.area)
    return net


def _density(net: BPnPNetMap, space: ViewSpace) -> Tensor:
    """Mean count of points seen in each cell (places, yaws, bands)."""
    layer, place = net.panorama, _places_of(net, space)
    shape = (len(net.places), layer.yaws, layer.bands)
    density = torch.zeros(shape[0] * shape[1] * shape[2])
    for rows in torch.arange(len(space.anchors)).split(_CHUNK):
        towards = net.point_matching.points[space.seen[rows]] - space.anchors[rows, None]
        bearing = torch.nn.functional.normalize(towards @ net.places.frame[place[rows]], dim=-1)
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


def _places_of(net: BPnPNetMap, space: ViewSpace) -> Tensor:
    """The place that each anchor of a view space belongs to (A,)."""
    poses = torch.eye(4).repeat(len(space.anchors), 1, 1)
    poses[:, :3, 3] = space.anchors
    if space.orientations is not None:
        poses[:, :3, :3] = space.orientations
    return net.places.nearest(poses)


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


def _mean_in_view(net: BPnPNetMap, density: Tensor, frustum: Frustum) -> Tensor:
    """Mean density over the field of view of a level camera at each heading (A, yaws, 1)."""
    layer = net.panorama
    edges = torch.tensor([frustum.x_min, frustum.x_max, frustum.y_min, frustum.y_max]).atan()
    line = torch.linspace(-layer.elevation, layer.elevation, layer.bands)
    column = density[..., (line > -edges[3]) & (line < -edges[2])].mean(dim=2)
    left, right = (-edges[:2].flip(0) * (layer.yaws / (2 * torch.pi))).round().long().tolist()
    window = torch.stack([column.roll(-step, dims=1) for step in range(left, right + 1)])
    return window.mean(dim=0)[..., None].clamp_min(1e-3)
