"""Entropy of weights against the sum over all entries."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import sparse

from cofire import errors, graph
from reference import graph_nulls as reference

values = arrays(
    np.float64, st.integers(2, 60), elements=st.floats(-1e3, 1e3, allow_subnormal=False)
).filter(lambda x: np.ptp(x) > 1e-6 * np.abs(x).max())


@given(values, st.sampled_from([2, 10, 100, 333]))
def test_entropy_equals_the_sum_over_all_entries(x, n_points):
    expected = reference.entropy(x, n_points)
    assert graph.weight_entropy(x, n_points=n_points) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("name", ["n100_ortho_s42", "n60_modular_s41"])
def test_entropy_equals_the_studys(shared, name):
    with np.load(shared / "golden" / "rnn" / f"endmetrics_{name}.npz") as data:
        weights, expected = data["W"], data["entropy"]
    assert graph.weight_entropy(weights) == pytest.approx(float(expected), abs=1e-6)


@pytest.mark.parametrize(
    "draw",
    [
        lambda rng: rng.normal(size=(120, 120)),
        lambda rng: rng.standard_cauchy((50, 50)),  # points without an entry near them
        lambda rng: rng.lognormal(0, 2, (90, 90)),
        lambda rng: rng.uniform(size=(3, 3)),
        lambda rng: 1.0 * (rng.random((80, 80)) < 0.1),
        lambda rng: np.append(rng.normal(size=1000), 1e6),
    ],
)
def test_entropy_of_other_distributions(draw):
    x = draw(np.random.default_rng(5))
    assert graph.weight_entropy(x) == pytest.approx(reference.entropy(x), abs=1e-6)


@given(values, st.floats(0.01, 100), st.floats(-10, 10), st.randoms(use_true_random=False))
def test_entropy_is_that_of_the_shape_alone(x, factor, shift, random):
    order = list(range(len(x)))
    random.shuffle(order)
    expected = graph.weight_entropy(x)
    assert graph.weight_entropy(factor * x[order]) == pytest.approx(expected, abs=1e-6)
    shifted = x + shift * np.ptp(x)
    assert graph.weight_entropy(shifted) == pytest.approx(expected, abs=1e-4)
    assert graph.weight_entropy(-x) == pytest.approx(expected, abs=1e-6)


@given(values, st.integers(2, 200))
def test_entropy_is_at_most_that_of_equal_shares(x, n_points):
    assert 0 <= graph.weight_entropy(x, n_points=n_points) <= np.log2(n_points) + 1e-9


@given(st.integers(2, 12), st.floats(0.05, 0.9), st.integers(0, 99))
def test_zeros_of_a_sparse_matrix_count(n, density, seed):
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(n, n)) * (rng.random((n, n)) < density)
    expected = graph.weight_entropy(matrix)
    found = graph.weight_entropy(sparse.csr_array(matrix))
    np.testing.assert_allclose(found, expected, atol=1e-9)
    digraph = nx.from_numpy_array(matrix, create_using=nx.DiGraph)
    np.testing.assert_allclose(graph.weight_entropy(digraph), expected, atol=1e-9)


def test_entropy_does_not_depend_on_threads(monkeypatch):
    monkeypatch.setattr("cofire.graph.entropy._BLOCK", 1000)
    x = np.random.default_rng(0).normal(size=(100, 100))
    assert graph.weight_entropy(x, threads=1) == graph.weight_entropy(x, threads=3)


@pytest.mark.parametrize("x", [[], [1.0], [[2.0, 2.0], [2.0, 2.0]], np.zeros((3, 3))])
def test_entropy_of_less_than_two_different_values_is_nan(x):
    assert np.isnan(graph.weight_entropy(x))
    if np.ndim(x) == 2:
        assert np.isnan(graph.weight_entropy(sparse.csr_array(x)))


def test_extreme_weights_do_not_overflow():
    x = np.random.default_rng(1).normal(size=500)
    expected = graph.weight_entropy(x)
    assert graph.weight_entropy(1e307 * x) == pytest.approx(expected, abs=1e-9)
    assert graph.weight_entropy(1e-300 * x) == pytest.approx(expected, abs=1e-9)


def test_entropy_takes_views_and_integers_and_leaves_them():
    x = np.arange(60).reshape(6, 10) ** 2
    before = x.copy()
    x.flags.writeable = False
    expected = reference.entropy(x[::2, ::-1])
    assert graph.weight_entropy(x[::2, ::-1]) == pytest.approx(expected, abs=1e-9)
    np.testing.assert_array_equal(x, before)


def test_mistakes_are_named():
    with pytest.raises(errors.InvalidArgumentError, match=r"weights\[1, 0\] is inf"):
        graph.weight_entropy([[0.0, 1.0], [np.inf, 0.0]])
    with pytest.raises(errors.InvalidArgumentError, match="weights must be finite"):
        graph.weight_entropy(sparse.csr_array([[0.0, np.nan]] * 2))
    with pytest.raises(errors.InvalidTypeError, match="real numbers, got str"):
        graph.weight_entropy("weights")
    with pytest.raises(errors.InvalidArgumentError, match="n_points must be at least 2"):
        graph.weight_entropy([1.0, 2.0], n_points=1)
