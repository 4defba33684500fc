"""A flat-field is a value: frozen, pickled, written down and made again."""

from __future__ import annotations

import base64
import copy
import json
import pickle
import zlib
from dataclasses import FrozenInstanceError, replace

import h5py
import numpy as np
import pytest

import napari_emd_flatfield as nef
from napari_emd_flatfield import Axis, FlatField, FlatFieldError, Signal
from napari_emd_flatfield.flatfield import Output, Pixels, Reduction, Scaling

FRAME = 12, 16


@pytest.fixture
def scan(random):
    """Raw frames, flats in two series, darks at two positions, all in memory."""

    def signal(name, role, level, positions):
        data = random.integers(level, 2 * level, (len(positions), *FRAME))
        y, x = (Axis(n, "nm", np.arange(k)) for n, k in zip("yx", FRAME, strict=True))
        axes = Axis("position", "nm", positions), y, x
        return Signal(name, data.astype(np.uint16), axes, role)

    return (
        signal("raw", "raw", 500, [0, 30, 90, 120]),
        signal("flats", "flat", 2000, [0, 0, 0, 100, 100]),
        signal("dark", "dark", 50, [0, 100]),
    )


@pytest.fixture
def path(scan, tmp_path):
    return nef.write(tmp_path / "scan.emd", list(scan))


SETTINGS = [
    {},
    {"interpolation": "nearest", "fill": 0.0, "dtype": "float64"},
    {"interpolation": "median", "fill": "median", "pixels": Pixels(zinger=0.7)},
    {"positions": [0, 10, 20, 30, 90.5], "dark_positions": [5, 5]},
    {"reduction": Reduction("median", 100.0, [1], [0])},
    {
        "scaling": Scaling(flat_monitor=[1, 2, 3, 4, 5], air=(1, 4, 2, 9)),
        "pixels": Pixels(3.0, mask=[(2, 3), (4, 4)], saturation=900),
    },
    {"scaling": Scaling(flat_factor=0.5, dark_factor=2, keep_counts=True)},
    {"output": Output(log=True, floor=0.02, clip=(-1, 2)), "along": "position"},
    {"dtype": "uint8", "fill": 1.0, "output": Output(clip=(0, 2))},
    {"orient": "rot180"},
    {"mode": "gain", "reduction": Reduction(leave_out=[0])},
]
ids = [", ".join(each) or "defaults" for each in SETTINGS]


def monitor_of(ff):
    return [1.0, 0.9, 0.8, 0.7] if ff.scaling.flat_monitor is not None else None


def result_of(ff, raw):
    return ff.correct(raw, monitor=monitor_of(ff)).data[...]


def test_it_cannot_be_changed(scan):
    ff = FlatField(*scan[1:])
    with pytest.raises(FrozenInstanceError):
        ff.fill = 0
    with pytest.raises(FrozenInstanceError):
        ff.scaling.keep_counts = True
    other = replace(ff, fill=0.0)
    assert (other.fill, str(ff.fill)) == (0, "nan")


def test_what_it_was_made_of_may_change(scan, tmp_path):
    positions, mask = np.arange(5.0), np.zeros(FRAME, bool)
    with h5py.File(tmp_path / "mask.h5", "w") as file:
        file["mask"] = mask
        file["positions"] = positions
        made_of_datasets = FlatField(
            scan[1],
            positions=file["positions"],
            pixels=Pixels(mask=file["mask"]),
            scaling=Scaling(flat_monitor=file["positions"][:] + 1),
        )
    ff = FlatField(
        scan[1],
        positions=positions,
        pixels=Pixels(mask=mask),
        scaling=Scaling(flat_monitor=positions + 1),
    )
    before = ff.to_dict()
    positions[:], mask[:] = 7, True
    assert ff.to_dict() == before == made_of_datasets.to_dict()
    again = pickle.loads(pickle.dumps(made_of_datasets))
    frame = scan[0].data[0]
    result = ff(frame, at=1.5, monitor=2)
    assert np.isfinite(result).all()
    np.testing.assert_array_equal(again(frame, at=1.5, monitor=2), result)


