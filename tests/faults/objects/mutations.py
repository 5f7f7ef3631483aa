"""What can be wrong with an object that ought to be miniSEED: pure functions of sound records.

Each takes a generator of random numbers and the records of a sound object, and returns bytes.
"""

from __future__ import annotations

import gzip
import json
import random
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

import numpy as np
import pymseed
from pymseed import DataEncoding

from faults.objects.headers import changed, is_3, put, records_of, renamed, sealed

__all__ = ["MUTATIONS", "Mutation", "Want"]

Sound = Sequence[bytes]
Make = Callable[[random.Random, Sound], bytes]


class Want(Enum):
    """What must become of an object, beside an entry in the ledger."""

    ANY = "read, or told why not"
    TOLD = "the ledger says what is wrong with it"
    SAME = "all picks of the sound object"
    TOLD_SAME = "the ledger says what is wrong with it, and all picks of the sound object"

    @property
    def told(self) -> bool:
        """Whether the ledger must give a reason."""
        return self in (Want.TOLD, Want.TOLD_SAME)

    @property
    def same(self) -> bool:
        """Whether all picks of the sound object must be there, and no others."""
        return self in (Want.SAME, Want.TOLD_SAME)


@dataclass(frozen=True, slots=True)
class Mutation:
    """One way in which objects are bad."""

    make: Make
    """Makes a bad object of sound records."""
    want: Want = Want.ANY
    """What must become of it."""


def _each(change: Callable[[random.Random, bytes], bytes]) -> Make:
    """Change one record, some, or all of them."""

    def make(rng: random.Random, sound: Sound) -> bytes:
        share = rng.choice([0.0, 0.2, 1.0])
        one = rng.randrange(len(sound))
        return b"".join(
            change(rng, record) if at == one or rng.random() < share else record
            for at, record in enumerate(sound)
        )

    return make


def _all(change: Callable[[random.Random, bytes], bytes]) -> Make:
    return lambda rng, sound: b"".join(change(rng, record) for record in sound)


# Bytes.


def _truncated(rng: random.Random, sound: Sound) -> bytes:
    kept = rng.randrange(len(sound))
    return b"".join(sound[:kept]) + sound[kept][: rng.randrange(1, len(sound[kept]))]


def _beheaded(rng: random.Random, sound: Sound) -> bytes:
    return b"".join(sound)[rng.randrange(1, len(sound[0])) :]


def _flipped(rng: random.Random, body: bytes, stop: int) -> bytes:
    bits = bytearray(body)
    for _ in range(rng.choice([1, 1, 2, 8, 50])):
        bits[rng.randrange(stop)] ^= 1 << rng.randrange(8)
    return bytes(bits)


def _flipped_bits(rng: random.Random, sound: Sound) -> bytes:
    body = b"".join(sound)
    return _flipped(rng, body, len(body))


def _flipped_header(rng: random.Random, record: bytes) -> bytes:
    bad = _flipped(rng, record, 64)
    return sealed(bad) if rng.random() < 0.7 else bad


def _absurd_header(rng: random.Random, record: bytes) -> bytes:
    """Keep what says that a record begins here, and fill the rest of the header with noise."""
    if is_3(record):
        noise = bytearray(rng.randbytes(37))
        noise[9:12] = bytes([rng.randrange(24), rng.randrange(60), rng.randrange(60)])
        return sealed(record[:3] + bytes(noise) + record[40:])
    noise = bytearray(rng.randbytes(40))
    noise[16:19] = bytes([rng.randrange(24), rng.randrange(60), rng.randrange(60)])
    return record[:8] + bytes(noise) + record[48:]


def _with_garbage(rng: random.Random, sound: Sound) -> bytes:
    at = rng.randrange(len(sound) + 1)
    garbage = rng.choice([b"x", bytes(64), b"\xff" * 700, b"000001D " * 20, b"MS\x03" * 50, _HTML])
    return b"".join([*sound[:at], garbage, *sound[at:]])


def _other_type(rng: random.Random, sound: Sound) -> bytes:
    body = b"".join(sound)
    return rng.choice(
        [
            b"404 Not Found\n",
            _HTML,
            gzip.compress(body),
            _XML * 40,
            _PNG + body[:200],
            b"time,counts\n" + b"2020-01-01T00:00:00Z,17\n" * 500,
            json.dumps({"error": "no data"}).encode(),
            b"PK\x03\x04" + body[:90],
            b"PAR1" + rng.randbytes(300) + b"PAR1",
            body.hex().encode(),
            "Häß™\n".encode("utf-16"),
            rng.randbytes(rng.choice([1, 40, 512, 5000])),
            bytes(len(body)),
            b"\xff" * len(body),
            b"000001D " * 5000,
            b"MS\x03" * 9000,
        ]
    )


