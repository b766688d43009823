"""Write down the parameters: config/localization.yaml, and the tables of docs/interface.md.

python -m bpnp_ros.runtime.reference, in a checkout, after a parameter has changed.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from bpnp_ros.configuration.parameter import Parameter, parameters_of
from bpnp_ros.configuration.parameters import (
    DetectorConfig,
    KeypointConfig,
    LocalizationSettings,
    LocalizerConfig,
    PointMapServerSettings,
)

NODES = {
    "localization": (LocalizationSettings, KeypointConfig, LocalizerConfig),
    "point_map_server": (PointMapServerSettings,),
    "keypoint_detector": (DetectorConfig,),
}
YAML = Path("config/localization.yaml")
DOCUMENT = Path("docs/interface.md")

_HEAD = """\
# Every parameter of the localization node with its default, and its unit in brackets.
# Written by python -m bpnp_ros.runtime.reference from the descriptions in the code.
/**:  # whatever the node is called
  ros__parameters:  # changed values may stay alone in a file of your own
"""


def yaml_text() -> str:
    """The contents of config/localization.yaml: what users change first, the rest after it."""
    ours = list(parameters_of(*NODES["localization"]))
    lines = [_HEAD.rstrip()]
    lines += [_yaml_line(parameter) for parameter in ours if not parameter.advanced]
    lines += ["", "    # Advanced: the defaults are meant to do for every map"]
    lines += [_yaml_line(parameter) for parameter in ours if parameter.advanced]
    return "\n".join(lines) + "\n"


def _yaml_line(parameter: Parameter) -> str:
    unit = f"[{parameter.unit}] " if parameter.unit else ""
    allowed = f" ({_allowed(parameter)})" if _allowed(parameter) else ""
    value = json.dumps(parameter.default)
    return f"    {parameter.name}: {value}  # {unit}{parameter.description}{allowed}"


def _allowed(parameter: Parameter) -> str:
    notes = []
    if parameter.range is not None:
        notes.append(" to ".join(f"{limit:.10g}" for limit in parameter.range))
    if parameter.choices:
        notes.append(", ".join(parameter.choices))
    if parameter.tunable:
        notes.append("at any time")
    if parameter.read_only:
        notes.append("read-only")
    return "; ".join(notes)


def tables(parameters: Sequence[Parameter]) -> str:
    """Parameters as Markdown tables: those for users, and the advanced ones."""
    users = [p for p in parameters if not p.advanced]
    others = [p for p in parameters if p.advanced]
    text = _table(users) if users else ""
    return f"{text}\n\nAdvanced:\n\n{_table(others)}".strip() if others else text


def _table(parameters: Sequence[Parameter]) -> str:
    rows = ["| parameter | default | unit | allowed | meaning |", "|---|---|---|---|---|"]
    for p in parameters:
        value = json.dumps(p.default)
        rows.append(f"| `{p.name}` | `{value}` | {p.unit} | {_allowed(p)} | {p.description} |")
    return "\n".join(rows)


def document_text(text: str) -> str:
    """docs/interface.md with its tables renewed."""
    for node, configurations in NODES.items():
        begin, end = f"<!-- parameters of {node} -->\n", f"<!-- end of {node} -->"
        head, rest = text.split(begin)
        renewed = tables(list(parameters_of(*configurations)))
        text = head + begin + renewed + "\n" + end + rest.split(end)[1]
    return text


if __name__ == "__main__":
    YAML.write_text(yaml_text())
    DOCUMENT.write_text(document_text(DOCUMENT.read_text()))
