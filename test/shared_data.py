"""Real data, too large to be committed; the tests that ask for it are skipped without."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

SHARED = Path(os.environ.get("BPNP_SHARED_DATA", Path(__file__).parents[2] / "shared" / "data"))

needs_shared_data = pytest.mark.skipif(
    not SHARED.is_dir(), reason="BPNP_SHARED_DATA does not lead to the shared data"
)
