import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import hypergeom

from cofire.assemblies import CORE, SVD, best_match
from cofire.assemblies.detectors._hamming import hamming_k_means
from cofire.assemblies.detectors.core import cluster_cores, cores, overlap_limits
from cofire.assemblies.detectors.svd import (
    _n_above,
    cosine_similarity,
    histogram_point,
    jaccard_similarity,
    roc_area,
    separate_states,
    state_members,
    tf_idf,
)
from cofire.datasets import make_calcium_recording
from cofire.errors import InvalidArgumentError, NoAssemblyWarning
from reference import detectors as reference

ALL = [
    CORE("threshold", shuffles="exact", rounds=20),
    SVD("threshold", shuffles="exact", n_std=4),
]
rasters = st.builds(
    lambda n, n_units, share, seed: np.random.default_rng(seed).random((n, n_units)) < share,
    st.integers(1, 12),
    st.integers(2, 7),
    st.sampled_from([0.2, 0.5, 0.8]),
    st.integers(0, 999),
)


def planted(n_frames=2000, n_units=30, seed=0, spacing=50):
    """Two groups of 8 that are active in turns."""
    dff = np.random.default_rng(seed).normal(0, 0.1, (n_frames, n_units))
    dff[10::spacing, :8] += 1
    dff[10 + spacing // 2 :: spacing, 8:16] += 1
    return dff


def found(model):
    return sorted(units.tolist() for units in model.assemblies_)


def test_states_of_planted_assemblies_are_found():
    model = ALL[1].fit(planted())
    assert found(model) == [list(range(8)), list(range(8, 16))]
    for k, units in enumerate(model.assemblies_):
        assert model.patterns_[model.labels_ == k + 1].mean(axis=0)[units].min() > 0.9
    activation = model.activation()
    np.testing.assert_array_equal(activation.active[:, 10::50].sum(axis=0), 1)


def test_cores_of_planted_assemblies_are_found():
    made = make_calcium_recording(4, 3, 900.0, rng=1)
    model = CORE().fit(made.traces)
    assert best_match(model.assemblies_, made.assemblies) > 0.9
    for k, units in enumerate(model.assemblies_):
        share = model.patterns_[model.labels_ == k + 1].mean(axis=0)
        np.testing.assert_array_equal(np.flatnonzero(share >= 0.5), units)


@pytest.mark.parametrize("model", ALL, ids=repr)
def test_the_order_of_units_does_not_matter(model):
    dff = planted()
    order = np.random.default_rng(1).permutation(30)
    plain = found(model.fit(dff))
    moved = model.fit(dff[:, order])
    assert sorted(sorted(order[u].tolist()) for u in moved.assemblies_) == plain


@pytest.mark.parametrize("model", ALL, ids=repr)
def test_threads_do_not_matter_and_frames_with_nan_are_dropped(model):
    dff = planted()
    dff[[3, 77], [0, 5]] = np.nan
    dff.setflags(write=False)
    one = model.set_params(threads=1).fit(dff)
    assert one.n_dropped_ == 2
    labels, peaks = one.labels_, one.peaks_
    two = model.set_params(threads=2).fit(dff)
    np.testing.assert_array_equal(two.labels_, labels)
    model.set_params(threads=None).fit(np.delete(dff, [3, 77], axis=0))
    np.testing.assert_array_equal(model.labels_, labels)
    np.testing.assert_array_equal(np.delete(np.arange(2000), [3, 77])[model.peaks_], peaks)


@pytest.mark.parametrize("model", ALL, ids=repr)
@pytest.mark.parametrize("shape", [(0, 0), (0, 3), (5, 0), (1, 1), (9, 3)])
def test_recordings_without_anything_give_no_assembly_and_say_why(model, shape):
    with pytest.warns(NoAssemblyWarning, match=f"no assembly by {type(model).__name__}: "):
        model.fit(np.zeros(shape))
    assert model.assemblies_ == []
    assert len(model.labels_) == len(model.patterns_)
    assert len(model.to_frame()) == 0


@pytest.mark.parametrize("model", ALL, ids=repr)
def test_input_and_parameters_are_checked(model):
    with pytest.raises(InvalidArgumentError, match="dff must have shape"):
        model.fit(np.zeros(4))
    for name, value, message in (
        ("p", 0, "p must lie between 0 and 1"),
        ("shuffles", 0, "shuffles must be at least 1"),
        ("shuffles", "many", 'shuffles must be a number or "exact"'),
    ):
        other = type(model)(**{**model.get_params(), name: value})
        with pytest.raises(InvalidArgumentError, match=message):
            other.fit(planted())


def test_more_parameters_are_checked():
    with pytest.raises(InvalidArgumentError, match='relabelings must be a number or "exact"'):
        CORE(relabelings="all").fit(planted())
    with pytest.raises(InvalidArgumentError, match="rounds must be at least 1"):
        CORE(rounds=0).fit(planted())
    with pytest.raises(InvalidArgumentError, match="similarity_percentiles must be two numbers"):
        SVD(similarity_percentiles=(98, 101)).fit(planted())
    with pytest.raises(InvalidArgumentError, match="min_share must lie in"):
        SVD(min_share=2).fit(planted())


# CORE --------------------------------------------------------------------------------------------


@given(rasters)
def test_cores_are_their_definition(raster):
    n_units = raster.shape[1]
    frames = raster[raster.any(axis=1) & ~raster.all(axis=1)]
    if len(frames) == 0:
        return
    expected = reference.cores(raster, frames, lambda a, b: hypergeom.ppf(0.95, n_units, a, b))
    assert [tuple(core) for core in cores(raster, frames, None, 0)] == expected


def test_relabelings_approach_their_limit():
    sizes = np.array([3, 10, 25])
    limit = overlap_limits(sizes, 60, None, 0)
    np.testing.assert_array_equal(limit, limit.T)
    np.testing.assert_array_equal(overlap_limits(sizes, 60, 50_000, 0), limit)
    # Correlation grows with the overlap alone: relabel units one by one.
    rng = np.random.default_rng(0)
    a, b = np.zeros((2, 60))
    a[:10] = b[:25] = 1
    r = [np.corrcoef(rng.permutation(a), b)[0, 1] for _ in range(4000)]
    overlap = limit[1, 2]
    covariance = overlap / 60 - 10 * 25 / 60**2
    np.testing.assert_allclose(np.percentile(r, 95), covariance / (a.std() * b.std()), atol=1e-9)


@given(rasters, st.integers(2, 4), st.integers(0, 9))
def test_k_means_ends_with_nearest_centers_and_the_silhouette_is_its_definition(x, k, seed):
    x = np.unique(x, axis=0).astype(np.uint8)
    n = len(x)
    if n < k:
        return
    distance = (x[:, None] != x).mean(axis=2)
    labels = np.empty(n, np.int64)
    draws = np.random.default_rng(seed).random(k)
    total, silhouette = hamming_k_means(x, distance, k, draws, labels)
    assert labels.min() >= 0
    assert labels.max() < k
    if len(set(labels.tolist())) > 1:
        expected = reference.silhouette(distance, labels.tolist())
        np.testing.assert_allclose(silhouette, expected, atol=1e-12)
    # Distances to the majority of the own group.
    centers = np.array([2 * x[labels == j].sum(axis=0) > (labels == j).sum() for j in range(k)])
    assert total <= (x != centers[labels]).mean(axis=1).sum() + 1e-9
    again = np.empty(n, np.int64)
    plain = hamming_k_means._function(x, distance, k, draws, again)
    np.testing.assert_array_equal(again, labels)
    np.testing.assert_allclose(plain, (total, silhouette))


def test_clusters_of_cores_are_found_and_their_number():
    patterns = np.kron(np.eye(3, dtype=int), np.ones((5, 6), int)).astype(bool)
    patterns ^= np.random.default_rng(0).random(patterns.shape) < 0.03
    labels, silhouette = cluster_cores(patterns, 20, 0)
    assert reference.counts_of(labels.tolist()) == [5, 5, 5]
    assert np.nanargmax(silhouette) == 3
    assert len(silhouette) == 5
    assert np.isnan(silhouette[:2]).all()
    labels, silhouette = cluster_cores(patterns[:4], 5, 0)  # no choice
    assert labels.tolist() == [1, 1, 1, 1]


def test_one_core_is_an_assembly():
    raster = np.zeros((100, 12), bool)
    raster[::10, :5] = True
    raster[np.arange(100), 5 + np.arange(100) % 7] = True
    model = CORE(raster, shuffles="exact").fit(raster.astype(float))
    assert found(model) == [[0, 1, 2, 3, 4]]
    assert model.labels_.tolist() == [1] * len(model.patterns_)


# SVD ---------------------------------------------------------------------------------------------


@given(rasters)
def test_tf_idf_is_its_definition(raster):
    np.testing.assert_allclose(tf_idf(raster), reference.tf_idf(raster), atol=1e-12)


@given(rasters)
def test_similarities_are_their_definitions(raster):
    cosine, jaccard = cosine_similarity(raster.astype(float)), jaccard_similarity(raster)
    for i, a in enumerate(raster):
        for j, b in enumerate(raster):
            both, any_ = (a & b).sum(), (a | b).sum()
            norm = np.sqrt(a.sum() * b.sum())
            np.testing.assert_allclose(cosine[i, j], both / norm if norm else 0, atol=1e-12)
            np.testing.assert_allclose(jaccard[i, j], both / any_ if any_ else 0)


@given(st.integers(1, 20), st.integers(0, 99))
def test_the_roc_area_counts_pairs(n, seed):
    rng = np.random.default_rng(seed)
    score, positive = rng.integers(0, 4, n).astype(float), rng.random(n) < 0.5
    if positive.all() or not positive.any():
        assert roc_area(score, positive) == 0.5
    else:
        np.testing.assert_allclose(roc_area(score, positive), reference.roc_area(score, positive))


@given(st.integers(1, 10), st.floats(0.1, 5), st.sampled_from([0.05, 0.4, 0.7]), st.integers(0, 99))
def test_entries_of_a_factor_are_counted(n, value, cut, seed):
    v = np.random.default_rng(seed).normal(size=n)
    assert _n_above(v, value, cut) == (np.outer(v, v) * value > cut + 1e-13).sum()


@given(st.integers(3, 12), st.integers(0, 99))
def test_states_are_separate_and_the_cut_is_the_lowest(n, seed):
    rng = np.random.default_rng(seed)
    similar = rng.random((n, n)) < 0.4
    similar = similar | similar.T | np.eye(n, dtype=bool)
    _, s, vt = np.linalg.svd(similar.astype(float))
    states, cut = separate_states(vt[:5].T, s[:5], 0.025)
    assert (states.sum(axis=1) <= 1).all()
    assert cut >= 0.4
    if cut > 0.4:
        before = vt[:5].T ** 2 * s[:5] > cut - 0.01
        assert (before.sum(axis=1) > 1).any()


def test_blocks_are_states():
    similar = np.kron(np.eye(3), np.ones((6, 6)))
    _, s, vt = np.linalg.svd(similar)
    states, cut = separate_states(vt[:4].T, s[:4], 0.025)
    assert cut == 0.4
    assert sorted(np.flatnonzero(state).tolist() for state in states.T) == [
        list(range(6)), list(range(6, 12)), list(range(12, 18))
    ]  # fmt: skip


def test_members_tell_a_state_from_the_other_frames():
    raster = np.zeros((20, 10), bool)
    raster[:10, :4] = raster[10:, 5:9] = True
    raster[0, 9] = raster[15, 0] = True
    state = np.arange(20) < 10
    assert state_members(raster, tf_idf(raster), state).tolist() == [0, 1, 2, 3, 9]
    assert len(state_members(raster, tf_idf(raster), np.zeros(20, bool))) == 0


def test_the_histogram_point_is_an_upper_edge():
    counts = np.zeros(100, int)
    counts[[0, 10, 50]] = 90, 8, 2
    assert histogram_point(counts, 98) == 0.11
    assert histogram_point(counts, 99) == 0.51
    assert histogram_point(np.zeros(100, int), 98) == 0


def test_svd_keeps_what_led_to_its_result():
    model = SVD("threshold", shuffles="exact").fit(planted())
    assert ((model.cutoffs_ > 0) & (model.cutoffs_ <= 1)).all()
    assert model.cut_ >= 0.4
    assert (np.diff(model.singular_values_) <= 1e-12).all()
    assert (model.coactivity_[model.peaks_] >= model.threshold_).all()
    assert len(model.patterns_) == len(model.peaks_) == len(model.labels_)
