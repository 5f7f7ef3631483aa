r"""Fuzz the miniSEED reader, guided by coverage (atheris).

Valid records are damaged as in `faults.objects.mutations` and by atheris.  An exception or a run of
ten seconds stops the fuzzer, and the input is kept in a file.  Ten minutes, in an environment with
atheris and epicat's dependencies::

    mkdir -p corpus found
    PYTHONPATH=src:tests:. python tools/fuzz_miniseed.py corpus/ -max_total_time=600 \
        -timeout=10 -rss_limit_mb=2048 -max_len=65536 -artifact_prefix=found/

What was kept is tried again by its name: ``python tools/fuzz_miniseed.py found/crash-...``.
"""

from __future__ import annotations

import random
import sys
from contextlib import suppress
from fractions import Fraction
from functools import cache
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["epicat", "pymseed"]):
    from epicat.archive.headers import read_headers

    from epicat.miniseed import scan
    from epicat.model import Span
    from epicat.time import DAY_NS
    from epicat.waveforms.channel_selection import choose
    from epicat.waveforms.quality import QualityOptions, sound_choice
    from epicat.waveforms.records import decode
    from epicat.waveforms.segments import segments
    from epicat.waveforms.traces import merge

import numpy as np

from faults.objects.headers import sealed
from faults.objects.mutations import MUTATIONS
from support.waves import DAY, MIDNIGHT, counts, records

_DAY = Span(MIDNIGHT, MIDNIGHT + DAY_NS)
_READ = _DAY.widened(60 * 10**9)
_LIMITS = QualityOptions(max_dead_share=0.9, max_clipped_share=0.9)


def try_bytes(body: bytes) -> None:
    """Process bytes like an object of an archive, up to the picker."""
    found = scan(body)
    assert found.size <= len(body)
    with suppress(ValueError):
        assert read_headers(body)
    decoded = decode(body, "XX", "AAA", _READ)
    assert decoded.reasons or found.spans
    assert all(text.isprintable() for text in decoded.reasons + decoded.remarks)
    runs = {channel: merge(parts, channel.rate) for channel, parts in decoded.channels.items()}
    choice, _ = sound_choice(lambda left: choose(left, _DAY, {""}), runs, _DAY, _LIMITS)
    for segment in segments(choice.components, "ZNE", Fraction(100), _READ) if choice else ():
        assert np.isfinite(segment.data).all()
        segment.time_ns(segment.first, Fraction(100))


@cache
def _sound() -> list[list[bytes]]:
    return [
        records(samples, version=version, reclen=length)
        for version in (2, 3)
        for length in (128, 512)
        for samples in (counts(400), counts(400).astype(np.float32))
    ]


_MAKERS = [way.make for name, way in MUTATIONS.items() if name not in ("5,000 gaps", "many rates")]


def _mutate(body: bytes, size: int, seed: int) -> bytes:
    """Damage valid records, or mutate the input, and correct the checksum."""
    rng = random.Random(seed)  # noqa: S311 - no secret
    if rng.random() < 0.3:
        return rng.choice(_MAKERS)(rng, rng.choice(_sound()))[:size]
    changed: bytes = atheris.Mutate(body, size)
    return sealed(changed)[:size] if rng.random() < 0.7 else changed


def main() -> None:
    """Write valid objects of the day to the corpus, and start."""
    for place in map(Path, sys.argv[1:2]):
        if place.is_dir():
            for number, sound in enumerate(_sound()):
                (place / f"sound-{DAY:%Y}-{number}").write_bytes(b"".join(sound))
    atheris.Setup(sys.argv, try_bytes, custom_mutator=_mutate)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
