"""The perspective-three-point problem for large batches: up to four poses for three pairs.

The classical elimination to a quartic in the ratio of two distances (Grunert 1841, as reviewed by
Haralick et al., IJCV 1994), solved in closed form (Ferrari) and made exact by Newton's method.
"""

from __future__ import annotations

import torch
from torch import Tensor

from bpnp_ros.geometry.transform import make_transform

SOLUTIONS = 4
ROUNDS = 60  # of the iteration for roots


def p3p(bearings: Tensor, points: Tensor) -> tuple[Tensor, Tensor]:
    """T_map_camera (K, 4, 4) from unit bearings (H, 3, 3) and points (H, 3, 3), rows in pairs.

    Of each problem all solutions in front of the camera are given, so K is up to 4 H; second
    comes the problem (K,) of each.
    """
    f, P = bearings.double(), points.double()
    s, good = _distances(f, P)
    row = good.nonzero()[:, 0]
    return _aligned(s[good][..., None] * f[row], P[row]).to(points), row


def all_solutions(bearings: Tensor, points: Tensor) -> tuple[Tensor, Tensor]:
    """As `p3p`, with a place for each of four solutions (H, 4, 4, 4), and which are some (H, 4):
    nobody has to know how many there are."""
    f, P = bearings.double(), points.double()
    s, good = _distances(f, P)
    in_camera = s[..., None] * f[:, None]
    poses = _aligned(in_camera.flatten(0, 1), P.repeat_interleave(SOLUTIONS, 0))
    return poses.view(*good.shape, 4, 4).to(points), good


def _distances(f: Tensor, P: Tensor) -> tuple[Tensor, Tensor]:
    """Of the three points from the camera, (H, 4, 3), and which are solutions, (H, 4)."""
    a2, b2, c2 = ((P[:, i] - P[:, j]).square().sum(-1) for i, j in ((1, 2), (0, 2), (0, 1)))
    cos_a, cos_b, cos_c = ((f[:, i] * f[:, j]).sum(-1) for i, j in ((1, 2), (0, 2), (0, 1)))
    v = _real_roots(_quartic(a2, b2, c2, cos_a, cos_b, cos_c))
    a2, b2, c2, cos_a, cos_b, cos_c = (
        x[:, None].expand_as(v) for x in (a2, b2, c2, cos_a, cos_b, cos_c)
    )
    q = (a2 - c2) / b2
    u = ((q - 1) * v * v - 2 * q * cos_b * v + 1 + q) / (2 * (cos_c - v * cos_a))
    s_0 = (b2 / (1 + v * v - 2 * v * cos_b)).sqrt()
    s = torch.stack([s_0, u * s_0, v * s_0], dim=-1)
    return s, torch.isfinite(s).all(-1) & (s > 0).all(-1)


def _quartic(
    a2: Tensor, b2: Tensor, c2: Tensor, cos_a: Tensor, cos_b: Tensor, cos_c: Tensor
) -> Tensor:
    """Coefficients (H, 5), the highest power first, for v = s_3 / s_1."""
    q, p = (a2 - c2) / b2, (a2 + c2) / b2
    A4 = (q - 1) ** 2 - 4 * c2 / b2 * cos_a**2
    A3 = 4 * (q * (1 - q) * cos_b - (1 - p) * cos_a * cos_c + 2 * c2 / b2 * cos_a**2 * cos_b)
    A2 = 2 * (
        q**2
        - 1
        + 2 * q**2 * cos_b**2
        + 2 * (b2 - c2) / b2 * cos_a**2
        - 4 * p * cos_a * cos_b * cos_c
        + 2 * (b2 - a2) / b2 * cos_c**2
    )
    A1 = 4 * (-q * (1 + q) * cos_b + 2 * a2 / b2 * cos_c**2 * cos_b - (1 - p) * cos_a * cos_c)
    A0 = (1 + q) ** 2 - 4 * a2 / b2 * cos_c**2
    return torch.stack([A4, A3, A2, A1, A0], dim=1)


def _real_roots(coefficients: Tensor) -> Tensor:
    """Roots (H, 4) of quartics; NaN where one is not real."""
    lead = coefficients[:, :1]
    monic = coefficients[:, 1:] / torch.where(
        lead.abs() < 1e-12, torch.full_like(lead, 1e-12), lead
    )
    monic = torch.nan_to_num(monic)
    if monic.is_cuda:
        roots = iterated_roots(monic)
        real = roots.imag.abs() < 1e-5 * (1 + roots.real.abs())
        return torch.where(real, roots.real, torch.full_like(roots.real, torch.nan))
    return _sharpened(monic, real_roots(monic))


