"""Lazy arrays index as NumPy arrays do, whatever they are made of."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_emd_flatfield.lazy import (
    AdaptedArray,
    H5Array,
    LazyArray,
    PartArray,
    StackedArray,
    TransposedArray,
    adapt,
)

if TYPE_CHECKING:
    from collections.abc import Callable

SHAPE = (5, 4, 7)
RANDOM = np.random.default_rng(0)
COUNTS = RANDOM.integers(0, 60_000, SHAPE).astype("u2")
BIG_ENDIAN = RANDOM.normal(size=SHAPE).astype(">f4")
WAVE = (RANDOM.normal(size=SHAPE) + 1j * RANDOM.normal(size=SHAPE)).astype("c8")

KINDS: dict[str, tuple[Callable[[Callable[[str], H5Array]], LazyArray], np.ndarray]] = {
    "contiguous": (lambda h5: h5("contiguous"), COUNTS),
    "chunked": (lambda h5: h5("chunked"), COUNTS),
    "compressed": (lambda h5: h5("compressed"), COUNTS),
    "big-endian": (lambda h5: h5("big"), BIG_ENDIAN),
    "stacked": (lambda h5: StackedArray([h5(f"frame{i}") for i in range(5)]), COUNTS),
    "stack of stacks": (
        lambda h5: StackedArray([h5("chunked"), h5("compressed")]),
        np.stack([COUNTS, COUNTS]),
    ),
    "transposed": (
        lambda h5: TransposedArray(h5("chunked"), (2, 0, 1)),
        COUNTS.transpose(2, 0, 1),
    ),
    "transposed twice": (
        lambda h5: h5("compressed").transpose(2, 0, 1).transpose(1, 2, 0),
        COUNTS.transpose(2, 0, 1).transpose(1, 2, 0),
    ),
    "reversed": (lambda h5: h5("contiguous").transpose(), COUNTS.T),
    "modulus": (lambda h5: PartArray(h5("wave")), np.abs(WAVE)),
    "phase": (lambda h5: PartArray(h5("wave"), "phase"), np.angle(WAVE)),
    "real": (lambda h5: PartArray(h5("wave"), "real"), WAVE.real),
    "imaginary": (lambda h5: PartArray(h5("wave"), "imaginary"), WAVE.imag),
    "part of a stack, turned": (
        lambda h5: PartArray(StackedArray([h5("wave")] * 2)).transpose(3, 0, 2, 1),
        np.abs(np.stack([WAVE] * 2)).transpose(3, 0, 2, 1),
    ),
    "numpy": (lambda _h5: AdaptedArray(COUNTS), COUNTS),
    "adapted and stacked": (
        lambda h5: StackedArray([adapt(COUNTS), h5("chunked")]).transpose(1, 0, 3, 2),
        np.stack([COUNTS, COUNTS]).transpose(1, 0, 3, 2),
    ),
    "one-dimensional": (lambda h5: h5("line"), COUNTS[0, 0]),
    "scalar": (lambda h5: h5("scalar"), COUNTS[0, 0, 0]),
    "empty": (lambda h5: h5("empty"), COUNTS[:0]),
}


@pytest.fixture(scope="module")
def h5(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], H5Array]:
    path = tmp_path_factory.mktemp("lazy") / "x.h5"
    with h5py.File(path, "w") as file:
        file["contiguous"] = COUNTS
        file.create_dataset("chunked", data=COUNTS, chunks=(2, 3, 4))
        file.create_dataset(
            "compressed",
            data=COUNTS,
            chunks=(1, 4, 7),
            compression="gzip",
            shuffle=True,
        )
        file["big"], file["wave"] = BIG_ENDIAN, WAVE
        for i, frame in enumerate(COUNTS):
            file[f"frame{i}"] = frame
        file["line"], file["scalar"] = COUNTS[0, 0], COUNTS[0, 0, 0]
        file["empty"] = COUNTS[:0]
    return lambda name: H5Array(path, f"/{name}")


@pytest.fixture(scope="module", params=KINDS)
def pair(
    request: pytest.FixtureRequest, h5: Callable[[str], H5Array]
) -> tuple[LazyArray, np.ndarray]:
    make, expected = KINDS[request.param]
    return make(h5), expected


def integers(size: int) -> st.SearchStrategy[Any]:
    kinds = (int, np.int64, np.int8, np.intp, np.array)
    return st.builds(
        lambda kind, value: kind(value),
        st.sampled_from(kinds),
        st.integers(-size, size - 1),
    )


def slices(size: int) -> st.SearchStrategy[slice]:
    bound = st.none() | st.integers(-2 * size - 1, 2 * size + 1)
    step = st.none() | st.integers(-size - 1, size + 1).filter(bool)
    return st.builds(slice, bound, bound, step)


@st.composite
def keys(draw: st.DrawFn, shape: tuple[int, ...]) -> Any:
    items = [draw(integers(n) | slices(n) if n else slices(n)) for n in shape]
    begin = draw(st.integers(0, len(items)))
    end = draw(st.integers(begin, len(items)))
    form = draw(st.sampled_from(["full", "short", "ellipsis", "bare"]))
    if form == "short":
        return tuple(items[:begin])
    if form == "ellipsis":
        return (*items[:begin], ..., *items[end:])
    return items[0] if form == "bare" and items else tuple(items)


@settings(max_examples=40)
@given(st.data())
def test_any_basic_index(
    pair: tuple[LazyArray, np.ndarray], data: st.DataObject
) -> None:
    lazy, expected = pair
    key = data.draw(keys(expected.shape))
    found = lazy[key]
    assert np.shape(found) == expected[key].shape
    # NumPy scalars have the byte order of the machine.
    assert np.asarray(found).dtype.newbyteorder("=") == expected.dtype.newbyteorder("=")
    np.testing.assert_array_equal(found, expected[key])


def test_whole_array(pair: tuple[LazyArray, np.ndarray]) -> None:
    lazy, expected = pair
    assert (lazy.shape, lazy.dtype, lazy.ndim, lazy.size, lazy.nbytes) == (
        *(expected.shape, expected.dtype, expected.ndim, expected.size),
        expected.nbytes,
    )
    assert len(lazy.chunks) == lazy.ndim
    np.testing.assert_array_equal(np.asarray(lazy), expected)


def test_what_was_read_is_ours_to_change(pair: tuple[LazyArray, np.ndarray]) -> None:
    lazy, expected = pair
    block = lazy[...]
    if lazy.ndim:
        block[...] = 1
    np.testing.assert_array_equal(np.asarray(lazy), expected)


@settings(max_examples=10)
@given(st.data())
def test_errors_are_those_of_numpy(
    pair: tuple[LazyArray, np.ndarray], data: st.DataObject
) -> None:
    lazy, expected = pair
    axis = data.draw(st.integers(0, expected.ndim))
    size = expected.shape[axis] if axis < expected.ndim else 1
    outside = data.draw(
        st.integers(size, 3 * size + 2) | st.integers(-3 * size - 2, -size - 1)
    )
    key = (*[slice(None)] * axis, outside)
    with pytest.raises(IndexError):
        expected[key]
    with pytest.raises(IndexError):
        lazy[key]


@pytest.mark.parametrize(
    "key",
    [
        pytest.param((0, 0, 0, 0), id="too many"),
        pytest.param((slice(None),) * 4, id="too many slices"),
        pytest.param((..., 0, ...), id="two ellipses"),
        pytest.param(1.0, id="float"),
        pytest.param("x", id="string"),
        pytest.param(None, id="newaxis"),
        pytest.param(True, id="bool"),
        pytest.param(np.True_, id="numpy bool"),
        pytest.param([0, 1], id="list"),
        pytest.param(np.array([0, 1]), id="array"),
        pytest.param(COUNTS > 5, id="mask"),
    ],
)
def test_only_basic_indexing(h5: Callable[[str], H5Array], key: Any) -> None:
    with pytest.raises(IndexError):
        h5("chunked")[key]


def test_a_step_of_zero_is_refused_as_numpy_refuses_it(
    h5: Callable[[str], H5Array],
) -> None:
    with pytest.raises(ValueError, match="zero"):
        h5("chunked")[::0]


def test_iterating_gives_frames(h5: Callable[[str], H5Array]) -> None:
    frames = list(h5("compressed"))
    assert len(frames) == len(COUNTS)
    np.testing.assert_array_equal(np.stack(frames), COUNTS)


def test_a_scalar_has_no_length(h5: Callable[[str], H5Array]) -> None:
    with pytest.raises(TypeError, match="unsized"):
        len(h5("scalar"))


def test_numpy_reads_it_to_calculate(h5: Callable[[str], H5Array]) -> None:
    half = np.full(SHAPE, 0.5, "f4")
    lazy: Any = h5("chunked")
    for product in (half * lazy, lazy * half, np.multiply(lazy, half)):
        assert isinstance(product, np.ndarray)
        np.testing.assert_array_equal(product, half * COUNTS)
    assert np.mean(h5("chunked")) == COUNTS.mean()
    assert np.median(h5("chunked")[0]) == np.median(COUNTS[0])


@pytest.mark.parametrize("axes", [(), (None,), ((2, 0, 1),), (2, 0, 1), (-1, 0, -2)])
def test_transposing_is_numpys_and_reads_nothing(
    h5: Callable[[str], H5Array], axes: Any
) -> None:
    turned = h5("chunked").transpose(*axes)
    assert isinstance(turned, LazyArray)
    np.testing.assert_array_equal(turned[...], COUNTS.transpose(*axes))


def test_numpys_functions_turn_lazily(h5: Callable[[str], H5Array]) -> None:
    for turn in (np.transpose, lambda a: np.moveaxis(a, 0, 1)):
        turned = turn(h5("chunked"))  # type: ignore[operator]
        assert isinstance(turned, LazyArray)
        np.testing.assert_array_equal(turned[...], turn(COUNTS))  # type: ignore[operator]


@pytest.mark.parametrize("axes", [(0, 1), (0, 1, 1), ((0, 1, 2, 3),), (0, 1, 3.5)])
def test_transposing_by_what_are_not_the_axes_is_refused(
    h5: Callable[[str], H5Array], axes: Any
) -> None:
    with pytest.raises(TypeError):
        h5("chunked").transpose(*axes)


def test_arrays_that_were_stepped_through_can_be_pickled(
    h5: Callable[[str], H5Array],
) -> None:
    for array in (h5("compressed").transpose(), StackedArray([h5("compressed")] * 4)):
        for index in range(4):
            array[index]
        np.testing.assert_array_equal(pickle.loads(pickle.dumps(array))[1], array[1])
