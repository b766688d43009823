"""The one measurement model: how well does a pose explain the keypoints of a frame?

A keypoint u is clutter with probability c, uniform over the image area A, or the image of a map
point seen from the pose, drawn with weight d_j and Gaussian noise s (everything on z = 1):

    p(u | pose) = c / A + (1 - c) sum_j d_j N(u; proj_j(pose), s^2) q_j(u) / sum_j d_j

where q_j is how much likelier the keypoint's cues (colour, class) are for that point than for any;
of its orientation that depends on the pose.

Search, refinement and gate all use it. A pose is worth the log of the frame's likelihood
ratio against clutter alone, in nats, with the share of clutter that suits it best: 0 says "no
better than chance", and nothing is worth less.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from bpnp_ros.geometry.camera import Frustum
from bpnp_ros.geometry.chart import Chart
from bpnp_ros.geometry.transform import invert, transform_points
from bpnp_ros.localizer.frame import Frame
from bpnp_ros.map_model.map_model import MapModel

NEAREST = 0.03  # depths of what the map shows: nearer points are out of view
FAINTEST_LOG = -40.0  # below lie denormal numbers, which are very slow
ALL = 1 << 30  # points in view
MOST_COARSE_POINTS = 512  # the likeliest, which are those that are seen again and again
TINY = 1e-30
CLUTTER_SHARES = (0.05, 0.15, 0.3, 0.45, 0.6, 0.75, 0.9, 1.0)


@dataclass(frozen=True, eq=False)
class Prediction:
    """Map points in view of P poses, the K likeliest at most.

    xy: (P, K, 2) on the plane of the chart. weight: (P, K) chance of being seen, 0 on padding.
    in_camera: (P, K, 3) camera coordinates. point: (P, K) rows of the map. R_camera_map: (P, 3, 3).
    nearest: metres ahead of the camera, below which nothing is projected.
    """

    xy: Tensor
    weight: Tensor
    in_camera: Tensor
    point: Tensor
    R_camera_map: Tensor
    nearest: float
    chart: Chart

    def select(self, rows: Tensor) -> Prediction:
        """Of some of the poses."""
        return replace(
            self,
            xy=self.xy[rows],
            weight=self.weight[rows],
            in_camera=self.in_camera[rows],
            point=self.point[rows],
            R_camera_map=self.R_camera_map[rows],
        )

    def moved(self, step: Tensor) -> Prediction:
        """Of the same points after T_map_camera <- T_map_camera step, (P, 4, 4)."""
        back = invert(step)
        in_camera = transform_points(back, self.in_camera)
        xy = _on_chart(self.chart, in_camera, self.nearest)
        R_camera_map = back[:, :3, :3] @ self.R_camera_map
        return replace(self, xy=xy, in_camera=in_camera, R_camera_map=R_camera_map)


def project(model: MapModel, T_map_camera: Tensor, frustum: Frustum) -> Prediction:
    """All points that the anchors of poses (P, 4, 4) see; weight 0 where out of view."""
    seen, chance = model.view_space.seen_from(T_map_camera)
    T_camera_map = invert(T_map_camera)
    in_camera = transform_points(T_camera_map, model.points[seen])
    nearest = NEAREST * model.depth
    xy = _on_chart(frustum.chart, in_camera, nearest)
    x, y = xy.unbind(-1)
    ahead = frustum.chart.shows(in_camera.unbind(-1), nearest)
    in_view = ahead & (x > frustum.x_min) & (x < frustum.x_max)
    weight = chance * (in_view & (y > frustum.y_min) & (y < frustum.y_max))
    R_camera_map = T_camera_map[:, :3, :3]
    return Prediction(xy, weight, in_camera, seen, R_camera_map, nearest, frustum.chart)


def predict(
    model: MapModel, T_map_camera: Tensor, frustum: Frustum, most_points: int = ALL
) -> Prediction:
    """What poses (P, 4, 4) should see: the likeliest `most_points`, those out of view dropped."""
    everywhere = project(model, T_map_camera, frustum)
    most = min(most_points, everywhere.weight.shape[1])
    if is_at_hand(everywhere.weight):
        most = int((everywhere.weight > 0).sum(dim=1).max().clamp(1, most))
    weight, kept = everywhere.weight.topk(most, dim=1)
    xy, in_camera = _take(everywhere.xy, kept), _take(everywhere.in_camera, kept)
    point = everywhere.point.gather(1, kept)
    return replace(everywhere, xy=xy, weight=weight, in_camera=in_camera, point=point)


def is_at_hand(tensor: Tensor) -> bool:
    """Whether a value can be looked at without waiting for another device."""
    return tensor.device.type == "cpu"


def _on_chart(chart: Chart, in_camera: Tensor, nearest: float) -> Tensor:
    return torch.stack(chart.image(in_camera.unbind(-1), nearest), dim=-1)


def _take(values: Tensor, kept: Tensor) -> Tensor:
    return values.gather(1, kept[..., None].expand(*kept.shape, values.shape[-1]))


def explained(prediction: Prediction, frame: Frame, sigma: float) -> Tensor:
    """How much likelier than clutter each predicted point makes each keypoint.

    Returns (P, M, K): (1 - c) / c times A d_j N_ij / sum_j d_j, with N of standard deviation
    `sigma`. Summed over points and 1 added it is a keypoint's likelihood ratio, but for c.
    """
    total = prediction.weight.sum(dim=1, keepdim=True).clamp_min(1e-6)
    odds = (1 - frame.clutter) / frame.clutter * frame.frustum.area / (2 * torch.pi * sigma**2)
    level = (odds * prediction.weight / total).clamp_min(TINY).log()
    # log of the ratio, -|u - v|^2 / (2 sigma^2) + level, as one product of (u, |u|^2, 1)
    u, v = frame.xy / sigma, prediction.xy / sigma
    half_u, half_v = 0.5 * u.square().sum(dim=-1), 0.5 * v.square().sum(dim=-1)
    rows = torch.cat([u, -half_u[:, None], torch.ones_like(u[:, :1])], dim=-1)
    columns = torch.stack([*v.unbind(-1), torch.ones_like(level), level - half_v], dim=1)
    nats = rows @ columns
    if frame.crowding is not None:
        nats -= frame.crowding.log()[:, None]
    if frame.pairs is not None:
        nats += frame.pairs.T[prediction.point].transpose(1, 2)
    ratio = nats.clamp_(min=FAINTEST_LOG).exp_()
    if frame.aims is None:
        return ratio
    seen = prediction.point, prediction.in_camera, prediction.R_camera_map
    return ratio * frame.aims.likelier(*seen, prediction.chart, prediction.nearest)


def assignment(prediction: Prediction, frame: Frame, sigma: float) -> Tensor:
    """How probably each keypoint is the image of each predicted point, (P, M, K)."""
    ratio = explained(prediction, frame, sigma)
    return ratio / (1 + ratio.sum(dim=2, keepdim=True))


def log_likelihood_ratio(prediction: Prediction, frame: Frame, sigma: float) -> Tensor:
    """Log-likelihood ratio of each pose against pure clutter (P,), nats; at least 0.

    The maximum over the share of clutter: `frame.clutter` is what was expected beforehand.
    """
    return keypoint_nats(prediction, frame, sigma).sum(dim=1)


def keypoint_nats(prediction: Prediction, frame: Frame, sigma: float) -> Tensor:
    """What each keypoint adds to the log-likelihood ratio of each pose, (P, M)."""
    odds = (1 - frame.clutter) / frame.clutter
    gain = explained(prediction, frame, sigma).sum(dim=2, keepdim=True) / odds
    share = gain.new_tensor(CLUTTER_SHARES)
    nats = torch.log(share + (1 - share) * gain)
    best = nats.sum(dim=1).argmax(dim=1)
    return nats.gather(2, best[:, None, None].expand(-1, nats.shape[1], 1))[..., 0]
