import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

import cofire as cf
from cofire.assemblies import SGC, best_match
from cofire.assemblies.sgc import (
    activity_raster,
    core_assemblies,
    cosine_distances,
    find_peaks,
    frames_of,
    similarity_graph,
    spectral_groups,
)
from cofire.assemblies.sgc.clustering import by_size
from cofire.errors import (
    ConvergenceWarning,
    InvalidArgumentError,
    InvalidTypeError,
    NoAssemblyWarning,
)
from reference import sgc as reference

patterns_strategy = st.builds(
    lambda n, n_units, share, seed: np.random.default_rng(seed).random((n, n_units)) < share,
    st.integers(2, 14),
    st.integers(1, 8),
    st.sampled_from([0.2, 0.5, 0.9]),
    st.integers(0, 999),
)


def planted(n_frames=2000, seed=0, spacing=50):
    """Two groups of 8 that are active in turns."""
    dff = np.random.default_rng(seed).normal(0, 0.1, (n_frames, 30))
    dff[10::spacing, :8] += 1
    dff[10 + spacing // 2 :: spacing, 8:16] += 1
    return dff


# Step A ------------------------------------------------------------------------------------------


@given(st.integers(2, 30), st.integers(1, 5), st.integers(0, 99))
def test_the_raster_is_its_definition(n_frames, n_units, seed):
    dff = np.random.default_rng(seed).normal(size=(n_frames, n_units)) ** 3
    dff[:, 0] = 0.1
    np.testing.assert_array_equal(activity_raster(dff, 2), reference.raster(dff))


@given(st.integers(0, 99), st.floats(0.1, 10), st.floats(-5, 5))
def test_the_raster_does_not_depend_on_scale_offset_and_order(seed, scale, offset):
    rng = np.random.default_rng(seed)
    dff = rng.normal(size=(40, 4)) ** 3
    raster = activity_raster(dff, 1.5)
    order = rng.permutation(40)
    np.testing.assert_array_equal(activity_raster(dff[order] * scale + offset, 1.5), raster[order])


def test_frames_with_nan_are_dropped_and_counted():
    dff = planted()
    gaps = dff.copy()
    gaps[[3, 500, 1999], [0, 7, 29]] = np.nan
    model = SGC(steps=200, affinity=0.4).fit(gaps)
    assert model.n_dropped_ == 3
    assert len(model.frames_) == len(model.raster_) == len(model.coactivity_) == 1997
    without = SGC(steps=200, affinity=0.4).fit(np.delete(dff, [3, 500, 1999], axis=0))
    np.testing.assert_array_equal(model.raster_, without.raster_)
    np.testing.assert_array_equal(model.labels_, without.labels_)
    np.testing.assert_array_equal(model.peaks_, model.frames_[without.peaks_])


def test_frames_are_not_copied_without_need():
    dff = planted().astype(np.float32)
    values, frames = frames_of(dff)
    assert values is dff
    np.testing.assert_array_equal(frames, np.arange(len(dff)))


# Step C ------------------------------------------------------------------------------------------


@given(
    st.lists(st.integers(0, 8), min_size=1, max_size=30),
    st.sampled_from([0.0, 0.05, 0.3]),
    st.sampled_from([-1.0, 0.0, 0.4]),
)
@settings(max_examples=300)
def test_peaks_follow_the_rules_one_by_one(values, selectivity, threshold):
    x = np.array(values) / 8
    expected = reference.peaks(x, threshold, selectivity)
    assert find_peaks(x, threshold, selectivity).tolist() == expected


@given(st.lists(st.integers(0, 8), min_size=3, max_size=30))
def test_peaks_are_ascending_local_maxima_above_the_threshold(values):
    x = np.array(values) / 8
    found = find_peaks(x, 0.2, 0.05)
    assert (np.diff(found) > 0).all()
    assert (x[found] > 0.2).all()
    padded = np.concatenate([[-1], x, [-1]])
    assert (padded[found] < x[found]).all()
    assert (padded[found + 2] <= x[found]).all()


def test_a_plateau_is_its_first_sample_and_ends_may_be_peaks():
    assert find_peaks([0, 1, 1, 1, 0], 0).tolist() == [1]
    assert find_peaks([1, 0, 1], 0).tolist() == [0, 2]
    assert find_peaks([0, 0.5, 1], 0).tolist() == [2]
    assert find_peaks([1, 0.5, 0], 0).tolist() == [0]
    assert find_peaks([0, 0, 0], -1).tolist() == []
    assert find_peaks([0.7], -1).tolist() == []
    assert find_peaks([], 0).tolist() == []


def test_small_bumps_are_no_peaks():
    assert find_peaks([0, 1, 0.97, 0.99, 0], 0, 0.05).tolist() == [1]
    assert find_peaks([0, 1, 0.9, 0.99, 0], 0, 0.05).tolist() == [1, 3]


# Step D ------------------------------------------------------------------------------------------


@given(patterns_strategy)
def test_the_graph_is_its_definition(patterns):
    adjacency, k = reference.graph(patterns.tolist())
    found = similarity_graph(patterns)
    assert found.n_neighbors == k
    np.testing.assert_array_equal(found.adjacency.toarray(), adjacency)
    assert found.n_edges == adjacency.sum() // 2


@given(patterns_strategy, st.randoms())
def test_the_graph_does_not_depend_on_the_order_of_patterns_and_units(patterns, random):
    rows = random.sample(range(len(patterns)), len(patterns))
    columns = random.sample(range(patterns.shape[1]), patterns.shape[1])
    moved = similarity_graph(patterns[np.ix_(rows, columns)]).adjacency.toarray()
    plain = similarity_graph(patterns).adjacency.toarray()
    np.testing.assert_array_equal(moved, plain[np.ix_(rows, rows)])
    assert not plain.diagonal().any()


def test_two_far_sets_of_equal_patterns_are_joined_by_all_pairs():
    patterns = np.repeat(np.eye(2, 6, dtype=bool), 5, axis=0)
    graph = similarity_graph(patterns)
    assert (graph.n_neighbors, graph.n_edges) == (5, 45)


def test_graphs_of_no_and_of_one_pattern_have_no_edges():
    for n in (0, 1):
        assert similarity_graph(np.ones((n, 3), bool)).n_edges == 0
    assert similarity_graph(np.ones((2, 3), bool)).n_edges == 1


def test_distances_are_cosine_distances():
    x = np.random.default_rng(0).random((6, 9)) < 0.4
    x[0] = False
    expected = [[reference.distance(a, b) for b in x.tolist()] for a in x.tolist()]
    np.testing.assert_allclose(cosine_distances(x), expected, atol=1e-15)
    np.testing.assert_array_equal(cosine_distances(x[:2], x), cosine_distances(x)[:2])


# Step F ------------------------------------------------------------------------------------------


def test_spectral_groups_are_the_blocks_by_size():
    sizes = (5, 9, 7)
    label = np.repeat([3, 1, 2], sizes)
    a = label[:, None] == label
    np.fill_diagonal(a, False)
    a[4, 5] = a[5, 4] = a[13, 14] = a[14, 13] = True
    order = np.random.default_rng(0).permutation(len(a))
    found = spectral_groups(csr_array(a[np.ix_(order, order)]), 3, 0, 20)
    np.testing.assert_array_equal(found.labels, label[order])
    assert found.residual < 1e-13
    assert found.eigenvalues[0] == pytest.approx(0, abs=1e-12)
    assert len(found.eigenvalues) == 3


def test_one_group_and_as_many_groups_as_nodes():
    a = csr_array(~np.eye(4, dtype=bool))
    assert spectral_groups(a, 1, 0, 5).labels.tolist() == [1] * 4
    assert sorted(spectral_groups(a, 4, 0, 5).labels.tolist()) == [1, 2, 3, 4]


def test_equal_groups_are_numbered_by_their_first_member():
    assert by_size(np.array([7, 2, 7, 2, 5])).tolist() == [1, 2, 1, 2, 3]


def test_failed_eigenvectors_are_reported_and_give_nothing(monkeypatch):
    monkeypatch.setattr("cofire.assemblies.sgc.clustering.MAX_RESIDUAL", -1.0)
    with (
        pytest.warns(ConvergenceWarning, match="spectral clustering failed"),
        pytest.warns(NoAssemblyWarning),
    ):
        model = SGC(steps=5).fit(planted())
    assert not model.groups_.any()
    assert model.assemblies_ == []


# Step G ------------------------------------------------------------------------------------------


@given(
    st.integers(1, 40),
    st.integers(1, 7),
    st.integers(1, 5),
    st.sampled_from([0.0, 0.2, 0.5]),
    st.integers(0, 9999),
)
@settings(max_examples=200)
def test_assemblies_are_those_of_the_rules_one_by_one(n, n_units, n_groups, affinity, seed):
    rng = np.random.default_rng(seed)
    groups = rng.integers(0, n_groups + 1, n)
    centers = rng.random((n_groups + 1, n_units)) < 0.5
    patterns = centers[groups] ^ (rng.random((n, n_units)) < 0.15)
    labels, assemblies = reference.core_assemblies(patterns, groups.tolist(), affinity)
    found = core_assemblies(patterns, groups, affinity)
    assert [units.tolist() for units in found.assemblies] == list(assemblies.values())
    number = {r: k + 1 for k, r in enumerate(assemblies)}
    assert found.labels.tolist() == [number.get(r, 0) for r in labels]


def test_alike_groups_merge_and_small_ones_vanish():
    first, second = np.zeros((2, 12), bool)
    first[:6] = second[6:] = True
    almost = first.copy()
    almost[0] = False
    patterns = np.array([first] * 6 + [almost] * 6 + [second] * 6 + [first ^ second] * 2)
    groups = np.repeat([1, 2, 3, 4], [6, 6, 6, 2])
    found = core_assemblies(patterns, groups, 0.2)
    assert [units.tolist() for units in found.assemblies] == [list(range(6)), list(range(6, 12))]
    assert found.labels.tolist() == [1] * 12 + [2] * 6 + [1] * 2


def test_no_groups_give_no_assemblies():
    found = core_assemblies(np.ones((4, 3), bool), np.zeros(4, np.int64), 0.2)
    assert found.assemblies == []
    assert not found.labels.any()
    assert core_assemblies(np.ones((0, 3), bool), np.zeros(0, np.int64), 0.2).assemblies == []


# All steps ---------------------------------------------------------------------------------------


def test_planted_groups_are_found():
    model = SGC(steps=200, affinity=0.4).fit(planted())
    assert sorted(units.tolist() for units in model.assemblies_) == [
        list(range(8)),
        list(range(8, 16)),
    ]
    for k, units in enumerate(model.assemblies_):
        frames = model.peaks_[model.labels_ == k + 1]
        assert set(frames.tolist()) == set(range(10 if units[0] == 0 else 35, 2000, 50))
    assert model.n_assemblies_ == len(model.to_frame()) == 2
    assert model.to_frame()["n_patterns"].tolist() == [40, 40]
    assert model.k_posterior_.sum() == pytest.approx(1)
    assert model.n_groups_ == model.k_posterior_.argmax()
    np.testing.assert_array_equal(model.patterns_, model.raster_[model.peaks_])
    np.testing.assert_array_equal(model.coactivity_, model.raster_.sum(axis=1))
    assert (model.coactivity_[model.peaks_] > model.threshold_).all()


@pytest.fixture(scope="module")
def published_case():
    """Recordings of the published acceptance: v = 5, K = 5, 1800 s."""
    return [cf.datasets.make_calcium_recording(5, 5, 1800.0, rng=seed) for seed in range(6)]


def test_planted_assemblies_of_calcium_recordings_are_found(published_case):
    scores = []
    for seed, made in enumerate(published_case):
        model = SGC(steps=500, rng=seed).fit(made.dff)
        scores.append(best_match(model.assemblies_, made.assemblies))
        chance = best_match(model.assemblies_, made.assemblies, chance=True, n_units=made.n_units)
        assert chance < 0.25
        assert 90 < len(model.peaks_) < 170
    assert np.median(scores) >= 0.93
    assert min(scores) >= 0.8


def test_the_default_benchmark_is_found():
    made = cf.datasets.make_calcium_recording(rng=0)
    model = SGC(steps=2000).fit(made.dff)
    assert 330 < len(model.peaks_) < 410
    assert best_match(model.assemblies_, made.assemblies) >= 0.9


@pytest.mark.slow
def test_the_default_benchmark_is_found_with_published_settings():
    made = cf.datasets.make_calcium_recording(rng=0)
    model = SGC().fit(made.dff)
    assert best_match(model.assemblies_, made.assemblies) >= 0.9


def test_any_number_of_threads_gives_the_same_assemblies(published_case):
    one, two = (SGC(steps=200, threads=n).fit(published_case[0].dff) for n in (1, 2))
    for name in ("labels_", "groups_", "null_", "k_posterior_", "equilibrium_"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))
    assert [a.tolist() for a in one.assemblies_] == [a.tolist() for a in two.assemblies_]
    np.testing.assert_array_equal(one.chains_.energy_trace, two.chains_.energy_trace)


