"""The paper's network on two sets: keypoints and points in, matches and a pose out."""

import numpy as np
import torch

from bpnp_ros import any_map_weights, canonical_frame, initial_poses, load_bpnpnet

rng = np.random.default_rng(0)
points = rng.uniform([-2, -1.5, 4], [2, 1.5, 8], (64, 3))  # in the camera's own frame: pose is 0
xy = rng.permutation(points[:, :2] / points[:, 2:])  # on the z = 1 plane; which is which is lost

network = load_bpnpnet(any_map_weights())
origin, unit = canonical_frame(points)
p2d = torch.from_numpy(xy).float()[None]
p3d = torch.from_numpy((points - origin) / unit).float()[None]
counts = torch.tensor([64]), torch.tensor([64])

with torch.no_grad():
    matching = network(p2d, p3d, *counts)
theta, found = initial_poses(matching.P, p2d, p3d, *counts)  # world to camera, RANSAC

likely = matching.P[0].argmax(dim=1)
right = np.linalg.norm(points[likely, :2] / points[likely, 2:] - xy, axis=1) < 1e-6
print(f"{right.sum()} of 64 keypoints have their own point as likeliest match")
print(f"pose found: {bool(found)}; translation {theta[0, 3:].numpy() * unit}, truth {origin}")
