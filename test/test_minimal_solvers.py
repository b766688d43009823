"""Minimal solvers give back the pose that their points were seen from."""

from __future__ import annotations

import torch

from bpnp_ros.geometry.rotation import matrix_from_quaternion
from bpnp_ros.geometry.transform import invert, make_transform, transform_points
from bpnp_ros.pnp.p3p import all_solutions, iterated_roots, p3p, real_roots
from bpnp_ros.pnp.upright import about_z, upright_two_points


def seen(T_map_camera: torch.Tensor, points: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.normalize(transform_points(invert(T_map_camera), points), dim=-1)


def test_two_points_and_up_give_the_pose() -> None:
    generator = torch.Generator().manual_seed(0)
    angle = torch.rand(500, generator=generator).double() * 6.28
    position = torch.randn(500, 3, generator=generator).double()
    true = make_transform(about_z(angle), position)
    points = torch.randn(500, 2, 3, generator=generator).double() * 3
    f = seen(true, points)
    found, good = upright_two_points(f[:, 0], f[:, 1], points[:, 0], points[:, 1])
    apart = torch.where(good, (found - true).abs().flatten(2).amax(dim=2), torch.inf)
    steep = f[:, :, 2].abs().amax(dim=1) > 0.05
    assert (apart.amin(dim=0)[steep] < 1e-6).all()


def test_points_at_one_height_are_no_special_case() -> None:
    true = make_transform(about_z(torch.tensor([1.0])), torch.tensor([[2.0, -1.0, 0.5]]))
    points = torch.tensor([[[0.0, 0.0, 3.0], [4.0, 1.0, 3.0]]])
    f = seen(true, points)
    found, good = upright_two_points(f[:, 0], f[:, 1], points[:, 0], points[:, 1])
    assert (found - true)[good].abs().flatten(1).amax(dim=1).min() < 1e-4


def test_three_points_give_the_pose_among_at_most_four() -> None:
    generator = torch.Generator().manual_seed(1)
    R = matrix_from_quaternion(torch.randn(200, 4, generator=generator).double())
    true = make_transform(R, torch.randn(200, 3, generator=generator).double())
    in_camera = torch.randn(200, 3, 3, generator=generator).double() + torch.tensor([0, 0, 5.0])
    points = transform_points(true, in_camera)
    bearings = torch.nn.functional.normalize(in_camera, dim=-1)
    missed = 0
    for row in range(200):
        found, _ = p3p(bearings[row][None], points[row][None])
        assert len(found) <= 4
        assert ((seen(found, points[row]) * bearings[row]).sum(dim=-1) > 0.99).all()
        missed += not len(found) or float((found - true[row]).abs().amax(dim=(1, 2)).min()) > 1e-5
    assert missed <= 2


def companion_roots(monic: torch.Tensor) -> torch.Tensor:
    """All roots (H, 4) of x^4 + monic . (x^3, x^2, x, 1), as eigenvalues."""
    companion = torch.diag(torch.ones(3, dtype=monic.dtype), -1).repeat(len(monic), 1, 1)
    companion[:, 0] = -monic
    return torch.linalg.eigvals(companion)


def some_quartics() -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    monic = 10 ** torch.linspace(-2, 2, 400)[:, None] * torch.randn(400, 4, generator=generator)
    return monic.double()


def test_the_roots_found_by_iteration_are_the_eigenvalues() -> None:
    found, expected = iterated_roots(some_quartics()), companion_roots(some_quartics())
    apart = (found[:, :, None] - expected[:, None]).abs()
    assert float((apart.amin(dim=2) / (1 + expected.abs())).max()) < 1e-6
    assert float((apart.amin(dim=1) / (1 + expected.abs())).max()) < 1e-6


def test_roots_in_closed_form_are_the_real_eigenvalues() -> None:
    found, expected = real_roots(some_quartics()), companion_roots(some_quartics())
    real = expected.imag.abs() < 1e-6 * (1 + expected.real.abs())
    assert torch.equal(found.isfinite().sum(dim=1), real.sum(dim=1))
    apart = (found[:, :, None] - expected.real[:, None]).abs() / (1 + expected.real.abs())[:, None]
    nearest = apart.nan_to_num(torch.inf).masked_fill(~real[:, None], torch.inf).amin(dim=2)
    assert float(nearest[found.isfinite()].max()) < 1e-4


def test_all_solutions_are_those_that_p3p_selects() -> None:
    generator = torch.Generator().manual_seed(1)
    points = torch.randn(50, 3, 3, generator=generator, dtype=torch.float64) + 4
    bearings = torch.nn.functional.normalize(
        points + 0.3 * torch.randn(50, 3, 3, generator=generator, dtype=torch.float64), dim=2
    )
    poses, good = all_solutions(bearings, points)
    selected, row = p3p(bearings, points)
    assert torch.equal(poses[good], selected) and torch.equal(good.nonzero()[:, 0], row)
    assert poses.shape == (50, 4, 4, 4) and 10 < len(selected) < 200