def test_single_and_double_precision_fortran_order_and_traces_give_the_same():
    dff = np.round(planted(), 3).astype(np.float32)
    dff.setflags(write=False)
    model = SGC(steps=200, affinity=0.4).fit(dff)
    for other in (dff.astype(float), np.asfortranarray(dff), cf.Traces(dff, rate=6.0)):
        again = SGC(steps=200, affinity=0.4).fit(other)
        np.testing.assert_array_equal(model.raster_, again.raster_)
        np.testing.assert_array_equal(model.labels_, again.labels_)


def test_the_exact_null_gives_the_threshold_of_many_shuffles(published_case):
    dff = published_case[1].dff
    shuffled = SGC(steps=1).fit_groups(dff)
    exact = SGC(steps=1, shuffles="exact").fit_groups(dff)
    assert shuffled.threshold_ == exact.threshold_
    np.testing.assert_array_equal(shuffled.peaks_, exact.peaks_)
    shares = shuffled.null_ / shuffled.null_.sum()
    np.testing.assert_allclose(shares, exact.null_, atol=2e-3)


def test_assemblies_can_be_ordered_by_size(published_case):
    dff = published_case[0].dff
    plain, ordered = (SGC(steps=50, order=order).fit(dff) for order in ("group", "size"))
    sizes = [len(units) for units in ordered.assemblies_]
    assert sizes == sorted(sizes, reverse=True)
    rows = {tuple(u): f for u, f in plain.to_frame()[["units", "frames"]].to_numpy()}
    assert rows == {tuple(u): f for u, f in ordered.to_frame()[["units", "frames"]].to_numpy()}


