"""Spoil an NWB file in one known way: every error of the readers has a file that causes it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np

from cofire._validate import AnyArray, one_of

Damage = Callable[[h5py.File, Path], None]


def damage_nwb(path: str | Path, kind: str) -> None:
    """Change a file of :func:`make_nwb_session` so that it shows one fault.

    Parameters
    ----------
    path : path
        The file; changed in place. ``"external_*"`` and ``"virtual"`` write a second file
        ``<name>.other`` beside it.
    kind : str
        One of :data:`DAMAGES`.

    Examples
    --------
    >>> import cofire as cf
    >>> sorted(cf.datasets.DAMAGES)[:3]
    ['change_outside', 'duplicate_electrodes', 'duplicate_times']
    """
    path = Path(path)
    one_of(kind, "kind", tuple(DAMAGES))
    if kind == "not_hdf5":
        path.write_bytes(b"this is no HDF5 file" * 100)
    elif kind == "truncated":
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    else:
        with h5py.File(path, "r+") as file:
            _IN_PLACE[kind](file, path.with_name(path.name + ".other"))


def _replace(file: h5py.File, name: str, values: AnyArray) -> None:
    attributes = dict(file[name].attrs)
    del file[name]
    file.create_dataset(name, data=values).attrs.update(attributes)


def _index(change: Callable[[AnyArray], AnyArray]) -> Damage:
    def apply(file: h5py.File, other: Path) -> None:
        _replace(file, "units/spike_times_index", change(file["units/spike_times_index"][()]))

    return apply


def _signed(change: Callable[[AnyArray], None]) -> Damage:
    def edit(ends: AnyArray) -> AnyArray:
        ends = ends.astype(np.int64)
        change(ends)
        return ends

    return _index(edit)


def _times(change: Callable[[AnyArray, int, int], None]) -> Damage:
    """Change the spike times, given where the first busy train starts and stops."""

    def apply(file: h5py.File, other: Path) -> None:
        ends = file["units/spike_times_index"][()].astype(np.int64)
        times = file["units/spike_times"][()]
        change(times, int(ends[0]), int(ends[1]))
        file["units/spike_times"][...] = times

    return apply


def _set(name: str, row: int, value: float) -> Damage:
    def apply(file: h5py.File, other: Path) -> None:
        file[name][row] = value

    return apply


def _copy_row(name: str) -> Damage:
    def apply(file: h5py.File, other: Path) -> None:
        file[name][3] = file[name][1]

    return apply


def _remove(name: str) -> Damage:
    def apply(file: h5py.File, other: Path) -> None:
        del file[name]

    return apply


def _version_one(file: h5py.File, other: Path) -> None:
    del file.attrs["nwb_version"]
    file.create_dataset("nwb_version", data="NWB-1.0.6")
    file.create_group("processing/sorting/UnitTimes")


def _decrease(ends: AnyArray) -> None:
    ends[5] = ends[4] - 1


def _negative(ends: AnyArray) -> None:
    ends[0] = -4


def _huge(ends: AnyArray) -> AnyArray:
    ends = ends.astype(np.uint64)
    ends[-1] = 2**63 + 5
    return ends


def _few_values(file: h5py.File, other: Path) -> None:
    _replace(file, "units/spike_times", file["units/spike_times"][:10])


def _nan(times: AnyArray, start: int, stop: int) -> None:
    times[start + 2] = np.nan


def _infinite(times: AnyArray, start: int, stop: int) -> None:
    times[stop - 1] = np.inf


def _unsorted(times: AnyArray, start: int, stop: int) -> None:
    times[start + 2 : start + 4] = times[start + 2 : start + 4][::-1].copy()


def _negative_time(times: AnyArray, start: int, stop: int) -> None:
    times[start] = -2.5


def _samples(times: AnyArray, start: int, stop: int) -> None:
    times *= 30_000.0


def _duplicate_time(times: AnyArray, start: int, stop: int) -> None:
    times[start + 3] = times[start + 2]


def _two_outcomes(file: h5py.File, other: Path) -> None:
    row = int(np.flatnonzero(file["intervals/trials/hit"][()])[0])
    file["intervals/trials/miss"][row] = True


def _change_outside(file: h5py.File, other: Path) -> None:
    row = int(np.flatnonzero(file["intervals/trials/hit"][()])[0])
    file["intervals/trials/change_time_no_display_delay"][row] = 1.0


def _float_ids(file: h5py.File, other: Path) -> None:
    ids = file["units/id"][()].astype(np.float64)
    _replace(file, "units/id", ids + 864691135000000000.0)


def _series_backward(file: h5py.File, other: Path) -> None:
    stamps = file["processing/running/speed/timestamps"]
    stamps[10] = stamps[8]


def _series_short(file: h5py.File, other: Path) -> None:
    _replace(file, "processing/running/speed/data", file["processing/running/speed/data"][:-3])


def _impossible(file: h5py.File, other: Path) -> None:
    # Eight TiB declared, nothing stored.
    del file["units/spike_times"]
    file.create_dataset("units/spike_times", (2**40,), np.float64, chunks=(2**20,))
    _replace(file, "units/spike_times_index", _last(file, 2**40))


def _last(file: h5py.File, value: int) -> AnyArray:
    ends: AnyArray = file["units/spike_times_index"][()].astype(np.int64)
    ends[-1] = value
    return ends


def _external_storage(file: h5py.File, other: Path) -> None:
    times = file["units/spike_times"][()]
    times.tofile(other)
    del file["units/spike_times"]
    file.create_dataset(
        "units/spike_times", times.shape, times.dtype, external=[(str(other), 0, times.nbytes)]
    )


def _move_times(file: h5py.File, other: Path) -> tuple[int, ...]:
    times = file["units/spike_times"][()]
    with h5py.File(other, "w") as second:
        second["times"] = times
    del file["units/spike_times"]
    shape: tuple[int, ...] = times.shape
    return shape


def _virtual(file: h5py.File, other: Path) -> None:
    shape = _move_times(file, other)
    layout = h5py.VirtualLayout(shape, np.float64)
    layout[:] = h5py.VirtualSource(str(other), "times", shape)
    file.create_virtual_dataset("units/spike_times", layout)


def _external_link(file: h5py.File, other: Path) -> None:
    _move_times(file, other)
    file["units/spike_times"] = h5py.ExternalLink(str(other), "times")


_IN_PLACE: dict[str, Damage] = {
    "version_1": _version_one,
    "no_units": _remove("units"),
    "no_spike_times": _remove("units/spike_times"),
    "index_float": _index(lambda ends: ends.astype(np.float64)),
    "index_negative": _signed(_negative),
    "index_decreasing": _signed(_decrease),
    "index_length": _index(lambda ends: ends[:-1]),
    "index_beyond_data": _few_values,
    "index_huge": _index(_huge),
    "index_wrapped": _index(lambda ends: ends.astype(np.uint16)),
    "nan_times": _times(_nan),
    "infinite_times": _times(_infinite),
    "unsorted_times": _times(_unsorted),
    "negative_times": _times(_negative_time),
    "sample_times": _times(_samples),
    "duplicate_times": _times(_duplicate_time),
    "duplicate_units": _copy_row("units/id"),
    "duplicate_electrodes": _copy_row("general/extracellular_ephys/electrodes/id"),
    "unknown_electrode": _set("units/peak_channel_id", 2, 77),
    "series_backward": _series_backward,
    "series_short": _series_short,
    "two_outcomes": _two_outcomes,
    "change_outside": _change_outside,
    "float_ids": _float_ids,
    "impossible_size": _impossible,
    "external_storage": _external_storage,
    "virtual": _virtual,
    "external_link": _external_link,
}
DAMAGES = ("not_hdf5", "truncated", *_IN_PLACE)
"""Every kind of damage that :func:`damage_nwb` knows."""
