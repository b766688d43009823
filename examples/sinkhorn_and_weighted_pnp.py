"""The two declarative layers of the paper, forwards and backwards."""

import torch

from bpnp_ros import sinkhorn, uniform_prior, weighted_pnp

torch.manual_seed(0)
p3d = torch.rand(1, 40, 3, dtype=torch.float64) * 4 + torch.tensor([-2.0, -2.0, 4.0])
p2d = p3d[..., :2] / p3d[..., 2:]  # the camera is at the origin: theta is 0
mass = uniform_prior(torch.tensor([40]), 40)

# costs: 0 where keypoint and point belong together, 0.5 to 1.5 elsewhere
cost = (1 - torch.eye(40).double()[None]) * (0.5 + torch.rand(1, 40, 40).double())
cost.requires_grad_()
plan = sinkhorn(cost, mass, mass)
true_mass = plan.detach().diagonal(0, 1, 2).sum()
print(f"{float(true_mass):.0%} of the plan's mass is on true pairs")

theta0 = torch.tensor([[0.02, -0.03, 0.01, 0.1, -0.1, 0.2]], dtype=torch.float64)
theta = weighted_pnp(plan, p2d, p3d, theta0)
(gradient,) = torch.autograd.grad(theta.square().sum(), cost)  # through both layers, implicitly
print(f"from {theta0[0].tolist()} to {[round(value, 4) for value in theta[0].tolist()]}")
print(f"gradient of the costs: norm {float(gradient.norm()):.2g}")