def test_the_affinity_alone_can_be_changed(published_case):
    dff = published_case[0].dff
    model = SGC(steps=50).fit(dff)
    assert model.fit_assemblies(0.5).affinity == 0.5
    anew = SGC(steps=50, affinity=0.5).fit(dff)
    np.testing.assert_array_equal(model.labels_, anew.labels_)
    assert [a.tolist() for a in model.assemblies_] == [a.tolist() for a in anew.assemblies_]


def test_an_interrupted_fit_goes_on_where_it_was(tmp_path, monkeypatch):
    monkeypatch.setattr("cofire.assemblies.sgc.block_model._SLICE", 0.01)
    dff, steps = planted(), 5_000

    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        SGC(steps=steps, affinity=0.4, progress=stop, checkpoint=tmp_path / "sgc").fit(dff)
    assert 0 < cf.load(tmp_path / "sgc").n_done.sum() < 5 * steps
    calls = []
    again = SGC(
        steps=steps,
        affinity=0.4,
        checkpoint=tmp_path / "sgc",
        progress=lambda *call: calls.append(call),
    ).fit(dff)
    assert calls[-1] == (5 * steps, 5 * steps)
    at_once = SGC(steps=steps, affinity=0.4).fit(dff)
    np.testing.assert_array_equal(again.chains_.energy_trace, at_once.chains_.energy_trace)
    np.testing.assert_array_equal(again.labels_, at_once.labels_)


