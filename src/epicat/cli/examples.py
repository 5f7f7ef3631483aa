"""An example of each command, shown at the end of its help."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

__all__ = ["EXAMPLES", "add_examples"]

EXAMPLES: Final[Mapping[str, str]] = {
    "init": "epicat init mendocino.toml 2019.172 2019.182 39,41,-125,-123 --archive ncedc",
    "demo": "epicat demo first-look",
    "example": "epicat example holuhraun",
    "run": "epicat run 2019.172 2019.174 39,41,-125,-123 --archive ncedc --stations ncedc "
    "--store mendocino",
    "associate": "epicat associate 2019.172 2019.174 39,41,-125,-123 --store mendocino "
    "--run PhaseNet-original-0.3 --name strict --pyocto n_picks=12",
    "locate": "epicat locate --store mendocino --velocity gil7.csv --name gil7",
    "terms": "epicat terms --store mendocino --name terms",
    "magnitudes": "epicat magnitudes --store mendocino --name hutton-boore",
    "magnitudes laws": "epicat magnitudes laws",
    "magnitudes corrections": "epicat magnitudes corrections --store mendocino -o corrections.csv",
    "plan": "epicat plan mendocino.toml",
    "status": "epicat status --store mendocino",
    "runs": "epicat runs --store mendocino",
    "export": "epicat export --store mendocino --format quakeml -o events.xml",
    "plot": "epicat plot --store mendocino -o events.png",
    "report": "epicat report --store mendocino -o events.html",
    "view": "epicat view --store mendocino",
    "compare": "epicat compare mendocino comcat.csv --max-time 3 -o comparison.png",
    "query": 'epicat query "SELECT time, magnitude FROM catalog ORDER BY time LIMIT 5" '
    "--store mendocino",
    "compact": "epicat compact --store mendocino",
    "doctor": "epicat doctor --store mendocino --repair",
    "copy": "epicat copy --from mendocino --to s3://BUCKET/mendocino",
    "synth": "epicat synth archive --stations 12 --hours 3 --events 50",
    "submit": "epicat submit mendocino.toml --dry-run",
    "retry": "epicat retry --dry-run",
    "cancel": "epicat cancel --yes",
    "logs": "epicat logs NC.KBG/2019.172",
    "cost": "epicat cost",
    "work": "epicat work --plan s3://BUCKET/submissions/NAME/pick.units --index 3",
    "stations import": "epicat stations import stations.xml --store mendocino",
    "velocity list": "epicat velocity list",
    "velocity fit": "epicat velocity fit 2019.172 2019.173 39,41,-125,-123 --store mendocino "
    "-o velocity.csv",
    "picks import": "epicat picks import picks.csv --store mendocino --name analysts",
    "events import": "epicat events import events.xml --store mendocino --name network",
    "models list": "epicat models list",
    "models known": "epicat models known",
    "models compile": "epicat models compile PhaseNet original",
    "cloud up": "epicat cloud up --name mendocino",
    "cloud status": "epicat cloud status --name mendocino",
    "cloud down": "epicat cloud down --name mendocino",
    "cloud template": "epicat cloud template",
    "cloud policy": "epicat cloud policy submit",
    "cloud exec": "epicat cloud exec -- epicat status --store mendocino",
}
"""The example by command, without ``epicat``."""


def add_examples(command: Any, name: str) -> None:
    """Put the examples of a command or a group, and of its commands, below their help."""
    for part, child in getattr(command, "commands", {}).items():
        add_examples(child, f"{name} {part}")
    if example := EXAMPLES.get(name):
        command.epilog = f"Example: {example}"