@pytest.mark.parametrize("settings", SETTINGS, ids=ids)
def test_a_pickled_one_corrects_the_same(path, settings):
    raw, flats, dark = nef.read(path)
    ff = FlatField(flats, dark, **settings)
    before = result_of(ff, raw)
    again = pickle.loads(pickle.dumps(ff))
    np.testing.assert_array_equal(result_of(again, raw), before)
    corrected = ff.correct(raw, monitor=monitor_of(ff))
    travelled = pickle.loads(pickle.dumps(corrected))
    np.testing.assert_array_equal(travelled.data[...], before)
    np.testing.assert_array_equal(result_of(copy.deepcopy(ff), raw), before)


def test_what_is_pickled_is_where_to_find_it(path):
    ff = FlatField(*nef.read(path)[1:])
    ff(np.ones(FRAME), at=0)
    assert len(pickle.dumps(ff)) < 5_000 < 7 * FRAME[0] * FRAME[1] * 4


@pytest.mark.parametrize("settings", SETTINGS, ids=ids)
def test_it_can_be_written_down_and_made_again(path, settings):
    raw, flats, dark = nef.read(path)
    ff = FlatField(flats, dark, **settings)
    values = json.loads(json.dumps(ff.to_dict()))
    again = FlatField.from_dict(values)
    np.testing.assert_array_equal(result_of(again, raw), result_of(ff, raw))
    assert again.to_dict() == ff.to_dict()


@pytest.mark.parametrize("with_references", [False, True])
@pytest.mark.parametrize("settings", SETTINGS, ids=ids)
def test_it_is_redone_from_what_was_saved(
    path, scan, tmp_path, settings, with_references
):
    raw, flats, dark = nef.read(path)
    ff = FlatField(flats, dark, **settings)
    corrected = ff.correct(raw, monitor=monitor_of(ff))
    saved = [corrected, *ff.reduced()] if with_references else [corrected]
    target = nef.write(tmp_path / "corrected.emd", saved)
    if with_references:
        path.unlink()
    again = FlatField.from_emd(target)
    new = replace(scan[0], data=scan[0].data[::-1].copy())
    np.testing.assert_array_equal(result_of(again, new), result_of(ff, new))


def test_references_of_memory_are_redone_only_when_saved(scan, tmp_path):
    raw, *references = scan
    ff = FlatField(*references)
    target = nef.write(tmp_path / "corrected.emd", [ff.correct(raw)])
    with pytest.raises(FlatFieldError, match=r"in memory only.*flats=.*reduced"):
        FlatField.from_emd(target)
    ff = FlatField.from_dict(ff.to_dict(), flats=references[0], dark=references[1])
    np.testing.assert_array_equal(
        result_of(ff, raw), result_of(FlatField(*references), raw)
    )


def numbered(random, name, role, numbers):
    data = random.integers(500, 600, (len(numbers), *FRAME)).astype(np.uint16)
    axes = Axis("position", "frame", numbers), *map(Axis.index, FRAME)
    return Signal(name, data, axes, role)


@pytest.mark.parametrize("of_the_corrected", [False, True])
def test_series_of_an_acquisition_are_saved_as_they_were_used(
    random, tmp_path, of_the_corrected
):
    raw = numbered(random, "raw", "raw", [4, 5, 8, 9])
    flats = numbered(random, "flats", "flat", [2, 3, 6, 7, 10, 11])
    darks = numbered(random, "dark", "dark", [0, 1])
    darks.data[...] //= 50
    ff = FlatField(flats, darks)
    corrected = ff.correct(raw)
    positions = [2.5, 6.5, 10.5]
    assert corrected.metadata["flatfield"]["positions"] == positions
    at_once = ff(raw.data, at=raw.axes[0].values)
    np.testing.assert_array_equal(at_once, corrected.data[...])
    one = ff(raw.data[2], at=8)
    np.testing.assert_array_equal(one, corrected.data[2])
    references = (corrected.data.flatfield if of_the_corrected else ff).reduced()
    assert references[0].axes[0].values.tolist() == positions
    again = FlatField.from_emd(nef.write(tmp_path / "x.emd", [corrected, *references]))
    np.testing.assert_array_equal(result_of(again, raw), corrected.data[...])


def test_one_series_needs_no_position(random):
    flats = numbered(random, "flats", "flat", [2, 3, 4])
    frame = random.integers(200, 400, FRAME).astype(np.uint16)
    expected = frame / flats.data.mean(axis=0)
    ff = FlatField(flats)
    np.testing.assert_allclose(ff(frame), expected, rtol=1e-6)
    np.testing.assert_allclose(
        ff.correct(Signal("raw", frame)).data[...], expected, rtol=1e-6
    )


