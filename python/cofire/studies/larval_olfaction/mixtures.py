"""How are mixtures of odors coded: as their components, as less than their sum, apart?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from cofire._validate import AnyArray, FloatArray, IntArray
from cofire.studies.larval_olfaction import metrics
from cofire.studies.larval_olfaction.config import OlfactionConfig
from cofire.studies.larval_olfaction.data import (
    Float32Array,
    OdorPanel,
    all_pairs,
    mix,
    noisy_inputs,
    random_triplets,
)
from cofire.studies.larval_olfaction.evaluation import independent_seed, noise_seed, run_trials
from cofire.studies.larval_olfaction.results import MixtureCoding

_TRIALS = 20
_SVM_TRIALS = 10
_SVM_PAIRS, _SVM_MIXTURES = 50, 20
_FOLDS = 5


def mixture_coding(
    network: Any,
    panel: OdorPanel,
    config: OlfactionConfig | None = None,
    *,
    seed: int = 42,
    cells: Callable[[Float32Array], Float32Array] | None = None,
) -> MixtureCoding:
    """Compare KC responses to mixtures with those to their components.

    Every pair of odors (without the baseline under the newer protocol), and random triplets; 20
    noisy trials of each.

    Parameters
    ----------
    network : OlfactoryNetwork
    panel : OdorPanel
    config : OlfactionConfig, optional
    seed : int
        Of the model; every model has mixtures and trials of its own.
    cells : callable, optional
        KC counts of trials (n, n_trials, n_receptors) in which the sub-additivity of single cells
        is measured; default, the network's (the predecessor took another network's).

    Returns
    -------
    MixtureCoding

    References
    ----------
    Honegger, Campbell & Turner 2011, doi:10.1523/JNEUROSCI.1099-11.2011
    """
    chosen = config or OlfactionConfig()
    fixed = independent_seed(noise_seed(chosen, seed), seed)
    rng = np.random.default_rng(fixed)
    odors = np.arange(1 if chosen.protocol == "newer" else 0, panel.n_odors)
    pairs = all_pairs(odors)
    triplets = random_triplets(odors, chosen.triplets, rng)
    stimuli = [panel.responses[odors], mix(panel, pairs), mix(panel, triplets)]
    inputs = noisy_inputs(np.concatenate(stimuli), _TRIALS, chosen.input_noise, rng)
    counts = run_trials(network, inputs, seed=fixed, n_steps=chosen.n_steps).kc
    borders = np.cumsum([len(s) for s in stimuli])[:-1]
    single, paired, tripled = np.split(counts, borders)
    place = np.full(panel.n_odors, -1)
    place[odors] = np.arange(len(odors))
    codes = single.mean(axis=1, dtype=np.float64)
    pair_codes = paired.mean(axis=1, dtype=np.float64)
    to_components = [_rowwise_cosine(pair_codes, codes[place[pairs[:, k]]]) for k in (0, 1)]
    measured = counts if cells is None else cells(inputs)
    shares = _sub_additive(measured, borders, place, (pairs, triplets))
    return MixtureCoding(
        pairs,
        triplets,
        np.mean(to_components, axis=0),
        _rowwise_cosine(pair_codes, codes[place[pairs]].mean(axis=1)),
        _activity_ratio(paired, single, place[pairs]),
        _activity_ratio(tripled, single, place[triplets]),
        *shares,
        *_separability(single / chosen.n_steps, paired / chosen.n_steps, rng),
    )


def _rowwise_cosine(a: FloatArray, b: FloatArray) -> FloatArray:
    return np.array([metrics.cosines(x[None], y[None])[0, 0] for x, y in zip(a, b, strict=True)])


def _activity_ratio(mixtures: AnyArray, single: AnyArray, members: IntArray) -> FloatArray:
    """Active fraction of each mixture over the mean of its components."""
    mixed, alone = (metrics.active_fraction(c.mean(axis=1)) for c in (mixtures, single))
    below = alone[members].mean(axis=1)
    ratio = np.full(len(mixed), np.nan)
    np.divide(mixed, below, out=ratio, where=below > 0)
    return ratio


def _sub_additive(
    counts: AnyArray, borders: AnyArray, place: IntArray, members: tuple[IntArray, IntArray]
) -> tuple[float, float]:
    mean = counts.mean(axis=1, dtype=np.float64)
    single, paired, tripled = np.split(mean, borders)
    pairs, triplets = (
        metrics.sub_additive_share(mixed, single[place[group]].sum(axis=1))
        for mixed, group in zip((paired, tripled), members, strict=True)
    )
    return pairs, triplets


def _separability(
    single: AnyArray, paired: AnyArray, rng: np.random.Generator
) -> tuple[float, float, float]:
    """Accuracy of linear classifiers: which odor, odor or mixture, which mixture."""
    chosen = paired[np.sort(rng.permutation(len(paired))[:_SVM_PAIRS])][:, :_SVM_TRIALS]
    some = chosen[np.sort(rng.permutation(len(chosen))[:_SVM_MIXTURES])]
    odors = single[:, :_SVM_TRIALS]
    both = np.concatenate([odors, chosen])
    is_mixture = (np.arange(len(both)) >= len(odors)).astype(np.int64)
    return (
        _cross_validated(odors, np.arange(len(odors))),
        _cross_validated(both, is_mixture),
        _cross_validated(some, np.arange(len(some))),
    )


def _cross_validated(trials: AnyArray, labels: IntArray) -> float:
    from sklearn.model_selection import cross_val_score
    from sklearn.svm import SVC

    n_trials = trials.shape[1]
    if len(trials) < 2 or n_trials < _FOLDS:
        return float("nan")
    x = trials.reshape(len(trials) * n_trials, -1).astype(np.float64)
    y = np.repeat(labels, n_trials)
    return float(cross_val_score(SVC(kernel="linear"), x, y, cv=_FOLDS).mean())
