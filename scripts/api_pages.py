"""Build the pages of the public API from its docstrings: python scripts/api_pages.py FOLDER."""

from __future__ import annotations

import sys
from pathlib import Path

import pdoc
from pdoc.render import configure

import bpnp_ros


def main(folder: Path) -> None:
    """Write `folder`/bpnp_ros.html, with every public name on one page."""
    for name in bpnp_ros.__all__:
        getattr(bpnp_ros, name)  # pdoc shows what has been imported
    configure(docformat="markdown", footer_text=f"bpnp_ros {bpnp_ros.__version__}")
    module = pdoc.doc.Module(bpnp_ros)
    pages = {"bpnp_ros": module}
    page = pdoc.render.html_module(module, pages)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "bpnp_ros.html").write_text(page)
    print(folder / "bpnp_ros.html")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
