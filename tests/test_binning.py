"""Counts in bins."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

import cofire as cf
from cofire import _core
from cofire.errors import CofireError, InvalidArgumentError, TooLargeError
from cofire.spikes import BinGrid, bin_spikes_sparse
from reference.binning import bin_spikes as reference_bins
from reference.binning import edges_of

DTYPES = ["uint8", "int32", "float32", "float64"]

# Ticks of 10 ms put many spikes on bin edges.
trains_of_ticks = st.lists(
    st.lists(st.integers(0, 400), max_size=40).map(lambda t: np.sort(t) / 100.0),
    min_size=1,
    max_size=5,
)
widths = st.sampled_from([0.01, 0.03, 0.1, 0.25, 0.7])
supports = st.lists(st.integers(0, 400), min_size=2, max_size=8, unique=True).map(
    lambda ticks: np.sort(ticks[: len(ticks) // 2 * 2]).reshape(-1, 2) / 100.0
)


def dense_and_sparse(trains, width, **options):
    """Counts of both kernels, which must agree."""
    counts = cf.bin_spikes(trains, width, **options).counts
    sparse = bin_spikes_sparse(trains, width, **options).counts
    np.testing.assert_array_equal(sparse.toarray(), counts)
    return counts


@given(trains_of_ticks, widths, supports)
def test_counts_are_those_of_the_definition(trains, width, support):
    merged = cf.Intervals(support, on_overlap="merge").merged().data
    counts, centers, epochs = reference_bins(trains, merged, width)
    for dtype in DTYPES:
        binned = cf.bin_spikes(trains, width, support=support, dtype=dtype)
        assert binned.counts.dtype == dtype
        np.testing.assert_array_equal(binned.counts, counts)
    sparse = bin_spikes_sparse(trains, width, support=support)
    np.testing.assert_array_equal(sparse.counts.toarray(), counts)
    np.testing.assert_allclose(binned.centers, centers, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(binned.support.data, np.reshape(epochs, (-1, 2)))
    assert len(np.unique(binned.epoch_index)) == len(epochs)


@given(trains_of_ticks, widths, supports, st.integers(2, 5))
def test_sparse_counts_equal_dense_ones_for_any_thread_count(trains, width, support, threads):
    dense = cf.bin_spikes(trains, width, support=support, threads=1)
    again = cf.bin_spikes(trains, width, support=support, threads=threads)
    sparse = bin_spikes_sparse(trains, width, support=support, threads=threads)
    np.testing.assert_array_equal(again.counts, dense.counts)
    np.testing.assert_array_equal(sparse.counts.toarray(), dense.counts)
    np.testing.assert_array_equal(sparse.centers, dense.centers)
    np.testing.assert_array_equal(sparse.epoch_index, dense.epoch_index)
    assert sparse.counts.nnz == np.count_nonzero(dense.counts)
    assert sparse.counts.has_sorted_indices
    assert len(sparse.to_frame()) == sparse.counts.nnz


@given(trains_of_ticks, widths, supports)
def test_counts_sum_to_the_spikes_inside_the_binned_support(trains, width, support):
    binned = cf.bin_spikes(trains, width, support=support)
    spikes = cf.SpikeTrains.from_list(trains, support=support)
    for train, row in zip(spikes, binned.counts, strict=True):
        # The last edge belongs to the last bin.
        assert row.sum() == binned.support.contains(train, closed="both").sum()


@given(trains_of_ticks, widths, st.randoms(use_true_random=False))
def test_units_do_not_depend_on_each_other(trains, width, random):
    order = list(range(len(trains)))
    random.shuffle(order)
    straight = cf.bin_spikes(trains, width, support=[[0, 4]]).counts
    shuffled = cf.bin_spikes([trains[i] for i in order], width, support=[[0, 4]]).counts
    np.testing.assert_array_equal(shuffled, straight[order])


@given(trains_of_ticks, widths, supports)
def test_counts_of_epochs_stand_side_by_side(trains, width, support):
    epochs = cf.Intervals(support)
    alone = [dense_and_sparse(trains, width, support=[epoch]) for epoch in epochs]
    together = dense_and_sparse(trains, width, support=epochs)
    np.testing.assert_array_equal(together, np.concatenate(alone, axis=1))


@given(
    st.lists(st.lists(st.integers(0, 256), max_size=40).map(np.sort), min_size=1, max_size=4),
    st.integers(1, 20),
    st.integers(-(10**6), 10**6),
)
def test_counts_move_with_the_clock(ticks, width, shift):
    # Multiples of 1/64 s are exact in binary, so that spikes on edges stay on them.
    trains = [t / 64 for t in ticks]
    here = dense_and_sparse(trains, width / 64, support=[[0, 1.5], [2, 4]])
    moved = [t + shift for t in trains]
    support = [[shift, shift + 1.5], [shift + 2, shift + 4]]
    np.testing.assert_array_equal(dense_and_sparse(moved, width / 64, support=support), here)


def test_a_spike_on_an_edge_belongs_to_the_later_bin_and_the_last_edge_to_the_last_bin():
    counts = dense_and_sparse([[0.1, 0.2, 0.25]], 0.1, support=[[0.0, 0.25]])
    np.testing.assert_array_equal(counts, [[0, 2]])


def test_equal_times_count_one_by_one():
    counts = dense_and_sparse([[0.15] * 3, [0.05, 0.15, 0.15]], 0.1, support=[[0.0, 0.25]])
    np.testing.assert_array_equal(counts, [[0, 3], [1, 2]])


def test_the_number_of_bins_is_a_floating_point_floor():
    assert cf.bin_spikes([[0.0]], 0.1, support=[[0.0, 0.3]]).n_bins == 2
    assert len(edges_of(0.0, 0.3, 0.1)) == 3


@pytest.mark.parametrize("start", [-7.3, 86_400.3, 1e9 + 0.3, 3e11, 1e13])
def test_narrow_bins_far_from_zero_agree_with_searching_the_edges(start):
    """At 1e13 s floats are as far apart as the bins, and no guess is near."""
    rng = np.random.default_rng(0)
    width = 0.002
    support = [[start, start + 30_000.5 * width]]
    edges = BinGrid.lay(cf.Intervals(support), width).edges()[0]
    n = len(edges) - 1
    # Spikes on the edges and one float to either side.
    on = rng.choice(edges[:-1], 5000)
    spikes = np.sort(np.concatenate([on, np.nextafter(on, -np.inf), np.nextafter(on, np.inf)]))
    spikes = spikes[(spikes >= start) & (spikes < edges[-1])]
    expected = np.bincount(np.searchsorted(edges, spikes, side="right") - 1, minlength=n)
    binned = cf.bin_spikes([spikes], width, support=support)
    np.testing.assert_array_equal(binned.counts[0], expected)
    sparse = bin_spikes_sparse([spikes], width, support=support)
    np.testing.assert_array_equal(sparse.counts.toarray()[0], expected)


def test_grid_centers_are_the_left_edges_plus_half_a_bin():
    grid = BinGrid.lay(cf.Intervals([[0.3, 1.2], [7.0, 9.9]]), 0.2)
    left = np.concatenate([edges[:-1] for edges in grid.edges()])
    np.testing.assert_allclose(grid.centers(), left + 0.1, rtol=0, atol=1e-15)
    single = BinGrid.lay(cf.Intervals([[0.3, 1.2]]), 0.2)
    np.testing.assert_array_equal(single.centers(), grid.centers()[: single.n_bins])


def test_binning_reproduces_the_reference_recording(golden, golden_session):
    expected = golden("binning")
    width = float(expected["weight_dt"])
    binned = cf.bin_spikes(golden_session.spikes, width, support=golden_session.detection)
    np.testing.assert_array_equal(binned.counts, expected["det_counts"])
    sparse = bin_spikes_sparse(golden_session.spikes, width, support=golden_session.detection)
    np.testing.assert_array_equal(sparse.counts.toarray(), expected["det_counts"])
    np.testing.assert_allclose(binned.centers, expected["det_centers"], rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(binned.support.data, expected["det_support"], rtol=1e-9)
    np.testing.assert_array_equal(np.bincount(binned.epoch_index), expected["det_lengths"])
    edges = np.concatenate(BinGrid.lay(golden_session.detection, width).edges())
    np.testing.assert_allclose(edges, expected["det_edges"], rtol=1e-9, atol=1e-11)


def test_restricted_spikes_are_those_of_the_reference(golden, golden_session):
    expected = golden("binning")
    inside = golden_session.spikes[golden_session.detection]
    np.testing.assert_array_equal(inside.times, expected["restricted_t"])
    np.testing.assert_array_equal(inside.offsets, expected["restricted_off"])


def test_whole_recording_reproduces_the_reference_counts(golden, golden_session):
    expected = golden("binning")
    binned = cf.bin_spikes(golden_session.spikes, float(expected["weight_dt"]))
    assert binned.n_bins == expected["full_n_bins"]
    stride = int(expected["stride"])
    np.testing.assert_array_equal(binned.counts[:, ::stride], expected["full_counts_strided"])
    np.testing.assert_array_equal(binned.counts.sum(axis=1), expected["full_total"])
    np.testing.assert_allclose(binned.centers[-1], expected["full_last_center"], rtol=1e-12)
    np.testing.assert_allclose(binned.support.data, expected["full_support"], rtol=1e-12)


def test_restricting_bins_reproduces_the_reference(golden, golden_session):
    expected = golden("binning")
    if "bst_in_theta_counts" not in expected:
        assert "bst_in_theta_failed" in expected
        return
    binned = cf.bin_spikes(golden_session.spikes, float(expected["weight_dt"]))
    inside = binned.restrict(golden_session.detection)
    np.testing.assert_array_equal(inside.counts, expected["bst_in_theta_counts"])
    np.testing.assert_allclose(inside.centers, expected["bst_in_theta_centers"], rtol=1e-12)


def test_spikes_outside_the_trains_own_support_are_not_counted():
    spikes = cf.SpikeTrains.from_list([[0.5, 1.5, 2.5]], support=[[0, 1], [2, 3]])
    binned = cf.bin_spikes(spikes, 0.5, support=[[0.5, 3.0]])
    np.testing.assert_array_equal(binned.counts, [[1, 0, 1]])
    np.testing.assert_array_equal(binned.epoch_index, [0, 1, 1])


@pytest.mark.parametrize(
    ("trains", "support", "shape"),
    [
        ([], [[0.0, 1.0]], (0, 10)),
        ([[]], [[0.0, 1.0]], (1, 10)),
        ([[], []], None, (2, 0)),
        ([[0.3]], [], (1, 0)),
        ([[0.3]], [[0.0, 0.05]], (1, 0)),
        ([[0.3]], None, (1, 0)),
    ],
)
def test_nothing_to_bin_gives_an_empty_or_silent_matrix(trains, support, shape):
    binned = cf.bin_spikes(trains, 0.1, support=support)
    sparse = bin_spikes_sparse(trains, 0.1, support=support)
    assert binned.counts.shape == sparse.counts.shape == shape
    assert not binned.counts.any()
    assert "units" in repr(binned)
    assert "occupied" in repr(sparse)


def test_read_only_strided_and_integer_times_are_accepted():
    times = np.arange(0, 20)[::2]
    times.flags.writeable = False
    counts = dense_and_sparse([times], 4, support=[[0, 20]])
    np.testing.assert_array_equal(counts, [[2, 2, 2, 2, 2]])
    np.testing.assert_array_equal(times, np.arange(0, 20, 2))


def test_evenly_scattered_spikes_fill_every_bin_alike():
    spikes = np.sort(np.random.default_rng(0).uniform(0, 100, 60_000))
    counts = dense_and_sparse([spikes], 0.1, support=[[0, 40], [40.05, 100]])
    assert counts.shape == (1, 999)
    assert chisquare(counts[0]).pvalue > 0.001


def test_a_full_uint8_bin_is_an_error_that_names_the_unit():
    full = np.full(255, 0.5)
    assert cf.bin_spikes([full], 1, support=[[0, 1]], dtype="uint8").counts[0, 0] == 255
    with pytest.raises(
        InvalidArgumentError, match=r"unit 1 .* more than 255 spikes; use \"int32\""
    ):
        cf.bin_spikes([full, np.full(256, 0.5)], 1, support=[[0, 1]], dtype="uint8")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"bin_width": 0.0}, r"bin_width must be positive \(s\)"),
        ({"bin_width": np.nan}, "bin_width must be finite"),
        ({"bin_width": 0.1, "dtype": "int16"}, "dtype must be one of uint8, int32"),
        ({"bin_width": 0.1, "threads": 0}, "threads must be a positive integer"),
    ],
)
def test_wrong_arguments_are_named(arguments, message):
    with pytest.raises(CofireError, match=message):
        cf.bin_spikes([[0.5]], support=[[0, 1]], **arguments)
    if "dtype" not in arguments:
        with pytest.raises(CofireError, match=message):
            bin_spikes_sparse([[0.5]], support=[[0, 1]], **arguments)


def test_counts_that_do_not_fit_into_memory_are_refused():
    with pytest.raises(TooLargeError, match="use wider bins"):
        cf.bin_spikes([[0.5]], 1e-9, support=[[0, 1e6]], dtype="float64")
    with pytest.raises(InvalidArgumentError, match=r"more than 2\^31"):
        bin_spikes_sparse([[0.5]], 1e-9, support=[[0, 10]])


@pytest.mark.parametrize("function", [cf.bin_spikes, bin_spikes_sparse])
def test_unsorted_and_nan_spikes_are_refused(function):
    with pytest.raises(CofireError, match="sorted"):
        function([[0.5, 0.2]], 0.1, support=[[0, 1]])
    with pytest.raises(CofireError, match="finite"):
        function([[0.5, np.nan]], 0.1, support=[[0, 1]])


@pytest.mark.parametrize("kernel", ["u8", "i32", "f32", "f64", "sparse"])
@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"times": np.array([0.2, 0.5], np.float32)}, TypeError, "incompatible"),
        ({"times": np.array([0.2, 0.0, 0.5])[::2]}, TypeError, "incompatible"),
        ({"times": np.array([[0.2, 0.5]])}, ValueError, "values must be 1-D"),
        ({"offsets": np.array([1, 2])}, ValueError, "offsets must start with 0"),
        ({"offsets": np.array([0, 2, 1, 2])}, ValueError, "offsets fall at position 2"),
        ({"offsets": np.array([0, 3])}, ValueError, "offsets end at 3, values have 2"),
        ({"stops": np.ones(2)}, ValueError, "disagree in length"),
        ({"bin_offsets": np.array([1, 3])}, ValueError, "bin_offsets must start with 0"),
        ({"bin_offsets": np.array([0, 0])}, ValueError, "at least one bin"),
        ({"steps": np.zeros(1)}, ValueError, "steps must be positive"),
        ({"starts": np.array([np.nan])}, ValueError, "starts and stops finite"),
        ({"n_threads": 0}, ValueError, "n_threads must be at least 1"),
    ],
)
def test_the_binding_refuses_what_would_read_out_of_bounds(kernel, changes, error, message):
    arguments = {
        "times": np.array([0.2, 0.5]),
        "offsets": np.array([0, 2]),
        "starts": np.zeros(1),
        "stops": np.ones(1),
        "steps": np.array([0.5]),
        "bin_offsets": np.array([0, 2]),
        "n_threads": 1,
    }
    with pytest.raises(error, match=message):
        getattr(_core, f"bin_spikes_{kernel}")(**arguments | changes)


def test_restrict_keeps_whole_bins():
    binned = cf.bin_spikes([[0.05, 0.25, 0.65]], 0.1, support=[[0.0, 1.0]])
    inside = binned.restrict([[0.15, 0.45], [0.55, 0.75]])
    np.testing.assert_allclose(inside.centers, [0.25, 0.35, 0.65])
    np.testing.assert_array_equal(inside.counts, [[1, 0, 1]])


def test_tables_have_bins_in_rows_and_units_in_columns():
    binned = cf.bin_spikes({7: [0.05], 9: [0.15, 0.16]}, 0.1, support=[[0.0, 0.2]])
    frame = binned.to_frame()
    assert list(frame.columns) == [7, 9]
    np.testing.assert_array_equal(frame.to_numpy(), [[1, 0], [0, 2]])
    np.testing.assert_array_equal(binned.to_sparse().toarray(), binned.counts)
