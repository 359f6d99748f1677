"""suite2p folders: what is read, how dF/F is made, what is refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cofire as cf
from cofire.errors import (
    DataWarning,
    FileFormatError,
    InvalidArgumentError,
    MissingDataError,
    RecordingNotFoundError,
    TooLargeError,
)
from cofire.io import read_suite2p
from cofire.io._baseline import delta_f_over_f


class Trap:
    """Runs code when it is unpickled."""

    def __reduce__(self):
        return (open, ("/proc/self/mem-of-nobody", "w"))


def write_plane(folder, n_rois=6, n_frames=400, seed=0, **ops):
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    f = rng.uniform(90, 130, (n_rois, n_frames)).astype(np.float32)
    arrays = {
        "F": f,
        "Fneu": (0.2 * f + rng.uniform(0, 1, f.shape)).astype(np.float32),
        "spks": rng.exponential(1, f.shape).astype(np.float32),
        "iscell": np.column_stack([np.arange(n_rois) % 3 != 1, np.linspace(0.9, 0.1, n_rois)]),
    }
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)
    if ops:
        np.save(folder / "ops.npy", ops, allow_pickle=True)
        stat = [{"med": (2 * i, 3 * i), "npix": 10 + i} for i in range(n_rois)]
        np.save(folder / "stat.npy", np.array(stat, dtype=object), allow_pickle=True)
    return arrays


def running_baseline(row, width, percentile):
    """Oracle: percentile in windows a quarter of their width apart, lines between their centers."""
    width = min(width, len(row))
    starts = list(range(0, len(row) - width + 1, max(1, width // 4)))
    if starts[-1] != len(row) - width:
        starts.append(len(row) - width)
    low = [np.percentile(row[s : s + width], percentile) for s in starts]
    return np.interp(np.arange(len(row)), [s + (width - 1) / 2 for s in starts], low)


def test_signals_of_the_cells_are_read_frames_first(tmp_path):
    made = write_plane(tmp_path)
    session = read_suite2p(tmp_path, rate=5.0, t_start=2.0)
    cells = [0, 2, 3, 5]
    assert list(session.traces) == ["F", "Fneu", "spks", "dff"]
    for name in ("F", "Fneu", "spks"):
        traces = session.traces[name]
        assert traces.columns.tolist() == cells
        assert (traces.rate, traces.t_start) == (5.0, 2.0)
        np.testing.assert_array_equal(traces.values, made[name][cells].T)
        assert traces.values.dtype == np.float32
    rois = session.meta["rois"]
    assert rois["roi"].tolist() == cells
    np.testing.assert_allclose(rois["probability"], made["iscell"][cells, 1])
    assert (session.meta["n_rois"], session.meta["n_not_cells"]) == (6, 2)
    assert session.spikes.n_units == 0


def test_dff_is_change_against_the_running_percentile_of_the_corrected_signal(tmp_path):
    made = write_plane(tmp_path)
    session = read_suite2p(
        tmp_path, rate=5.0, cells=False, neuropil=0.5, percentile=10, baseline_window=8.0,
        load=("corrected", "dff"),
    )  # fmt: skip
    clean = made["F"].astype(float) - 0.5 * made["Fneu"]
    np.testing.assert_allclose(session.traces["corrected"].values, clean.T, rtol=1e-5)
    for i, row in enumerate(clean):
        base = running_baseline(row, 40, 10)
        np.testing.assert_allclose(
            session.traces["dff"].values[:, i], (row - base) / base, atol=2e-5
        )
    whole = read_suite2p(tmp_path, rate=5.0, cells=False, baseline_window=None, load=["dff"])
    row = made["F"][0] - np.float32(0.7) * made["Fneu"][0]
    base = np.percentile(row.astype(float), 8)
    np.testing.assert_allclose(whole.traces["dff"].values[:, 0], row / base - 1, atol=2e-5)


@settings(max_examples=40, deadline=None)
@given(
    n=st.integers(1, 60),
    width=st.one_of(st.none(), st.integers(1, 80)),
    factor=st.floats(0.1, 10.0),
    seed=st.integers(0, 1000),
)
def test_dff_does_not_depend_on_the_gain(n, width, factor, seed):
    f = np.random.default_rng(seed).uniform(1, 2, (2, n))
    first, second = (delta_f_over_f(x, 8.0, width) for x in (f, factor * f))
    np.testing.assert_allclose(first, second, atol=1e-9)
    assert np.isfinite(first).all()
    assert (delta_f_over_f(np.full((1, n), 3.0), 8.0, width) == 0).all()


def test_without_neuropil_correction_its_file_is_not_needed(tmp_path):
    made = write_plane(tmp_path)
    (tmp_path / "Fneu.npy").unlink()
    session = read_suite2p(tmp_path, rate=5.0, neuropil=0, load=("F", "corrected", "dff"))
    np.testing.assert_array_equal(session.traces["corrected"].values, made["F"][[0, 2, 3, 5]].T)
    with pytest.raises(MissingDataError, match=r"has no Fneu.npy; it holds: F.npy, iscell"):
        read_suite2p(tmp_path, rate=5.0)


def test_cells_are_chosen_by_label_or_score_or_not_at_all(tmp_path):
    write_plane(tmp_path)
    assert read_suite2p(tmp_path, rate=1, min_probability=0.6).traces["F"].columns.tolist() == [
        0,
        1,
    ]
    assert read_suite2p(tmp_path, rate=1, cells=False).traces["F"].n_signals == 6
    (tmp_path / "iscell.npy").unlink()
    assert read_suite2p(tmp_path, rate=1, cells=False).traces["F"].n_signals == 6
    with pytest.raises(MissingDataError, match=r"no iscell.npy"):
        read_suite2p(tmp_path, rate=1)


@pytest.mark.parametrize("home", ["", "suite2p"])
def test_planes_are_joined_and_cut_to_the_shortest(tmp_path, home):
    made = {k: write_plane(tmp_path / home / f"plane{k}", 3 + k % 3, 100 - (k == 10), k)
            for k in (0, 2, 10)}  # fmt: skip
    write_plane(tmp_path / home / "combined")
    session = read_suite2p(tmp_path, rate=5.0, cells=False)
    assert session.traces["F"].values.shape == (99, 3 + 5 + 4)
    assert session.traces["F"].columns[[0, 3, 8]].tolist() == [
        "plane0_roi_0000", "plane2_roi_0000", "plane10_roi_0000",
    ]  # fmt: skip
    np.testing.assert_array_equal(session.traces["F"].values[:, 8:], made[10]["F"].T)
    assert session.meta["n_frames_cut"] == 2
    assert session.meta["rois"]["plane"].tolist() == [0] * 3 + [2] * 5 + [10] * 4
    one = read_suite2p(tmp_path, rate=5.0, cells=False, planes=[2])
    np.testing.assert_array_equal(one.traces["spks"].values, made[2]["spks"].T)
    with pytest.raises(MissingDataError, match=r"no planes \[1\]; it has \[0, 2, 10\]"):
        read_suite2p(tmp_path, rate=5.0, planes=[1])


def test_pickles_are_read_only_when_trusted(tmp_path):
    write_plane(tmp_path, fs=7.5)
    with pytest.raises(MissingDataError, match=r"pass rate .*trusted=True"):
        read_suite2p(tmp_path)
    session = read_suite2p(tmp_path, trusted=True)
    assert session.traces["F"].rate == 7.5
    rois = session.meta["rois"]
    assert rois[["x", "y", "n_pixels"]].to_numpy().tolist() == [
        [3.0 * i, 2.0 * i, 10.0 + i] for i in (0, 2, 3, 5)
    ]
    assert "x" not in read_suite2p(tmp_path, rate=7.5).meta["rois"]
    np.save(tmp_path / "ops.npy", {"fs": Trap()}, allow_pickle=True)
    assert read_suite2p(tmp_path, rate=7.5).traces["F"].rate == 7.5
    with pytest.raises(FileFormatError, match=r"ops.npy cannot be read"):
        read_suite2p(tmp_path, trusted=True)
    np.save(tmp_path / "F.npy", np.array([[Trap()]], dtype=object), allow_pickle=True)
    with pytest.raises(FileFormatError, match=r"F.npy is not a plain NumPy array"):
        read_suite2p(tmp_path, rate=7.5)


def test_cells_without_a_positive_baseline_are_left_out_and_counted(tmp_path):
    made = write_plane(tmp_path)
    made["Fneu"][2] = 500
    np.save(tmp_path / "Fneu.npy", made["Fneu"])
    with pytest.warns(DataWarning, match="1 of 4 cells were left out"):
        session = read_suite2p(tmp_path, rate=5.0)
    assert session.traces["dff"].columns.tolist() == [0, 3, 5]
    assert session.traces["F"].columns.tolist() == [0, 3, 5]
    assert session.meta["n_without_baseline"] == 1
    assert len(session.meta["rois"]) == 3
    assert read_suite2p(tmp_path, rate=5.0, load=["F"]).traces["F"].n_signals == 4


def test_folders_that_cannot_be_read_say_why(tmp_path):
    with pytest.raises(RecordingNotFoundError, match="no such folder"):
        read_suite2p(tmp_path / "nothing", rate=1)
    (tmp_path / "empty").mkdir()
    with pytest.raises(MissingDataError, match=r"has no F.npy; it holds: nothing"):
        read_suite2p(tmp_path / "empty", rate=1)
    folder = tmp_path / "plane3"
    made = write_plane(folder)
    assert read_suite2p(folder, rate=1).traces["F"].columns[0] == "plane3_roi_0000"
    np.save(folder / "Fneu.npy", made["Fneu"][:, :-1])
    with pytest.raises(FileFormatError, match=r"differ in shape: F.npy \(6, 400\), Fneu.npy"):
        read_suite2p(folder, rate=1)
    np.save(folder / "Fneu.npy", made["Fneu"])
    np.save(folder / "iscell.npy", made["iscell"][:-1])
    with pytest.raises(FileFormatError, match=r"with 6 ROIs it should be \(6, 2\)"):
        read_suite2p(folder, rate=1)
    np.save(folder / "iscell.npy", made["iscell"])
    with pytest.raises(TooLargeError, match="beyond max_bytes=100"):
        read_suite2p(folder, rate=1, max_bytes=100)
    np.save(folder / "F.npy", made["F"][0])
    with pytest.raises(FileFormatError, match="2 dimensions"):
        read_suite2p(folder, rate=1)
    (folder / "F.npy").write_bytes(b"not an array")
    with pytest.raises(FileFormatError, match=r"F.npy is not a plain NumPy array"):
        read_suite2p(folder, rate=1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"neuropil": 1.5}, "neuropil must lie in"),
        ({"percentile": 101}, "percentile must lie in"),
        ({"baseline_window": 0}, "baseline_window must be positive"),
        ({"load": "F"}, "load must be some of"),
        ({"rate": 0}, "rate must be positive"),
    ],
)
def test_parameters_out_of_range_are_refused(tmp_path, options, message):
    write_plane(tmp_path)
    with pytest.raises(InvalidArgumentError, match=message):
        read_suite2p(tmp_path, **{"rate": 5.0, **options})


def test_planes_of_different_length_are_refused(tmp_path):
    write_plane(tmp_path / "plane0", n_frames=100)
    write_plane(tmp_path / "plane1", n_frames=90)
    with pytest.raises(FileFormatError, match=r"plane0 100, plane1 90"):
        read_suite2p(tmp_path, rate=1)


def test_no_cells_and_no_frames_are_no_crash(tmp_path):
    write_plane(tmp_path / "a", n_frames=0)
    assert read_suite2p(tmp_path / "a", rate=1).traces["dff"].values.shape == (0, 4)
    write_plane(tmp_path / "b")
    none = read_suite2p(tmp_path / "b", rate=1, min_probability=0.99)
    assert none.traces["dff"].values.shape == (400, 0)


def test_read_session_knows_the_folder(tmp_path):
    write_plane(tmp_path / "plane0")
    session = cf.io.read_session(tmp_path, rate=5.0)
    assert session.meta["format"] == "suite2p"
    cf.save(session, tmp_path / "stored")
    again = cf.load(tmp_path / "stored")
    np.testing.assert_array_equal(again.traces["dff"].values, session.traces["dff"].values)
