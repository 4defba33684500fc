"""Views that pick frames, put stacks end to end, and take fields out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import basic_indices

from napari_emd_flatfield.lazy import (
    AdaptedArray,
    ConcatenatedArray,
    FieldArray,
    PickedArray,
)

STACK = np.arange(12 * 3 * 4, dtype=np.int32).reshape(12, 3, 4)


class Counted:
    """An array that counts how often it is read."""

    shape, dtype, ndim = STACK.shape, STACK.dtype, STACK.ndim

    def __init__(self):
        self.reads = []

    def __getitem__(self, key):
        self.reads.append((key[0].start, key[0].stop))
        return STACK[key]


@given(numbers=st.sets(st.integers(0, 11), min_size=1).map(sorted), data=st.data())
def test_picked_frames_index_as_numpy_does(numbers, data):
    expected = STACK[numbers]
    key = data.draw(basic_indices(expected.shape, allow_ellipsis=True))
    picked = PickedArray(AdaptedArray(STACK), numbers)

    np.testing.assert_array_equal(picked[key], expected[key])


def test_neighbours_are_picked_with_one_read():
    source = Counted()
    picked = PickedArray(AdaptedArray(source), [0, 1, 2, 5, 6, 9])

    np.testing.assert_array_equal(picked[...], STACK[[0, 1, 2, 5, 6, 9]])

    assert source.reads == [(0, 3), (5, 7), (9, 10)]


@given(lengths=st.lists(st.integers(1, 5), min_size=1, max_size=4), data=st.data())
def test_stacks_end_to_end_index_as_numpy_does(lengths, data):
    starts = np.cumsum([0, *lengths[:-1]])
    parts = [
        np.arange(n * 6, dtype=np.int16).reshape(n, 2, 3) + 100 * start
        for n, start in zip(lengths, starts, strict=True)
    ]
    expected = np.concatenate(parts)
    key = data.draw(basic_indices(expected.shape, allow_ellipsis=True))
    stack = ConcatenatedArray([AdaptedArray(part) for part in parts])

    np.testing.assert_array_equal(stack[key], expected[key])


def test_only_the_stacks_asked_for_are_read():
    sources = [Counted(), Counted(), Counted()]
    stack = ConcatenatedArray([AdaptedArray(source) for source in sources])

    np.testing.assert_array_equal(stack[13], STACK[1])

    assert [len(source.reads) for source in sources] == [0, 1, 0]


@pytest.mark.parametrize("shape", [(), (2, 2)], ids=["scalars", "arrays"])
@given(data=st.data())
def test_a_field_indexes_as_numpy_does(shape, data):
    table = np.zeros((3, 4), [("a", "u1"), ("b", "f4", shape)])
    table["b"] = np.arange(table["b"].size).reshape(table["b"].shape)
    field = FieldArray(AdaptedArray(table), "b")
    key = data.draw(basic_indices(table["b"].shape, allow_ellipsis=True))

    assert field.dtype == np.float32
    np.testing.assert_array_equal(field[key], table["b"][key])
