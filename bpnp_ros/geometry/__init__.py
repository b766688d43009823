"""Rotations, rigid transforms and cameras; one convention.

`T_map_camera` maps camera points into the map. The paper's pose vector `theta` = (angle-axis r, t)
is world-to-camera: p_camera = R(r) p_map + t. Both meet in `transform.py` and nowhere else.
"""
