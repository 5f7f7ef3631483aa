"""The page as HTML: the frame, its content security policy, and data inside a report."""

from __future__ import annotations

import base64
import gzip
import hashlib
from collections.abc import Mapping
from html import escape
from importlib.resources import files
from typing import Any

from epicat.viewer.page_data import json_bytes

__all__ = ["harmless_json", "report_page", "static_file"]

_STATIC = ("page.js", "page.css", "THIRD_PARTY.txt")
_GENERIC = "default-src 'none'; base-uri 'none'; form-action 'none'"


def static_file(name: str) -> bytes:
    """Return a file of ``static``; raise `KeyError` for another name."""
    if name not in _STATIC:
        raise KeyError(name)
    return (files("epicat.viewer") / "static" / name).read_bytes()


def report_page(config: Mapping[str, Any], data: Mapping[str, bytes], picture: str) -> str:
    """Return a page that needs nothing but itself.

    ``data`` are its files by name; ``picture`` is an SVG element for readers without scripts.  The
    policy allows only this script and style, and no connection at all, except for map tiles.
    """
    script, style = static_file("page.js").decode(), static_file("page.css").decode()
    policy = (
        f"{_GENERIC}; script-src '{_hash(script)}'; style-src '{_hash(style)}'; "
        f"worker-src blob:; child-src blob:; img-src data: blob:{_tiles(config)}"
    )
    title = escape(str(config["title"]))
    blocks = "\n".join(
        f'<script type="application/gzip" id="data-{name}">{_packed(content)}</script>'
        for name, content in data.items()
    )
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<link rel="icon" href="data:,">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{title}</title>\n<style>{style}</style>\n</head>\n<body>\n"
        f'<div id="page"><p class="loading">{title}</p></div>\n'
        f"<noscript><h1>{title}</h1>{picture}<p>This picture is static: the report's map, list "
        "and filters need JavaScript.</p></noscript>\n"
        f'<script type="application/json" id="config">{harmless_json(config)}</script>\n'
        f"{blocks}\n<script>{script}</script>\n</body>\n</html>\n"
    )


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _tiles(config: Mapping[str, Any]) -> str:
    """Return the origin of map tiles, if the user asked for some."""
    tiles = str(config.get("tiles") or "")
    return f" {'/'.join(tiles.split('/')[:3])}" if tiles else ""


def _packed(content: bytes) -> str:
    return base64.b64encode(gzip.compress(content, 9, mtime=0)).decode()


def harmless_json(config: Mapping[str, Any]) -> str:
    """Return JSON that cannot end the element it stands in."""
    text = json_bytes(dict(config)).decode()
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
