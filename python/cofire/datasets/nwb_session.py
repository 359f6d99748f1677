"""A small NWB file of the Visual Behavior Neuropixels kind whose truth is known."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from cofire._validate import AnyArray, FloatArray, IntArray, integer, one_of
from cofire.datasets import nwb_timeline
from cofire.datasets.nwb_timeline import Timeline
from cofire.io._nwb_schema import TEXT, NwbWriter, Ragged

_START = "2021-06-01T10:00:00+00:00"
_AREAS = ("VISp", "CA1", "LGd-sh", "")
_INDEX_TYPES = ("u1", "u2", "u4", "u8", "i8")
_METRICS = {
    "snr": (1.0, 0.4),
    "isi_violations": (-2.0, 1.0),
    "firing_rate": (0.8, 1.1),
    "presence_ratio": (-0.1, 0.05),
    "amplitude_cutoff": (-3.0, 0.7),
    "waveform_duration": (-1.0, 0.4),
    "amplitude": (4.6, 0.4),
}


def make_nwb_session(
    path: str | Path,
    *,
    n_units: int = 40,
    n_probes: int = 2,
    n_channels: int = 64,
    index_dtype: str = "u8",
    bool_as_float: bool = False,
    no_eye: bool = False,
    no_licks: bool = False,
    unregistered: bool = False,
    old_names: bool = False,
    compression: str | None = None,
    hit_rate: float = 0.7,
    false_alarm_rate: float = 0.2,
    rng: int = 0,
) -> dict[str, Any]:
    """Write an NWB file like those of the Visual Behavior Neuropixels release, with a known truth.

    Parameters
    ----------
    path : path
        The file; replaced if it exists.
    n_units, n_probes, n_channels : int
        Units (at least 20), probes, and channels of each.
    index_dtype : {"u1", "u2", "u4", "u8", "i8"}
        Type of the ragged index; one that is too small wraps around, as broken writers do.
    bool_as_float : bool
        Whether truth values of the tables are stored as 0.0 and 1.0 (NaN where unknown).
    no_eye, no_licks : bool
        Leave out eye tracking, or licks.
    unregistered : bool
        Whether all electrode coordinates are zero.
    old_names : bool
        Whether the trials column ``is_change`` has its old name ``stimulus_change``.
    compression : str, optional
        HDF5 filter, for example ``"gzip"``.
    hit_rate, false_alarm_rate : float
        Of the simulated mouse; exact up to rounding to whole trials.
    rng : int
        Seed; equal seeds give equal data and object ids.

    Returns
    -------
    dict
        The truth, also stored as JSON in ``/scratch/cofire_truth``: ids of the empty unit, of the
        unit without metrics, of ``change_units``, ``flash_units``, ``gabor_units`` (with RF
        centers), ``opto_units``, ``assembly_units`` and ``assembly_times`` (s), the hit and
        false-alarm rates, response ``latencies`` (s), change and omission counts.

    Notes
    -----
    Paths, names, units and types are those of the release (DANDI:000713); the file is valid for
    pynwb. The time line is compressed: 300 s of change detection (400 flashes), gray, Gabors,
    full-field flashes, a passive replay, optotagging.

    Examples
    --------
    >>> import tempfile, pathlib, cofire as cf
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "session.nwb"
    >>> truth = cf.datasets.make_nwb_session(path)
    >>> session = cf.io.read_nwb(path)
    >>> session.spikes.n_units, truth["n_changes"] == int(session.trials["go"].sum())
    (40, True)
    """
    n_units = integer(n_units, "n_units", 20)
    one_of(index_dtype, "index_dtype", _INDEX_TYPES)
    generator = np.random.default_rng(rng)
    line = nwb_timeline.make(generator, hit_rate, false_alarm_rate)
    trains, ids, truth = _make_spikes(line, n_units, generator)
    electrodes = _electrodes(n_probes, n_channels, unregistered)
    with h5py.File(path, "w") as file:
        writer = NwbWriter(file, rng, compression)
        writer.root("1064644573", "EPHYS_1_images_H_3uL_reward", _START)
        _write_probes(writer, electrodes, n_probes)
        _write_units(writer, trains, ids, electrodes, index_dtype, truth, generator)
        for name, columns in line.tables().items():
            _write_intervals(writer, name, columns, bool_as_float, old_names)
        _write_behavior(writer, line, no_licks, generator)
        if not no_eye:
            _write_eye(writer, line, generator)
        _write_subject(writer)
        scratch = file["scratch"].create_dataset("cofire_truth", data=json.dumps(truth), dtype=TEXT)
        writer.tag(scratch, "ScratchData")
        scratch.attrs["notes"] = "what the generator planted, as JSON"
    return truth


def make_nwb_units(
    path: str | Path, n_units: int = 2500, n_spikes: int = 100_000_000, *, rng: int = 0
) -> None:
    """Write an NWB file with a units table only, of any size, in little memory.

    Parameters
    ----------
    path : path
        The file; replaced if it exists.
    n_units, n_spikes : int
        Sizes; every unit has the same number of spikes, up to one.
    rng : int
        Seed.
    """
    generator = np.random.default_rng(rng)
    ends = np.linspace(0, n_spikes, n_units + 1).astype(np.uint64)[1:]
    block = max(2**23 // max(n_spikes // n_units, 1), 1)  # units in 64 MiB
    with h5py.File(path, "w") as file:
        writer = NwbWriter(file, rng)
        writer.root("large", "units only", _START)
        ids = 2000 + np.arange(n_units)
        units = writer.table("units", {"spike_times": Ragged(np.zeros(0), ends)}, ids, kind="Units")
        attributes = dict(units["spike_times"].attrs)
        del units["spike_times"]
        times = units.create_dataset("spike_times", (n_spikes,), np.float64)
        times.attrs.update(attributes)
        units["spike_times_index"].attrs["target"] = times.ref
        edges = np.concatenate([[0], ends.astype(np.int64)])
        for first in range(0, n_units, block):
            part = edges[first : first + block + 1]
            gaps = generator.standard_exponential(int(part[-1] - part[0]))
            for a, b in zip(part[:-1] - part[0], part[1:] - part[0], strict=True):
                np.cumsum(gaps[a:b], out=gaps[a:b])
                gaps[a:b] *= 9000.0 / max(b - a, 1) * 0.9
            times[part[0] : part[-1]] = gaps


def _make_spikes(
    line: Timeline, n_units: int, rng: np.random.Generator
) -> tuple[list[FloatArray], IntArray, dict[str, Any]]:
    ids = 2000 + rng.permutation(n_units)
    rates = 2.2 * rng.lognormal(0.0, 1.1, n_units)
    trains = [rng.uniform(0.0, line.stop, rng.poisson(min(r, 12.0) * line.stop)) for r in rates]
    changes, images = line.change_times(), line.image_times()
    centers = [(-10.0, 20.0), (20.0, -10.0)]
    assembly_times = np.sort(rng.uniform(15.0, line.stop - 5.0, 100))

    def add(unit: int, times: AnyArray) -> None:
        trains[unit] = np.concatenate([trains[unit], np.ravel(times)])

    for unit in range(4):
        add(unit, _driven(changes, 20.0, rng))
    for unit in range(4, 6):
        add(unit, _driven(images, 20.0, rng))
    for unit, (x, y) in zip((6, 7), centers, strict=True):
        gabor = line.gabors
        drive = np.exp(-((gabor["position_x"] - x) ** 2 + (gabor["position_y"] - y) ** 2) / 200.0)
        hit = rng.poisson(30.0 * 0.2 * drive)
        starts = np.repeat(gabor["start_time"], hit)
        add(unit, starts + rng.uniform(0.02, 0.2, len(starts)))
    pulses = line.pulse_times()
    for unit in (8, 9):
        fired = pulses[rng.random(len(pulses)) < 0.8]
        add(unit, fired + rng.normal(0.003, 0.001, len(fired)))
    for unit in range(10, 16):
        add(unit, assembly_times + rng.normal(0.0, 0.003, len(assembly_times)))
    trains[16] = np.zeros(0)
    trains = [np.sort(t[(t >= 0) & (t < line.stop)]) for t in trains]
    truth: dict[str, Any] = {
        "change_units": ids[:4].tolist(),
        "flash_units": ids[4:6].tolist(),
        "gabor_units": dict(zip(map(str, ids[6:8].tolist()), centers, strict=True)),
        "opto_units": ids[8:10].tolist(),
        "assembly_units": ids[10:16].tolist(),
        "assembly_times": assembly_times.tolist(),
        "empty_unit": int(ids[16]),
        "nan_metrics_unit": int(ids[17]),
        "n_spikes": int(sum(map(len, trains))),
        **line.truth,
    }
    return trains, ids, truth


def _driven(onsets: FloatArray, rate: float, rng: np.random.Generator) -> FloatArray:
    """Extra spikes at `rate` from 30 to 130 ms after each onset."""
    starts = np.repeat(onsets, rng.poisson(rate * 0.1, len(onsets)))
    times: FloatArray = starts + rng.uniform(0.03, 0.13, len(starts))
    return times


def _electrodes(n_probes: int, n_channels: int, unregistered: bool) -> dict[str, AnyArray]:
    channel = np.tile(np.arange(n_channels), n_probes)
    probe = np.repeat(np.arange(n_probes), n_channels)
    vertical = 20 * (channel // 2 + 1)
    area = np.minimum(channel * len(_AREAS) // n_channels, len(_AREAS) - 1)
    where = np.zeros(len(channel)) if unregistered else np.ones(len(channel))
    return {
        "id": 1000 + np.arange(len(channel)),
        "location": np.array(_AREAS, dtype=object)[::-1][area],
        "x": where * (8000.0 + 100.0 * probe),
        "y": where * (4000.0 - vertical),
        "z": where * (9000.0 + channel),
        "probe_vertical_position": vertical.astype(np.float64),
        "probe_horizontal_position": np.array([43.0, 11.0, 59.0, 27.0])[channel % 4],
        "probe_channel_number": channel.astype(np.int64),
        "probe_id": (100 + probe).astype(np.int64),
        "valid_data": np.ones(len(channel), dtype=bool),
        "imp": np.full(len(channel), np.nan),
        "filtering": np.array(["AP band 500 Hz"] * len(channel), dtype=object),
    }


def _write_probes(writer: NwbWriter, electrodes: Mapping[str, AnyArray], n_probes: int) -> None:
    file = writer.file
    names = [f"probe{chr(ord('A') + p)}" for p in range(n_probes)]
    for name in names:
        device = writer.group(f"general/devices/{name}", "Device")
        device.attrs["description"] = "Neuropixels 1.0"
        group = writer.group(f"general/extracellular_ephys/{name}", "ElectrodeGroup")
        group.attrs.update(description=name, location="See electrode locations")
        group["device"] = h5py.SoftLink(device.name)
    probe = electrodes["probe_id"] - 100
    refs = np.array([file[f"general/extracellular_ephys/{n}"].ref for n in names], h5py.ref_dtype)
    columns = {key: value for key, value in electrodes.items() if key != "id"}
    columns |= {"group": refs[probe], "group_name": np.array(names, dtype=object)[probe]}
    path = "general/extracellular_ephys/electrodes"
    writer.table(path, columns, electrodes["id"], description="channels of all probes")


def _write_units(
    writer: NwbWriter,
    trains: list[FloatArray],
    ids: IntArray,
    electrodes: Mapping[str, AnyArray],
    index_dtype: str,
    truth: Mapping[str, Any],
    rng: np.random.Generator,
) -> None:
    n = len(ids)
    spikes = Ragged.of(trains)
    ends = spikes.ends.astype(index_dtype)
    columns: dict[str, Any] = {
        "peak_channel_id": rng.choice(electrodes["id"], n),
        "local_index": np.arange(n),
        "cluster_id": np.arange(n) + 5,
        "quality": np.array(["good"] * n, dtype=object),
        "spike_times": Ragged(spikes.values, ends),
        "spike_amplitudes": Ragged(rng.normal(1e-4, 1e-5, len(spikes.values)), ends),
        "waveform_mean": Ragged(rng.normal(0, 1e-5, (n, 82)), np.arange(1, n + 1, dtype=np.uint64)),
    }
    columns["quality"][::7] = "noise"
    for name, (mean, spread) in _METRICS.items():
        values = rng.lognormal(mean, spread, n)
        values[ids == truth["nan_metrics_unit"]] = np.nan
        columns[name] = np.minimum(values, 0.99) if name == "presence_ratio" else values
    writer.table("units", columns, ids, kind="Units", description="sorted units")


def _write_intervals(
    writer: NwbWriter,
    name: str,
    columns: Mapping[str, Any],
    bool_as_float: bool,
    old_names: bool,
) -> None:
    out: dict[str, Any] = {}
    for key, values in columns.items():
        flag = not isinstance(values, Ragged) and values.dtype == bool
        column = values.astype(np.float64) if flag and bool_as_float else values
        if flag and bool_as_float and key in ("is_image_novel", "rewarded"):
            column[::9] = np.nan
        old = old_names and name == "trials" and key == "is_change"
        out["stimulus_change" if old else key] = column
    home = "processing/optotagging" if name == "optogenetic_stimulation" else "intervals"
    if home.startswith("processing"):
        writer.module("optotagging")
    n = len(out["start_time"])
    writer.table(f"{home}/{name}", out, np.arange(n), kind="TimeIntervals")


def _write_behavior(
    writer: NwbWriter, line: Timeline, no_licks: bool, rng: np.random.Generator
) -> None:
    times = np.arange(0.0, line.stop, 0.2)
    speed = np.maximum(np.convolve(rng.normal(8, 12, len(times)), np.ones(20) / 20, "same"), 0.0)
    writer.module("running")
    writer.series("processing/running/speed", speed, "cm/s", times=times)
    shared = h5py.SoftLink("/processing/running/speed/timestamps")
    noisy = speed + rng.normal(0, 1, len(times))
    writer.series("processing/running/speed_unfiltered", noisy, "cm/s", times=shared)
    writer.series("processing/running/dx", speed * 0.2, "cm", times=shared)
    if not no_licks:
        writer.module("licking")
        frames = np.round(line.licks * 60).astype(np.int64)
        writer.series("processing/licking/licks", frames, "lick", times=line.licks)
    writer.module("rewards")
    volume = np.full(len(line.rewards), 0.003)
    writer.series("processing/rewards/volume", volume, "mL", times=line.rewards)
    automatic = writer.series(
        "processing/rewards/autorewarded", line.automatic, "mL", times=line.rewards
    )
    automatic.attrs["description"] = "whether the reward was given without a lick"
    writer.module("stimulus")
    shown = np.arange(0.0, line.stop, 1.0)
    writer.series("processing/stimulus/timestamps", np.arange(len(shown)), "s", times=shown)


def _write_eye(writer: NwbWriter, line: Timeline, rng: np.random.Generator) -> None:
    times = np.arange(0.0, line.stop, 0.25)
    n = len(times)
    eye = writer.group("acquisition/EyeTracking", "EyeTracking")
    blink = rng.random(n) < 0.02
    shared = h5py.SoftLink("/acquisition/EyeTracking/eye_tracking/timestamps")
    for name, size in (
        ("eye_tracking", 60.0),
        ("pupil_tracking", 25.0),
        ("corneal_reflection_tracking", 5.0),
    ):
        width = np.where(blink, np.nan, size + rng.normal(0, 1, n))
        height = np.where(blink, np.nan, size * 0.9 + rng.normal(0, 1, n))
        round_area = np.pi * np.maximum(width, height) ** 2
        area = round_area if name == "pupil_tracking" else np.pi * width * height
        series = writer.series(
            f"{eye.name}/{name}",
            rng.normal(300, 5, (n, 2)),
            "meters",
            times=times if name == "eye_tracking" else shared,
            kind="SpatialSeries",
        )
        series.create_dataset("reference_frame", data="camera pixels", dtype=TEXT)
        for key, values in (("area", area), ("width", width), ("height", height)):
            writer.values(series, key, values)
    writer.series(f"{eye.name}/likely_blink", blink, "n.a.", times=shared)


def _write_subject(writer: NwbWriter) -> None:
    subject = writer.group("general/subject", "Subject")
    for key, value in (
        ("subject_id", "599294"),
        ("species", "Mus musculus"),
        ("sex", "M"),
        ("age", "P150D"),
        ("genotype", "wt/wt"),
    ):
        subject.create_dataset(key, data=value, dtype=TEXT)
