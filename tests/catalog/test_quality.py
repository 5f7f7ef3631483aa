"""Events of some quality classes."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa
import pytest

from epicat.catalog.quality import check_classes, of_quality, parts_of_quality
from epicat.errors import InputError
from support.located_catalog import locate_rows
from support.tiny_catalog import many


def test_events_of_the_classes_are_kept_and_those_without_a_location_are_not() -> None:
    part = many(5)
    origins, _ = locate_rows(part.events.slice(0, 4), part.arrivals.slice(0, 0))
    classes = pa.array(["A", "B", "C", "A"], origins.schema.field("quality").type)
    origins = origins.set_column(origins.column_names.index("quality"), "quality", classes)
    whole = replace(part, origins=origins)
    for wanted, numbers in (("A", [0, 3]), ("BC", [1, 2]), ("ABCD", [0, 1, 2, 3]), ("D", [])):
        (found,) = parts_of_quality([whole], wanted)
        expected = part.events["event_id"].take(pa.array(numbers, pa.int64())).to_pylist()
        assert found.events["event_id"].to_pylist() == expected
        assert of_quality(origins, wanted).num_rows == len(numbers)


@pytest.mark.parametrize("wanted", ["", "E", "AX", "ab", "A,B"])
def test_other_classes_are_refused(wanted: str) -> None:
    with pytest.raises(InputError, match="quality classes"):
        check_classes(wanted)