_HTML: Final = b"<!DOCTYPE html><html><body><h1>503 Slow Down</h1></body></html>\n" * 20
_XML: Final = b'<?xml version="1.0"?><Error><Code>NoSuchKey</Code></Error>'
_PNG: Final = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"


# Order, repetition, and who speaks.


def _shuffled(rng: random.Random, sound: Sound) -> bytes:
    return b"".join(rng.sample(sound, len(sound)))


def _doubled(rng: random.Random, sound: Sound) -> bytes:
    return b"".join([*sound, *rng.sample(sound, rng.randrange(1, len(sound) + 1))])


def _repeated(rng: random.Random, sound: Sound) -> bytes:
    return b"".join(sound) * rng.choice([2, 30])


def _overlapping(rng: random.Random, record: bytes) -> bytes:
    """Copy a record, the copy some samples late: two truths about one time."""
    late = changed(record, fraction=rng.randrange(10_000), second=rng.randrange(60))
    return rng.choice([record + late, late + record])


_CODES: Final[Mapping[str, Sequence[str]]] = {
    "network": ("YY", "", "../", "é", "\0\0"),
    "station": ("WRONG", "", "..", "Å\u0000", "a/b", "*"),
    "channel": ("HHN", "hhz", "H Z", "", "Zzz", "é1", "LOG", "BDF"),
    "location": ("99", "--", "ü", "*", "?"),
}


def _other_codes(what: str) -> Callable[[random.Random, bytes], bytes]:
    return lambda rng, record: renamed(record, **{what: rng.choice(_CODES[what])})


def _other_name(rng: random.Random, record: bytes) -> bytes:
    """Put any text in the place of a miniSEED 3 record's name."""
    if not is_3(record):
        return record[:8] + rng.randbytes(12) + record[20:]
    names = (
        "",
        "XFDSN:XX",
        "FDSN:",
        "FDSN:" + "_" * 40,
        "日本語" * 20,
        "\0",
        "A" * 255,
        "FDSN:XX_A",
    )
    name = rng.choice(names).encode()
    return sealed(put(record[:40], name=len(name)) + name + record[40 + record[33] :])


# Header fields.


def _time(rng: random.Random, record: bytes) -> bytes:
    wrong: Sequence[dict[str, int]] = (
        {"year": 2018}, {"year": 1900}, {"year": 2500}, {"year": 0}, {"year": 1}, {"year": 65535},
        {"day": 0}, {"day": 367}, {"day": 65535}, {"hour": 23, "minute": 59, "second": 60},
        {"hour": 24}, {"minute": 60}, {"second": 255}, {"fraction": 65535},
        {"year": 2262, "day": 102}, {"year": 1677, "day": 264},
    )  # fmt: skip
    return changed(record, **rng.choice(wrong))


def _two_years_old(rng: random.Random, record: bytes) -> bytes:
    del rng
    return changed(record, year=2018)


def _rate(rng: random.Random, record: bytes) -> bytes:
    number = rng.choice(
        [0.0, -0.0, 1e9, -1e9, np.nan, np.inf, -np.inf, 1e-300, 1e300, 9.99, 20001.0]
    )
    factor, multiplier = rng.choice(
        [(0, 0), (32767, 32767), (-32768, 1), (1, -32768), (-32768, -32768), (0, 1), (30000, 1)]
    )
    return changed(record, rate=number, factor=factor, multiplier=multiplier)


def _odd_rate(rng: random.Random, record: bytes) -> bytes:
    """Claim a rate that can be, but is not this one."""
    return changed(
        record, rate=rng.uniform(10, 20_000), factor=rng.randrange(10, 20_000), multiplier=1
    )


def _claims(rng: random.Random, record: bytes) -> bytes:
    """Claim more bytes or samples than there are: up to gigabytes."""
    claim: Sequence[dict[str, int]] = (
        {"length": 255 if not is_3(record) else 0xFFFFFFFF},
        {"length": rng.randrange(256) if not is_3(record) else rng.randrange(2**32)},
        {"samples": 65535 if not is_3(record) else 0xFFFFFFFF},
        {"samples": 65535 if not is_3(record) else 0x7FFFFFFF},
        {"data": 65535, "extra": 65535},
        {"data": 1, "extra": rng.randrange(65536)},
    )
    return changed(record, **rng.choice(claim))


