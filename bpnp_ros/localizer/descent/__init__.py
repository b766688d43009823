"""From poses to better poses: Gauss-Newton on the measurement model."""
