import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cofire as cf
from cofire.errors import ConvergenceWarning

METHODS = ["shrinkage", "empirical", "glasso", "ridge"]


def chain(n_bins=20_000, seed=0):
    """Units that are coupled to their neighbours alone."""
    rng = np.random.default_rng(seed)
    x = [rng.normal(size=n_bins)]
    for _ in range(3):
        x.append(0.7 * x[-1] + rng.normal(size=n_bins))
    return np.array(x)


def test_empirical_is_the_inverse_of_the_correlation_matrix():
    x = chain(500)
    np.testing.assert_allclose(cf.precision(x, "empirical") @ np.corrcoef(x), np.eye(4), atol=1e-9)


def test_ridge_is_the_inverse_with_a_penalty():
    x = chain(500)
    product = cf.precision(x, "ridge", alpha=0.3) @ (np.corrcoef(x) + 0.3 * np.eye(4))
    np.testing.assert_allclose(product, np.eye(4), atol=1e-9)


@settings(max_examples=15)
@given(st.integers(2, 12), st.integers(3, 60), st.integers(0, 1000))
def test_shrinkage_equals_scikit_learn_on_z_scores(n_units, n_bins, seed):
    from sklearn.covariance import LedoitWolf

    x = np.random.default_rng(seed).normal(size=(n_units, n_bins))
    z = (x - x.mean(axis=1, keepdims=True)) / x.std(axis=1, keepdims=True)
    expected = LedoitWolf(assume_centered=True).fit(z.T).precision_
    np.testing.assert_allclose(cf.precision(x, "shrinkage"), expected, rtol=1e-6, atol=1e-8)


def test_shrinkage_follows_the_formula_of_ledoit_and_wolf():
    x = chain(30)
    z = (x - x.mean(axis=1, keepdims=True)) / x.std(axis=1, keepdims=True)
    n, t = z.shape
    s = z @ z.T / t
    distance = np.sum((s - np.eye(n)) ** 2)
    noise = sum(np.sum((np.outer(c, c) - s) ** 2) for c in z.T) / t**2
    weight = min(noise, distance) / distance
    expected = np.linalg.inv((1 - weight) * s + weight * np.eye(n))
    np.testing.assert_allclose(cf.precision(x, "shrinkage"), expected, rtol=1e-9)


def test_auto_shrinks_below_ten_bins_per_unit():
    for n_bins, method in ((39, "shrinkage"), (40, "empirical")):
        x = chain(n_bins)
        assert np.array_equal(cf.precision(x), cf.precision(x, method))


def test_glasso_sets_weak_links_to_zero():
    matrix = cf.precision(chain(), "glasso", alpha=0.3)
    assert matrix[0, 3] == 0
    assert matrix[0, 1] < 0


@pytest.mark.parametrize("method", METHODS)
def test_every_method_is_symmetric_and_finds_the_chain(method):
    matrix = cf.precision(chain(), method, partial=True, alpha=0.05)
    assert np.array_equal(matrix, matrix.T)
    assert (matrix.diagonal() == 1).all()
    neighbours = matrix[np.arange(3), np.arange(1, 4)]
    assert neighbours.min() > 3 * np.abs(matrix[[0, 0, 1], [2, 3, 3]]).max()


def test_partial_correlation_equals_that_of_residuals():
    x = chain(300)
    x -= x.mean(axis=1, keepdims=True)
    others = x[2:].T
    a, b = (row - others @ np.linalg.lstsq(others, row, rcond=None)[0] for row in x[:2])
    expected = np.corrcoef(a, b)[0, 1]
    assert cf.precision(x, "empirical", partial=True)[0, 1] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("method", METHODS)
def test_order_of_units_and_scale_of_rows_do_not_matter(method):
    x = chain(200)
    order = [2, 0, 3, 1]
    expected = cf.precision(x, method)[np.ix_(order, order)]
    found = cf.precision(x[order] * [[3.0], [0.1], [7.0], [1.0]], method)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("method", METHODS)
def test_constant_rows_are_unrelated(method):
    x = np.insert(chain(200), 1, 4.2, axis=0)
    matrix = cf.precision(x, method)
    assert matrix[1].tolist() == [0, 1, 0, 0, 0]
    others = np.delete(np.delete(matrix, 1, 0), 1, 1)
    np.testing.assert_allclose(others, cf.precision(chain(200), method), rtol=1e-12)


def test_counts_and_binned_spikes_are_accepted():
    counts = np.random.default_rng(0).poisson(1.0, (3, 500))
    np.testing.assert_allclose(cf.precision(counts), cf.precision(counts * 1.0), rtol=1e-12)
    binned = cf.bin_spikes([[0.1, 0.5], [0.15, 0.9]], 0.1, support=[[0, 1]])
    assert cf.precision(binned).shape == (2, 2)


def test_no_units_and_only_constant_units_are_legal():
    assert cf.precision(np.zeros((0, 5))).shape == (0, 0)
    assert cf.precision(np.zeros((2, 5)), partial=True).tolist() == [[1, 0], [0, 1]]


def test_singular_covariance_is_refused_with_the_remedy():
    x = chain(200)
    for bad in (np.vstack([x, x[0]]), x[:, :3]):
        with pytest.raises(ValueError, match=r'singular.*use method="shrinkage"'):
            cf.precision(bad, "empirical")
        assert np.isfinite(cf.precision(bad, "shrinkage")).all()


def test_no_convergence_is_a_warning():
    with pytest.warns(ConvergenceWarning, match="did not converge in 1 iterations"):
        cf.precision(chain(200), "glasso", alpha=0.001, max_iter=1)


def test_wrong_arguments_are_named():
    with pytest.raises(ValueError, match="method must be one of"):
        cf.precision(chain(20), "magic")
    with pytest.raises(ValueError, match="alpha must be positive"):
        cf.precision(chain(20), "ridge", alpha=0.0)
    with pytest.raises(ValueError, match="x must be finite"):
        cf.precision([[1.0, np.inf], [1.0, 2.0]])