def _encoding(rng: random.Random, record: bytes) -> bytes:
    now = record[15] if is_3(record) else record[52]
    others = [0, 1, 2, 3, 4, 5, 10, 11, 12, 13, 14, 15, 16, 19, 30, 31, 32, 33, 99, 100, 255]
    return changed(record, encoding=rng.choice([e for e in others if e != now]))


def _other_order(rng: random.Random, record: bytes) -> bytes:
    """Read the header, or say that the samples are to be read, the wrong way round."""
    if is_3(record):
        swapped = struct.pack(">IHH", *struct.unpack("<IHH", record[4:12]))
        return sealed(record[:4] + swapped + record[12:])
    if rng.random() < 0.5:
        return put(record, order=1 - min(record[53], 1))
    fields = struct.unpack(">HHBBBBHHhhBBBBiHH", record[20:48])
    return record[:20] + struct.pack("<HHBBBBHHhhBBBBiHH", *fields) + record[48:]


def _blockettes(rng: random.Random, record: bytes) -> bytes:
    """Let the chain of blockettes lead in circles, backwards or out of the record."""
    if is_3(record):
        return changed(record, extra=rng.choice([1, 255, 65535]))
    where: Sequence[dict[str, int]] = (
        {"next": 48}, {"next": 20}, {"next": 65535}, {"next": 511}, {"next": 49},
        {"blockette": 0}, {"blockette": 46}, {"blockette": 65535}, {"blockette": len(record) - 4},
    )  # fmt: skip
    bad = put(record, **rng.choice(where))
    if rng.random() < 0.5:  # a blockette whose own length is absurd, and that calls itself
        opaque = struct.pack(">HHHHHH", 2000, 56, rng.choice([0, 1, 65535]), 65535, 0, 0)
        bad = put(bad[:56] + opaque + bad[56 + len(opaque) :], next=56, blockette=48)
    return bad


def _extra_headers(rng: random.Random, record: bytes) -> bytes:
    """Give a miniSEED 3 record extra headers that are no JSON, or far too much of it."""
    if not is_3(record):
        return record
    extra = rng.choice(
        [b"[" * 60_000, b'{"FDSN":', b"\0" * 300, b"{}" * 9, b'{"a":1e999}', b"\xff"]
    )
    begin = 40 + record[33]
    old = struct.unpack("<H", record[34:36])[0]
    return sealed(put(record[:begin], extra=len(extra)) + extra + record[begin + old :])


# Samples.


def _frames(rng: random.Random, record: bytes) -> bytes:
    """Damage what begins the compressed samples: the nibbles and the constants of integration."""
    begin = 40 + record[33] if is_3(record) else int.from_bytes(record[44:46], "big")
    bad = bytearray(record)
    for at in rng.choice([(4, 8), (8, 12), (0, 4), (0, 64), (12, 40)]):
        bad[begin + at % 64 : begin + at % 64 + 4] = rng.randbytes(4)
    damaged = bytes(bad[: len(record)])
    return sealed(damaged) if rng.random() < 0.8 else damaged


def _samples_of(sound: Sound) -> tuple[np.ndarray, pymseed.MS3Record]:
    found = [pymseed.MS3Record.parse(record, unpack_data=True) for record in sound]
    return np.concatenate([np.array(record.np_datasamples) for record in found]), found[0]


def _encoded(
    sound: Sound, samples: np.ndarray, encoding: DataEncoding, *, at: int = 0, size: int = 512
) -> bytes:
    """Encode samples with the name, time, rate and version of a sound object."""
    like = pymseed.MS3Record.parse(sound[0])
    kind = {"f4": "f", "f8": "d"}.get(samples.dtype.str[1:], "i")
    record = pymseed.MS3Record()
    record.sourceid, record.samprate = like.sourceid, like.samprate
    record.starttime = like.starttime + round(at * 1e9 / like.samprate)
    record.formatversion, record.reclen, record.encoding = (
        3 if is_3(sound[0]) else 2,
        size,
        encoding,
    )
    record.pubversion = 1
    wanted = {"f": np.float32, "d": np.float64, "i": np.int32}[kind]
    with record.with_datasamples(np.ascontiguousarray(samples, wanted), kind):
        return b"".join(record.generate())


def _no_numbers(rng: random.Random, sound: Sound) -> bytes:
    """Let some floating-point samples, or all, be NaN or infinite."""
    wide = rng.random() < 0.5
    samples = _samples_of(sound)[0].astype(np.float64 if wide else np.float32)
    share = rng.choice([1e-3, 0.5, 1.0])
    places = np.random.default_rng(rng.randrange(2**32)).random(len(samples)) < share
    samples[places] = rng.choice([np.nan, np.inf, -np.inf, 3e38])
    return _encoded(sound, samples, DataEncoding.FLOAT64 if wide else DataEncoding.FLOAT32)