def test_a_fitted_detector_goes_to_disk_and_comes_back(tmp_path):
    model = SGC(steps=200, affinity=0.4).fit(planted())
    cf.save(model, tmp_path / "sgc")
    again = cf.load(tmp_path / "sgc")
    assert again.get_params() == model.get_params()
    for name in ("labels_", "patterns_", "k_posterior_", "raster_", "threshold_", "peaks_"):
        np.testing.assert_array_equal(getattr(again, name), getattr(model, name))
    assert [a.tolist() for a in again.assemblies_] == [a.tolist() for a in model.assemblies_]
    np.testing.assert_array_equal(again.chains_.k_trace, model.chains_.k_trace)
    assert again.graph_.n_edges == model.graph_.n_edges


def test_the_detector_can_be_cloned_and_takes_its_parameters_in_the_order_of_the_contract():
    from sklearn.base import clone

    model = SGC(1.5, "exact", 0.1, 3, 20, 0.4, "small", 7, 1)
    assert clone(model).get_params() == model.get_params()
    assert repr(model) == (
        "SGC(n_std=1.5, shuffles='exact', p=0.1, rounds=3, steps=20, affinity=0.4, "
        "K0='small', rng=7, threads=1)"
    )
    assert model.fit_groups(planted()).chains_.n_chains == 3
    with pytest.raises(AttributeError, match=r"call fit\(...\) first"):
        SGC().to_frame()


