"""How frames are cut to size."""

import pytest

from casparian_flow.cutting import ROWS_MAX, STREAM_BYTES_AIM, STREAM_BYTES_MAX, cut
from casparian_flow.errors import DataError

MIB = 2**20


def sizes(row_bytes, fixed=0, hint=0):
    """(rows, bytes) of each stream for rows of the given sizes; `builds` counts what was written, also in vain."""
    builds = []

    def build(start, count):
        builds.append(count)
        return bytes(sum(row_bytes[start : start + count]) + fixed)

    streams = [(count, len(stream)) for stream, count in cut(len(row_bytes), build, hint)]
    assert sum(count for count, _ in streams) == len(row_bytes)
    return streams, len(builds)


def test_no_rows_are_one_stream():
    assert sizes([])[0] == [(0, 0)]


def test_many_small_rows_go_by_number():
    streams, builds = sizes([1] * 150_000)
    assert [count for count, _ in streams] == [ROWS_MAX, ROWS_MAX, 150_000 - 2 * ROWS_MAX]
    assert builds == 3


def test_large_rows_go_by_size_and_little_is_written_twice():
    streams, builds = sizes([100_000] * 1000)
    assert all(size <= STREAM_BYTES_AIM for _, size in streams)
    assert builds <= len(streams) + 3


def test_with_a_hint_nothing_is_written_twice():
    streams, builds = sizes([100_000] * 1000, hint=100_000 * 1000)
    assert builds == len(streams) == 13


def test_a_few_huge_rows_do_not_make_the_others_go_one_by_one():
    streams, _ = sizes([60 * MIB] * 2 + [10] * 100_000)
    assert len(streams) < 30


def test_what_is_in_every_part_does_not_lead_to_single_rows():
    streams, _ = sizes([1] * 300_000, fixed=20 * MIB)
    assert len(streams) <= 6


def test_a_row_beyond_the_limit_is_refused_by_number():
    with pytest.raises(DataError, match="row 2 alone needs more than 63 MiB"):
        sizes([1, 1, STREAM_BYTES_MAX + 1, 1])
    assert sizes([1, STREAM_BYTES_MAX, 1])[0]