def real_roots(monic: Tensor) -> Tensor:
    """Roots (H, 4) of x^4 + monic . (x^3, x^2, x, 1) in closed form; NaN where one is not real.

    Less a quarter of its first coefficient, x^4 + p x^2 + q x + r is the product of two quadratics,
    x^2 -+ s x + p/2 + m +- q/(2 s), with s^2 = 2 m and m the largest root of a cubic.
    """
    a, b, c, d = monic.T
    p, q = b - 0.375 * a * a, c - 0.5 * a * b + 0.125 * a**3
    r = d - 0.25 * a * c + a * a * b / 16 - 3 * a**4 / 256
    m = _largest_root(p, p * p / 4 - r, -q * q / 8)
    s = (2 * m).clamp_min(1e-24).sqrt()
    roots = list[Tensor]()
    for sign in (1.0, -1.0):
        rest = s * s / 4 - (p / 2 + m + sign * q / (2 * s))
        # two roots in one place are two, though rounding parts them
        root = torch.where(rest.abs() < 1e-10 * (s * s + p.abs() + m), 0.0, rest).sqrt()
        roots += [sign * s / 2 + root, sign * s / 2 - root]
    return torch.stack(roots, dim=1) - a[:, None] / 4


def _largest_root(a: Tensor, b: Tensor, c: Tensor) -> Tensor:
    """Of x^3 + a x^2 + b x + c, (H,)."""
    p, q = b - a * a / 3, 2 * a**3 / 27 - a * b / 3 + c
    inside = (q / 2).square() + (p / 3) ** 3
    root = inside.clamp_min(0).sqrt()
    # of the two sums the one that does not cancel
    cube = -q / 2 - torch.where(q > 0, root, -root)
    u = cube.sign() * cube.abs().pow(1 / 3)
    one = u - p / (3 * torch.where(u == 0, torch.full_like(u, 1e-300), u))
    radius = (-p / 3).clamp_min(1e-300).sqrt()
    angle = (-q / (2 * radius**3)).clamp(-1, 1).acos() / 3
    return torch.where(inside > 0, one, 2 * radius * angle.cos()) - a / 3


def _sharpened(monic: Tensor, roots: Tensor) -> Tensor:
    """Roots (H, 4) after two steps of Newton's method."""
    a, b, c, d = monic[:, :, None].unbind(1)
    for _ in range(2):
        value = (((roots + a) * roots + b) * roots + c) * roots + d
        slope = ((4 * roots + 3 * a) * roots + 2 * b) * roots + c
        step = value / slope
        roots = torch.where(step.abs() < 0.01 * (1 + roots.abs()), roots - step, roots)
    return roots


def iterated_roots(monic: Tensor) -> Tensor:
    """All roots (H, 4), complex, of x^4 + monic . (x^3, x^2, x, 1) by the iteration of Durand and
    Kerner, which waits for nobody on a GPU."""
    size = monic.abs().pow(1 / torch.arange(1, 5).to(monic)).amax(dim=1, keepdim=True)
    z = size * torch.polar(torch.ones(4), 0.4 + torch.pi / 2 * torch.arange(4)).to(monic.device)
    others = ~torch.eye(4, dtype=torch.bool, device=monic.device)
    for _ in range(ROUNDS):
        value = torch.ones_like(z)
        for coefficient in monic.split(1, dim=1):
            value = value * z + coefficient
        apart = (z[:, :, None] - z[:, None]).where(others, 1.0).prod(dim=2)
        z = z - torch.where(value == 0, value, value / apart)
    return z


def _aligned(in_camera: Tensor, points: Tensor) -> Tensor:
    """T_map_camera (K, 4, 4) that carries triangles (K, 3, 3) onto congruent ones."""
    camera, world = _axes(in_camera), _axes(points)
    R = world @ camera.transpose(1, 2)
    t = points[:, 0] - (R @ in_camera[:, 0, :, None])[..., 0]
    return make_transform(R, t)


def _axes(corners: Tensor) -> Tensor:
    """Right-handed axes, as columns, fixed to triangles (K, 3, 3)."""
    x = torch.nn.functional.normalize(corners[:, 1] - corners[:, 0], dim=-1)
    z = torch.linalg.cross(x, corners[:, 2] - corners[:, 0])
    z = torch.nn.functional.normalize(z, dim=-1)
    return torch.stack([x, torch.linalg.cross(z, x), z], dim=-1)