# Bad input ---------------------------------------------------------------------------------------


def nothing_found(dff, message, **parameters):
    with pytest.warns(NoAssemblyWarning, match=message):
        model = SGC(steps=5, **parameters).fit(dff)
    assert model.assemblies_ == []
    assert model.n_assemblies_ == 0
    assert not model.labels_.any()
    assert len(model.labels_) == len(model.patterns_) == len(model.peaks_)
    assert len(model.to_frame()) == 0
    return model


def test_constant_cells_are_never_active():
    dff = planted()
    dff[:, 20:] = 0.3
    assert not SGC(steps=1).fit_groups(dff).raster_[:, 20:].any()
    model = nothing_found(np.full((50, 4), 0.7), "0 of 50 frames are significant")
    assert model.threshold_ == 0
    assert model.graph_ is None


@pytest.mark.parametrize("shape", [(0, 5), (1, 5), (5, 0), (0, 0)])
def test_empty_recordings_hold_nothing(shape):
    model = nothing_found(np.zeros(shape), "no assembly")
    assert model.raster_.shape == shape
    nothing_found(np.zeros(shape), "no assembly", shuffles="exact")


def test_a_recording_of_gaps_holds_nothing():
    model = nothing_found(np.full((20, 3), np.nan), "no frame without NaN")
    assert model.n_dropped_ == 20
    assert np.isnan(model.threshold_)


def test_fewer_than_three_significant_frames_hold_nothing():
    dff = np.random.default_rng(0).normal(0, 0.1, (400, 20))
    dff[[100, 300]] += 2
    model = nothing_found(dff, "2 of 400 frames are significant peaks")
    assert model.peaks_.tolist() == [100, 300]
    assert (model.n_groups_, model.chains_) == (0, None)


def test_units_that_fire_on_their_own_hold_nothing():
    rng = np.random.default_rng(0)
    dff = rng.normal(0, 0.05, (300, 40))
    dff[rng.integers(0, 300, 400), rng.integers(0, 40, 400)] += 1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NoAssemblyWarning)
        model = SGC(steps=50, affinity=0.6).fit(dff)
    assert model.n_assemblies_ == 0
    assert model.graph_ is not None


def test_infinite_values_are_an_error_that_says_where():
    dff = planted()
    dff[7, 3] = np.inf
    with pytest.raises(InvalidArgumentError, match="frame 7 of unit 3"):
        SGC(steps=5).fit(dff)
    dff[7, 3], dff[8, 1] = np.nan, -np.inf
    with pytest.raises(InvalidArgumentError, match="frame 8 of unit 1"):
        SGC(steps=5).fit(dff)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"p": 0}, "p must lie between 0 and 1"),
        ({"p": 1.0}, "p must lie between 0 and 1"),
        ({"affinity": 1.0}, r"affinity must lie in \[0, 1\)"),
        ({"selectivity": -0.1}, "selectivity must lie in"),
        ({"shuffles": 0}, "shuffles must be at least 1"),
        ({"shuffles": "many"}, 'shuffles must be a number or "exact"'),
        ({"rounds": 0}, "rounds must be at least 1"),
        ({"steps": 0}, "steps must be at least 1"),
        ({"restarts": 0}, "restarts must be at least 1"),
        ({"K0": "big"}, "K0 must be"),
        ({"order": "age"}, "order must be"),
        ({"n_std": np.nan}, "n_std must be finite"),
        ({"rng": -1}, "rng must be at least 0"),
    ],
)
def test_wrong_parameters_are_named(change, message):
    with pytest.raises(InvalidArgumentError, match=message):
        SGC(**{"steps": 5, **change}).fit(planted())


def test_what_is_no_recording_is_refused():
    with pytest.raises(InvalidArgumentError, match=r"\(frames, units\)"):
        SGC().fit(np.zeros(5))
    with pytest.raises(InvalidTypeError, match="array of numbers"):
        SGC().fit([["a", "b"]])