def test_a_flat_for_each_frame_is_saved_as_it_was_used(random, tmp_path):
    raw = numbered(random, "raw", "raw", [5, 6, 7])
    flats = numbered(random, "flats", "flat", [5, 6, 7])
    ff = FlatField(flats)
    corrected = ff.correct(raw)
    np.testing.assert_allclose(corrected.data[...], raw.data / flats.data, rtol=1e-6)
    np.testing.assert_array_equal(ff(raw.data, at=[5, 6, 7]), corrected.data[...])
    used = corrected.data.flatfield.reduced()
    target = nef.write(tmp_path / "x.emd", [corrected, *used])
    np.testing.assert_array_equal(
        result_of(FlatField.from_emd(target), raw), corrected.data[...]
    )
    target = nef.write(tmp_path / "y.emd", [corrected, *ff.reduced()])
    with pytest.raises(FlatFieldError, match=r"flats at \[5.0, 6.0, 7.0\]; save those"):
        FlatField.from_emd(target)


def test_reduced_references_say_what_they_are(scan):
    flats, dark = FlatField(*scan[1:]).reduced()
    assert (flats.role, dark.role) == ("flat", "dark")
    assert flats.axes[0].values.tolist() == [0, 100]
    assert flats.axes[0].units == "nm"
    f, d = scan[1].data.astype(float), scan[2].data.astype(float)
    np.testing.assert_allclose(flats.data[0], f[:3].mean(axis=0) - d[0], rtol=1e-6)
    np.testing.assert_allclose(flats.data[1], f[3:].mean(axis=0) - d[1], rtol=1e-6)


def test_references_from_several_places_are_recorded_and_found(scan, tmp_path):
    raw, flats, dark = scan
    frames = []
    for image, at in zip(flats.data[2:4], [0, 100], strict=True):
        axes = Axis("position", "nm", [at]), *flats.axes[1:]
        frames.append(replace(flats, data=image[np.newaxis], axes=axes))
    where = [
        nef.write(tmp_path / f"{when}.emd", [frame])
        for when, frame in zip(("before", "after"), frames, strict=True)
    ]
    opened = [nef.read(each)[0] for each in where]
    ff = FlatField(opened, dark)
    values = ff.to_dict()
    assert values["flats"] == [signal.origin for signal in opened]
    assert all(str(each) in repr(ff) for each in where)
    again = FlatField.from_dict(values, dark=dark)
    np.testing.assert_array_equal(result_of(again, raw), result_of(ff, raw))


def test_the_record_survives_an_hdf5_file(path, tmp_path):
    raw, flats, dark = nef.read(path)
    ff = FlatField(flats, dark, interpolation="mean", pixels=Pixels(mask=[(0, 0)]))
    target = nef.write(tmp_path / "corrected.emd", [ff.correct(raw)])
    with h5py.File(target) as file:
        attributes = file["data/corrected_raw/flatfield"].attrs
        assert attributes["interpolation"] == "mean"
        assert attributes["formula"] == "(raw - dark) / (flat - dark)"
    again = FlatField.from_emd(target)
    assert again.pixels.bad(FRAME).sum() == 1


def test_a_file_without_a_correction_is_refused(path):
    with pytest.raises(FlatFieldError, match="no signal corrected"):
        FlatField.from_emd(path)


@pytest.mark.parametrize(
    "damage",
    [
        lambda v: v.pop("scaling"),
        lambda v: v.update(reduction="mean"),
        lambda v: v.update(dead_pixels_set_to="blue"),
        lambda v: v["pixels"].update(mask="12×16:???"),
        lambda v: v["pixels"].update(mask="none"),
        lambda v: v.update(mode="magic"),
    ],
)
def test_a_damaged_record_is_refused(scan, damage):
    values = FlatField(*scan[1:]).to_dict()
    damage(values)
    with pytest.raises(FlatFieldError):
        FlatField.from_dict(values, flats=scan[1], dark=scan[2])


def test_a_mask_in_a_record_cannot_fill_the_memory(scan):
    values = FlatField(*scan[1:]).to_dict()
    bomb = base64.b85encode(zlib.compress(bytes(50_000_000), 9)).decode()
    values["pixels"]["mask"] = f"12×16:{bomb}"
    ff = FlatField.from_dict(values, flats=scan[1], dark=scan[2])
    assert ff.pixels.bad(FRAME).nbytes == 12 * 16
