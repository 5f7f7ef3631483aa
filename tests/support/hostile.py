"""Strategies of hostile text and bytes: valid files and mutations of them."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

__all__ = ["hostile"]

_INSERTED = [
    b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"\n", b",", b'"', b"'", b"<", b"]]>", b"\x1b[2J",
    b"nan", b"-inf", b"1e999", b"9" * 5000, b"[" * 3000, b"{a=" * 500, b"../../x", "地震".encode(),
    b"0001-01-01", b"9999-12-31T23:59:60Z", b"-1", b"NC.KBG", b"P", b"a" * 140_000, b"<Response>",
    b"</Response>", b"</Channel>", b"0x1", b"1_0", b"true", b" ",
]  # fmt: skip


@st.composite
def _changed(draw: st.DrawFn, sound: Sequence[bytes]) -> bytes:
    body = draw(st.sampled_from(sound))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(body)))
        end = min(len(body), at + draw(st.sampled_from([0, 0, 1, 4, 30])))
        put = draw(st.sampled_from(_INSERTED) | st.binary(max_size=4))
        body = body[:at] + put + body[end:]
    return body


def hostile(*sound: bytes) -> st.SearchStrategy[bytes]:
    """Return valid files with insertions and deletions, and arbitrary files."""
    text = st.text(max_size=200).map(lambda t: t.encode("utf-8", "surrogatepass"))
    return st.one_of(_changed(sound), _changed(sound), st.binary(max_size=200), text)
