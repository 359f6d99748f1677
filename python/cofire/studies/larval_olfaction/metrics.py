"""How well are odors separated, and how alike are two networks? Plain arrays in and out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np

from cofire._validate import AnyArray, FloatArray, IntArray
from cofire.errors import InvalidArgumentError

SILENT = 1e-8
"""Norm below which a pattern counts as silent."""


def cosines(a: AnyArray, b: AnyArray) -> FloatArray:
    """Cosine of every row of `a` with every row of `b`; 0 where either is silent.

    Parameters
    ----------
    a, b : ndarray (n, d), (m, d)

    Returns
    -------
    ndarray (n, m) float64
    """
    first, second = (np.asarray(x, dtype=np.float64) for x in (a, b))
    norms = np.outer(np.linalg.norm(first, axis=1), np.linalg.norm(second, axis=1))
    audible = np.outer(
        np.linalg.norm(first, axis=1) >= SILENT, np.linalg.norm(second, axis=1) >= SILENT
    )
    product = first @ second.T
    return np.divide(product, norms, out=np.zeros_like(product), where=audible)


def nearest_centroid(trials: AnyArray, centroids: AnyArray) -> tuple[IntArray, IntArray]:
    """Classify trials by the largest cosine; silent trials are left out.

    Parameters
    ----------
    trials : ndarray (n_odors, n_trials, d)
    centroids : ndarray (n_odors, d)

    Returns
    -------
    (ndarray (n,) int64, ndarray (n,) int64)
        True and assigned odor of the trials that are not silent.
    """
    patterns = np.asarray(trials, dtype=np.float64)
    labels = np.repeat(np.arange(len(patterns)), patterns.shape[1])
    flat = patterns.reshape(len(labels), -1)
    heard = np.linalg.norm(flat, axis=1) >= SILENT
    return labels[heard], cosines(flat[heard], centroids).argmax(axis=1).astype(np.int64)


def centroid_accuracy(trials: AnyArray) -> float:
    """Share of the second half of trials nearest to the mean of the first half of their odor.

    Parameters
    ----------
    trials : ndarray (n_odors, n_trials, d)
        Counts of two trials or more.

    Returns
    -------
    float
        NaN if every trial of the second half is silent.
    """
    half = np.shape(trials)[1] // 2
    if not half:
        raise InvalidArgumentError("trials must hold at least two trials of each odor")
    patterns = np.asarray(trials, dtype=np.float64)
    labels, assigned = nearest_centroid(patterns[:, half:], patterns[:, :half].mean(axis=1))
    return float((labels == assigned).mean()) if len(labels) else float("nan")


def percent_decorrelated(before: AnyArray, after: AnyArray) -> float:
    """``100 (1 - mean over pairs of after / before)`` of two cosine matrices.

    Pairs with ``|before| <= 1e-8`` are left out.

    Parameters
    ----------
    before, after : ndarray (n, n)
        Pairwise cosines at an earlier and a later stage.
    """
    upper = np.triu_indices(len(before), 1)
    first, second = np.asarray(before)[upper], np.asarray(after)[upper]
    kept = np.abs(first) > SILENT
    return (
        float(100.0 * (1.0 - np.mean(second[kept] / first[kept]))) if kept.any() else float("nan")
    )


def confusion_matrix(labels: AnyArray, assigned: AnyArray, n: int) -> IntArray:
    """Count samples by true (rows) and assigned class (columns), (n, n) int64."""
    counts = np.zeros((n, n), dtype=np.int64)
    np.add.at(counts, (np.asarray(labels), np.asarray(assigned)), 1)
    return counts


def trial_consistency(trials: AnyArray) -> FloatArray:
    """Mean cosine over pairs of trials of the same odor.

    Parameters
    ----------
    trials : ndarray (n_odors, n_trials, d)

    Returns
    -------
    ndarray (n_odors,) float64
    """
    upper = np.triu_indices(np.shape(trials)[1], 1)
    return np.asarray([cosines(odor, odor)[upper].mean() for odor in np.asarray(trials)])


def pattern_similarity(patterns: AnyArray) -> FloatArray:
    """Cosine of the patterns of two models for the same odor, averaged over pairs of models.

    Parameters
    ----------
    patterns : ndarray (n_models, n_odors, d)

    Returns
    -------
    ndarray (n_odors,) float64
        NaN with fewer than two models.
    """
    values = np.asarray(patterns, dtype=np.float64)
    pairs = list(combinations(range(len(values)), 2))
    if not pairs:
        return np.full(values.shape[1], np.nan)
    alike = [np.diag(cosines(values[i], values[j])) for i, j in pairs]
    return np.asarray(np.mean(alike, axis=0))


def pearson(a: AnyArray, b: AnyArray) -> float:
    """Pearson correlation of two vectors; NaN if either is constant."""
    x, y = (np.ravel(np.asarray(v, dtype=np.float64)) for v in (a, b))
    x, y = x - x.mean(), y - y.mean()
    scale = np.linalg.norm(x) * np.linalg.norm(y)
    return float(x @ y / scale) if scale > 0 else float("nan")


def mean_pairwise_correlation(vectors: Sequence[AnyArray]) -> float:
    """Mean Pearson correlation over pairs of vectors; NaN with fewer than two."""
    pairs = [pearson(a, b) for a, b in combinations(vectors, 2)]
    return float(np.mean(pairs)) if pairs else float("nan")


def weighted_correlation(correlations: Mapping[str, float], weights: Mapping[str, int]) -> float:
    """Average of the correlations of groups of parameters, weighted by the groups' sizes."""
    total = sum(weights[name] for name in correlations)
    return sum(weights[name] * r for name, r in correlations.items()) / total


def coefficient_of_variation(values: AnyArray) -> FloatArray:
    """``sd / |mean|`` over the first axis (population sd).

    Parameters
    ----------
    values : ndarray (n_models, n)

    Returns
    -------
    ndarray (n,) float64
    """
    array = np.asarray(values, dtype=np.float64)
    return np.asarray(array.std(axis=0) / np.abs(array.mean(axis=0)))


def threshold_shares(thresholds: AnyArray) -> tuple[float, float, float]:
    """Share of spike thresholds at the lower bound, between, and at the upper bound.

    Lower: at most -54.5 mV (most excitable); upper: at least -30.5 mV.

    Parameters
    ----------
    thresholds : ndarray (n,), V
    """
    v = np.asarray(thresholds, dtype=np.float64)
    lower, upper = float((v <= -54.5e-3).mean()), float((v >= -30.5e-3).mean())
    return lower, 1.0 - lower - upper, upper


def active_fraction(codes: AnyArray) -> FloatArray:
    """Share of cells whose mean activity exceeds zero, by pattern.

    Parameters
    ----------
    codes : ndarray (n, d)
    """
    return np.asarray((np.asarray(codes) > 0).mean(axis=1))


def sub_additive_share(mixtures: AnyArray, sums: AnyArray, *, responsive: float = 0.01) -> float:
    """Share of responsive cells whose answer to a mixture stays below the sum of its components.

    Pooled over mixtures and cells; responsive: the sum or the mixture exceeds `responsive`.

    Parameters
    ----------
    mixtures, sums : ndarray (n_mixtures, d)
        Mean counts for the mixture, and summed over its components.

    References
    ----------
    Honegger, Campbell & Turner 2011, doi:10.1523/JNEUROSCI.1099-11.2011
    """
    mixture, total = (np.asarray(x, dtype=np.float64) for x in (mixtures, sums))
    answers = (total > responsive) | (mixture > responsive)
    return float((mixture < total)[answers].mean()) if answers.any() else float("nan")
