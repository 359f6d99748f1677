"""How alike are models that differ in their seed, and students and their teachers?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.special import expit

from cofire._validate import AnyArray, FloatArray
from cofire.errors import InvalidArgumentError
from cofire.studies.larval_olfaction import metrics
from cofire.studies.larval_olfaction.config import OlfactionConfig
from cofire.studies.larval_olfaction.results import Consistency, ModelComparison

Parameters = Mapping[str, AnyArray]

GROUPS = {
    "or_gains": "or_to_orn.or_gains",
    "decoder_weight": "decoder.weight",
    "decoder_bias": "decoder.bias",
    "kc": "kc_layer.kc_neurons.v_th",
    "ln": "antennal_lobe.ln_neurons.v_th",
    "orn": "antennal_lobe.orn_neurons.v_th",
    "pn": "antennal_lobe.pn_neurons.v_th",
}
"""Vectors of parameters that are compared, and their published names in students."""

_TEACHER_GROUPS = {**dict(list(GROUPS.items())[:3]), "kc": "kc_layer.kc_threshold"}
_ORN_WEIGHT = 21
_THRESHOLDS = ("orn", "ln", "pn", "kc")


def compare_models(
    models: Mapping[int, Parameters],
    patterns: AnyArray,
    config: OlfactionConfig | None = None,
) -> ModelComparison:
    """Compare students of one training with different seeds.

    Parameters
    ----------
    models : mapping of int to mapping of str to ndarray
        Parameters by published names, by seed.
    patterns : ndarray (n_models, n_odors, n_kc)
        Mean KC patterns, in the same order.
    config : OlfactionConfig, optional
        ``threshold_weight``, ``protocol`` (older: scalars as raw logarithms).
    """
    chosen = config or OlfactionConfig()
    values = list(models.values())
    if not values or len(values) != len(patterns):
        raise InvalidArgumentError(f"{len(values)} models need as many patterns: {len(patterns)}")
    vectors = {name: [_vector(v, GROUPS[name]) for v in values] for name in GROUPS}
    sizes = {name: len(group[0]) for name, group in vectors.items()}
    if chosen.threshold_weight == "published":
        sizes["orn"] = _ORN_WEIGHT
    names, table = scalar_table(values, physical=chosen.protocol == "newer")
    return ModelComparison(
        np.array(list(models), dtype=np.int64),
        metrics.pattern_similarity(patterns),
        tuple(GROUPS),
        np.array([metrics.mean_pairwise_correlation(vectors[name]) for name in GROUPS]),
        np.array([sizes[name] for name in GROUPS], dtype=np.int64),
        metrics.mean_pairwise_correlation([_concatenated(v) for v in values]),
        names,
        table,
        np.array([[metrics.threshold_shares(v[GROUPS[p]]) for p in _THRESHOLDS] for v in values]),
    )


def consistency(
    teachers: Mapping[int, Parameters], students: Mapping[int, Parameters]
) -> Consistency:
    """Correlate teachers with each other, students with each other, and both.

    Parameters
    ----------
    teachers, students : mapping of int to mapping of str to ndarray
        Parameters by published names, by seed; the same seeds.
    """
    if list(teachers) != list(students):
        raise InvalidArgumentError(f"seeds differ: {list(teachers)} and {list(students)}")
    before, after, drift = [], [], []
    for name in GROUPS:
        own = [_vector(s, GROUPS[name]) for s in students.values()]
        after.append(metrics.mean_pairwise_correlation(own))
        if name not in _TEACHER_GROUPS:
            before.append(np.nan)
            drift.append([np.nan] * len(own))
            continue
        theirs = [_vector(t, _TEACHER_GROUPS[name]) for t in teachers.values()]
        before.append(metrics.mean_pairwise_correlation(theirs))
        drift.append([metrics.pearson(t, s) for t, s in zip(theirs, own, strict=True)])
    names, table = scalar_table(list(students.values()))
    return Consistency(
        np.array(list(students), dtype=np.int64),
        tuple(GROUPS),
        np.array(before),
        np.array(after),
        np.array(drift).T,
        names,
        metrics.coefficient_of_variation(table),
    )


def scalar_table(
    models: Sequence[Parameters], *, physical: bool = True
) -> tuple[tuple[str, ...], FloatArray]:
    """Names and values (n_models, n_scalars) of all scalar parameters.

    Parameters
    ----------
    models : sequence of mapping of str to ndarray
    physical : bool
        Exponentials of logarithms, logistic values of logits, softplus of gains; else raw.
    """
    names = tuple(name for name, value in models[0].items() if np.size(value) == 1)
    raw = [[float(np.ravel(model[name])[0]) for name in names] for model in models]
    if physical:
        raw = [[in_units(n, v) for n, v in zip(names, row, strict=True)] for row in raw]
    return names, np.array(raw)


def in_units(name: str, raw: float) -> float:
    """Value of a scalar parameter in SI units (or a share, or a gain), from its raw value."""
    field = name.rsplit(".", 1)[-1]
    if field.startswith("logit_"):
        return float(expit(raw))
    if "log_" in field:
        return float(np.exp(raw))
    return float(np.logaddexp(0.0, raw))


def _vector(model: Parameters, name: str) -> FloatArray:
    if name not in model:
        raise InvalidArgumentError(f"parameter {name} is missing from a model")
    return np.ravel(np.asarray(model[name], dtype=np.float64))


def _concatenated(model: Parameters) -> FloatArray:
    return np.concatenate([_vector(model, name) for name in sorted(model)])