def _constant(rng: random.Random, sound: Sound) -> bytes:
    samples = _samples_of(sound)[0].astype(np.int32)
    samples[:] = rng.choice([0, 1, -(2**31), 2**31 - 1])
    return _encoded(sound, samples, DataEncoding.INT32)


def _extremes(rng: random.Random, sound: Sound) -> bytes:
    samples = _samples_of(sound)[0].astype(np.int32)
    places = np.random.default_rng(rng.randrange(2**32)).random(len(samples)) < 0.2
    samples[places] = rng.choice([-(2**31), 2**31 - 1])
    return _encoded(sound, samples, DataEncoding.INT32)


def _mixed_encodings(rng: random.Random, sound: Sound) -> bytes:
    """Encode each record in another way; no sample changes."""
    encodings = (DataEncoding.INT32, DataEncoding.STEIM1, DataEncoding.FLOAT64, None)
    kinds = {DataEncoding.FLOAT64: np.float64}

    def one(record: bytes) -> bytes:
        chosen = rng.choice(encodings)
        if chosen is None:
            return record
        samples = _samples_of([record])[0].astype(kinds.get(chosen, np.int32))
        return _encoded([record], samples, chosen)

    return b"".join(one(record) for record in sound)


def _pieces(rng: random.Random, sound: Sound, count: int, *, rates: bool = False) -> bytes:
    """Cut the day into tiny records, each with a gap before the next."""
    like = _encoded(sound, np.arange(7, dtype=np.int32), DataEncoding.INT32, size=128)
    first = records_of(like)[0]
    found = []
    for second in range(count):
        record = put(
            first, hour=second // 3600 % 24, minute=second // 60 % 60, second=second % 60,
            fraction=0,
        )  # fmt: skip
        found.append(_odd_rate(rng, record) if rates else sealed(record))
    if rng.random() < 0.5:
        rng.shuffle(found)
    return b"".join(found)


def _gaps(rng: random.Random, sound: Sound) -> bytes:
    return _pieces(rng, sound, 5000)


def _many_rates(rng: random.Random, sound: Sound) -> bytes:
    return _pieces(rng, sound, 300, rates=True)


def _without_samples(rng: random.Random, record: bytes) -> bytes:
    del rng
    return changed(record, samples=0)


MUTATIONS: Final[Mapping[str, Mutation]] = {
    "sound": Mutation(lambda _, sound: b"".join(sound), Want.SAME),
    "truncated": Mutation(_truncated, Want.TOLD),
    "beheaded": Mutation(_beheaded, Want.TOLD),
    "empty": Mutation(lambda *_: b"", Want.TOLD),
    "bits flipped": Mutation(_flipped_bits),
    "header bits flipped": Mutation(_each(_flipped_header)),
    "absurd header": Mutation(_each(_absurd_header)),
    "garbage between": Mutation(_with_garbage, Want.TOLD_SAME),
    "wrong type": Mutation(_other_type, Want.TOLD),
    "out of order": Mutation(_shuffled, Want.SAME),
    "doubled records": Mutation(_doubled, Want.SAME),
    "repeated object": Mutation(_repeated, Want.SAME),
    "overlapping records": Mutation(_each(_overlapping)),
    "wrong network": Mutation(_all(_other_codes("network")), Want.TOLD),
    "wrong station": Mutation(_all(_other_codes("station")), Want.TOLD),
    "wrong channel": Mutation(_each(_other_codes("channel"))),
    "wrong location": Mutation(_each(_other_codes("location"))),
    "no code": Mutation(_each(_other_name)),
    "two years old": Mutation(_all(_two_years_old), Want.TOLD),
    "wrong time": Mutation(_each(_time)),
    "absurd rate": Mutation(_all(_rate), Want.TOLD),
    "mixed rates": Mutation(_each(_odd_rate)),
    "many rates": Mutation(_many_rates),
    "claims gigabytes": Mutation(_each(_claims)),
    "unknown encoding": Mutation(_each(_encoding)),
    "wrong byte order": Mutation(_each(_other_order)),
    "blockettes in circles": Mutation(_each(_blockettes)),
    "absurd extra headers": Mutation(_each(_extra_headers)),
    "damaged frames": Mutation(_each(_frames)),
    "NaN and infinity": Mutation(_no_numbers),
    "constant": Mutation(_constant),
    "largest integers": Mutation(_extremes),
    "mixed encodings": Mutation(_mixed_encodings, Want.SAME),
    "5,000 gaps": Mutation(_gaps),
    "no samples": Mutation(_each(_without_samples)),
}
"""Every way in which objects are bad, by name."""
