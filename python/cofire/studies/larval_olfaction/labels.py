"""Words for the numbers of the study, for tables and pages."""

from __future__ import annotations

from types import MappingProxyType

GROUP_TITLES = MappingProxyType(
    {
        "or_gains": "receptor gains",
        "decoder_weight": "decoder weights",
        "decoder_bias": "decoder biases",
        "kc": "KC thresholds",
        "ln": "LN thresholds",
        "orn": "ORN thresholds",
        "pn": "PN thresholds",
    }
)
"""Vectors of parameters that models are compared by."""

_STAGES = {
    "teacher": "r between teachers",
    "student": "r between students",
    "drift": "r of teacher and student",
}

METRIC_TITLES = MappingProxyType(
    {
        "accuracy": "accuracy of the decoder (%)",
        "sparsity": "active KCs (%)",
        "centroid": "accuracy by KC centroid (%)",
        "al": "AL decorrelation (%)",
        "mb": "MB decorrelation (%)",
        "total": "total decorrelation (%)",
        "apl_ratio": "APL ratio",
        "apl_suppression": "APL suppression (%)",
        "or_range": "OR range over concentration",
        "pn_range": "PN range over concentration",
        "kc_range": "KC range over concentration",
        "robustness": "decoder accuracy from 0.3 on",
        "identity": "centroid accuracy off 1",
        "kc_similarity": "KC similarity between models",
        "parameter_r": "parameter r between models",
        "concatenated_r": "r of all raw parameters",
        "largest_scalar_cv": "largest CV of a scalar (%)",
        "g_soma": "KC compartment coupling (nS)",
        "gap_ln": "gap junction LN–LN (nS)",
        "gap_pn": "gap junction PN–PN (nS)",
        "gap_eln_pn": "gap junction eLN–PN (nS)",
        "kc_upper": "KC thresholds at upper bound (%)",
        "ln_lower": "LN thresholds at lower bound (%)",
        "pn_interior": "PN thresholds between bounds (%)",
        "mixture_component_cosine": "mixture, cosine to component",
        "mixture_linear_cosine": "mixture, cosine to mean of components",
        "pair_ratio": "active fraction, pair / components",
        "triplet_ratio": "active fraction, triplet / components",
        "svm_odors": "classifier: which odor (%)",
        "svm_mixture": "classifier: odor or mixture (%)",
        "svm_mixtures": "classifier: which mixture (%)",
        "sub_additive_pairs": "sub-additive KCs, pairs (%)",
        "sub_additive_triplets": "sub-additive KCs, triplets (%)",
        **{
            f"{stage}_{group}": f"{start}, {title}"
            for stage, start in _STAGES.items()
            for group, title in GROUP_TITLES.items()
        },
    }
)
"""Metrics of :class:`ScoreTable` with their units."""
