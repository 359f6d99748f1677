"""What the larval olfaction study returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cofire._validate import FloatArray, IntArray
from cofire.studies.larval_olfaction._plotted import Plotted

if TYPE_CHECKING:
    import pandas as pd

VERDICTS = ("PASS", "PARTIAL", "FAIL")


@dataclass(frozen=True, slots=True)
class TrainingHistory(Plotted):
    """Course of one training, epoch by epoch.

    Attributes
    ----------
    epoch : ndarray (n,) int64
        From 1; teacher and student each begin anew.
    stage : tuple of str
        "teacher" or "student".
    loss : ndarray (n,)
        Mean over the steps of an epoch.
    accuracy : ndarray (n,)
        Share of the training samples of the epoch named correctly, in [0, 1].
    test_accuracy : ndarray (n,)
        Of five noisy samples of each odor, with hard spikes; NaN in epochs without a test.
    sparsity : ndarray (n,)
        Mean share of active KCs in the same test.
    apl_ratio : ndarray (n,)
        KC spikes without over with input to the APL (see :class:`AplSuppression`); NaN without a
        test, and of teachers.
    """

    epoch: IntArray
    stage: tuple[str, ...]
    loss: FloatArray
    accuracy: FloatArray
    test_accuracy: FloatArray
    sparsity: FloatArray
    apl_ratio: FloatArray

    def to_frame(self) -> pd.DataFrame:
        """Table with a row per epoch."""
        import pandas as pd

        return pd.DataFrame({name: getattr(self, name) for name in self.__slots__})

    def __repr__(self) -> str:
        n = self.stage.count("student")
        return f"TrainingHistory({self.stage.count('teacher')} teacher epochs, {n} student epochs)"


@dataclass(frozen=True, slots=True)
class Decorrelation(Plotted):
    """How similar are the patterns of two odors, receptor by receptor stage?

    Attributes
    ----------
    cos_or, cos_pn, cos_kc : ndarray (n_odors, n_odors)
        Cosine of the mean patterns at receptors, PNs and KCs; 0 with a silent one.
    al, mb, total : float, %
        ``100 (1 - mean ratio of cosines)`` from OR to PN, PN to KC, OR to KC.
    """

    cos_or: FloatArray
    cos_pn: FloatArray
    cos_kc: FloatArray
    al: float
    mb: float
    total: float

    def to_frame(self) -> pd.DataFrame:
        """Table with a row per pair of odors: indices and the three cosines."""
        import pandas as pd

        i, j = np.triu_indices(len(self.cos_or), 1)
        stages = {"cos_or": self.cos_or, "cos_pn": self.cos_pn, "cos_kc": self.cos_kc}
        columns = {name: matrix[i, j] for name, matrix in stages.items()}
        return pd.DataFrame({"odor_a": i, "odor_b": j, **columns})

    def __repr__(self) -> str:
        return f"Decorrelation(AL {self.al:.1f} %, MB {self.mb:.1f} %, total {self.total:.1f} %)"


@dataclass(frozen=True, slots=True)
class AplSuppression:
    """KC spikes driven by a current, without and with input to the APL.

    Attributes
    ----------
    base, boosted : ndarray (n_trials,)
        Spikes of all KCs in a trial.
    """

    base: FloatArray
    boosted: FloatArray

    @property
    def ratio(self) -> float:
        """Mean of `base` over mean of `boosted` (at least 0.1)."""
        return float(self.base.mean() / max(float(self.boosted.mean()), 0.1))

    @property
    def suppression(self) -> float:
        """``100 (1 - 1 / ratio)``, %; NaN without spikes."""
        return 100.0 * (1.0 - 1.0 / self.ratio) if self.ratio > 0 else float("nan")

    @property
    def verdict(self) -> str:
        """PASS for a ratio from 1.5 to 2.5."""
        return "PASS" if 1.5 <= self.ratio <= 2.5 else "FAIL"

    def __repr__(self) -> str:
        return f"AplSuppression(ratio {self.ratio:.2f}, {self.suppression:.0f} %, {self.verdict})"


@dataclass(frozen=True, slots=True)
class ConcentrationSeries(Plotted):
    """Activity and identification of odors over concentration.

    Attributes
    ----------
    concentration : ndarray (C,)
        Relative to the panel's.
    or_activity, pn_activity, kc_activity : ndarray (C,)
        Summed trial means (responses; counts), averaged over odors.
    decoder_accuracy : ndarray (C,)
        Share of trials that the decoder names correctly.
    centroid_accuracy : ndarray (C,)
        Share of trials whose KC pattern is nearest to the mean pattern of its odor at
        concentration 1.
    kc_similarity : ndarray (C,)
        Cosine of the mean KC pattern with that at concentration 1, averaged over odors.
    """

    concentration: FloatArray
    or_activity: FloatArray
    pn_activity: FloatArray
    kc_activity: FloatArray
    decoder_accuracy: FloatArray
    centroid_accuracy: FloatArray
    kc_similarity: FloatArray

    @property
    def or_range(self) -> float:
        """Receptor activity at the highest over that at the lowest concentration."""
        return _range(self.or_activity)

    @property
    def pn_range(self) -> float:
        """The same of PNs."""
        return _range(self.pn_activity)

    @property
    def kc_range(self) -> float:
        """The same of KCs."""
        return _range(self.kc_activity)

    @property
    def robustness(self) -> float:
        """Mean decoder accuracy from concentration 0.3 on."""
        return float(self.decoder_accuracy[self.concentration >= 0.3].mean())

    @property
    def identity(self) -> float:
        """Mean centroid accuracy at concentrations other than 1; NaN if there is none."""
        other = self.concentration != 1.0
        return float(self.centroid_accuracy[other].mean()) if other.any() else float("nan")

    def verdicts(self) -> dict[str, str]:
        """Tests of invariance: sublinear_pn, flat_kc, robust, identity (PASS, PARTIAL, FAIL)."""
        identity = VERDICTS[2 - (self.identity > 0.6) - (self.identity > 0.3)]
        return {
            "sublinear_pn": _verdict(self.pn_range < self.or_range),
            "flat_kc": _verdict(self.kc_range < 1.2),
            "robust": _verdict(self.robustness > 0.5),
            "identity": identity,
        }

    def to_frame(self) -> pd.DataFrame:
        """Table with a row per concentration."""
        import pandas as pd

        return pd.DataFrame({name: getattr(self, name) for name in self.__slots__})

    def __repr__(self) -> str:
        return (
            f"ConcentrationSeries({len(self.concentration)} concentrations, range OR "
            f"{self.or_range:.2f}, PN {self.pn_range:.2f}, KC {self.kc_range:.2f})"
        )


@dataclass(frozen=True, slots=True)
class Evaluation(Plotted):
    """Every metric of one trained model; parts that were not asked for are None.

    Attributes
    ----------
    odors : tuple of str
    accuracy, sparsity : float
        Share of test samples that the decoder names correctly; mean share of active KCs.
    confusion : ndarray (n_odors, n_odors) int64
        Test samples by true odor (rows) and named odor.
    centroid : float
        Share of trials nearest to the centroid of their odor.
    consistency : ndarray (n_odors,)
        Mean cosine between KC patterns of the trials of one odor.
    kc_patterns : ndarray (n_odors, n_kc)
        Mean KC counts of ten trials.
    decorrelation : Decorrelation
    apl : AplSuppression
    concentration : ConcentrationSeries
    """

    odors: tuple[str, ...]
    accuracy: float
    sparsity: float
    confusion: IntArray
    centroid: float | None = None
    consistency: FloatArray | None = None
    kc_patterns: FloatArray | None = None
    decorrelation: Decorrelation | None = None
    apl: AplSuppression | None = None
    concentration: ConcentrationSeries | None = None

    def scalars(self) -> dict[str, float]:
        """Headline numbers by name, in the units of the published tables.

        accuracy, sparsity, centroid, al, mb, total, apl_suppression in %; apl_ratio, or_range,
        pn_range, kc_range, robustness, identity as they are.
        """
        found: dict[str, float] = {
            "accuracy": 100 * self.accuracy,
            "sparsity": 100 * self.sparsity,
        }
        if self.centroid is not None:
            found["centroid"] = 100 * self.centroid
        if self.decorrelation is not None:
            found |= {name: getattr(self.decorrelation, name) for name in ("al", "mb", "total")}
        if self.apl is not None:
            found |= {"apl_ratio": self.apl.ratio, "apl_suppression": self.apl.suppression}
        if self.concentration is not None:
            names = ("or_range", "pn_range", "kc_range", "robustness", "identity")
            found |= {name: getattr(self.concentration, name) for name in names}
        return found

    def to_frame(self) -> pd.DataFrame:
        """Table of :meth:`scalars`: metric, value."""
        import pandas as pd

        return pd.DataFrame(list(self.scalars().items()), columns=["metric", "value"])

    def __repr__(self) -> str:
        return (
            f"Evaluation({len(self.odors)} odors, accuracy {100 * self.accuracy:.1f} %, "
            f"KC sparsity {100 * self.sparsity:.1f} %)"
        )


@dataclass(frozen=True, slots=True)
class ModelComparison:
    """How alike are models of the same training with other seeds?

    Attributes
    ----------
    seeds : ndarray (n_models,) int64
    kc_similarity : ndarray (n_odors,)
        Cosine of mean KC patterns, averaged over pairs of models.
    groups : tuple of str
        Vectors of parameters.
    correlation : ndarray (n_groups,)
        Pearson r of each vector, averaged over pairs of models.
    weights : ndarray (n_groups,) int64
        Of the groups in :attr:`headline`.
    concatenated : float
        Mean r over all raw parameters as one vector (mixed units).
    scalars : tuple of str
        Names of the scalar parameters.
    values : ndarray (n_models, n_scalars), SI
        In physical units, or raw logarithms under the older protocol.
    thresholds : ndarray (n_models, 4, 3)
        Share of spike thresholds of ORN, LN, PN, KC at the lower bound, between, at the upper.
    """

    seeds: IntArray
    kc_similarity: FloatArray
    groups: tuple[str, ...]
    correlation: FloatArray
    weights: IntArray
    concatenated: float
    scalars: tuple[str, ...]
    values: FloatArray
    thresholds: FloatArray

    @property
    def headline(self) -> float:
        """Average of :attr:`correlation` weighted by :attr:`weights`."""
        return float(self.correlation @ self.weights / self.weights.sum())

    @property
    def variation(self) -> FloatArray:
        """Coefficient of variation of each scalar (population sd over |mean|), (n_scalars,)."""
        return np.asarray(self.values.std(axis=0) / np.abs(self.values.mean(axis=0)))

    def to_frame(self) -> pd.DataFrame:
        """Table of the scalars: name, mean, sd, cv."""
        import pandas as pd

        return pd.DataFrame(
            {
                "parameter": self.scalars,
                "mean": self.values.mean(axis=0),
                "sd": self.values.std(axis=0),
                "cv": self.variation,
            }
        )

    def __repr__(self) -> str:
        return (
            f"ModelComparison({len(self.seeds)} models, parameter r {self.headline:.3f}, "
            f"KC similarity {float(np.mean(self.kc_similarity)):.3f})"
        )


@dataclass(frozen=True, slots=True)
class Consistency(Plotted):
    """Do teachers, and the students they start, agree across seeds?

    Attributes
    ----------
    seeds : ndarray (n_models,) int64
    groups : tuple of str
        or_gains, decoder_weight, decoder_bias, kc (thresholds), and ln, orn, pn of students only.
    teacher, student : ndarray (n_groups,)
        Mean pairwise Pearson r; NaN for what teachers lack.
    drift : ndarray (n_models, n_groups)
        r of each student with its own teacher; NaN likewise.
    scalars : tuple of str
    variation : ndarray (n_scalars,)
        Coefficient of variation of the students' scalars.
    """

    seeds: IntArray
    groups: tuple[str, ...]
    teacher: FloatArray
    student: FloatArray
    drift: FloatArray
    scalars: tuple[str, ...]
    variation: FloatArray

    def to_frame(self) -> pd.DataFrame:
        """Table with a row per group: teacher, student, drift (mean over models)."""
        import pandas as pd

        return pd.DataFrame(
            {
                "group": self.groups,
                "teacher": self.teacher,
                "student": self.student,
                "drift": self.drift.mean(axis=0),
            }
        )

    def __repr__(self) -> str:
        parts = (
            f"{name} {before:.3f} -> {after:.3f}"
            for name, before, after in zip(self.groups, self.teacher, self.student, strict=True)
            if np.isfinite(before)
        )
        return f"Consistency({len(self.seeds)} models, {', '.join(parts)})"


@dataclass(frozen=True, slots=True)
class MixtureCoding(Plotted):
    """How does a model represent mixtures of odors?

    Attributes
    ----------
    pairs : ndarray (n_pairs, 2) int64
        Indices of odors.
    triplets : ndarray (n_triplets, 3) int64
    component_cosine : ndarray (n_pairs,)
        Mean cosine of a mixture's KC code with its two components.
    linear_cosine : ndarray (n_pairs,)
        Cosine with the mean of the components.
    pair_ratio : ndarray (n_pairs,)
        Active fraction of a mixture over the mean of its components; NaN with silent ones.
    triplet_ratio : ndarray (n_triplets,)
        The same of triplets.
    sub_additive_pairs, sub_additive_triplets : float
        Share of responsive KCs that answer a mixture with less than the sum of its components.
    svm_odors, svm_mixture, svm_mixtures : float
        Accuracy of a linear classifier (5-fold): which odor; single odor or mixture; which mixture.
    """

    pairs: IntArray
    triplets: IntArray
    component_cosine: FloatArray
    linear_cosine: FloatArray
    pair_ratio: FloatArray
    triplet_ratio: FloatArray
    sub_additive_pairs: float
    sub_additive_triplets: float
    svm_odors: float
    svm_mixture: float
    svm_mixtures: float

    def scalars(self) -> dict[str, float]:
        """Headline numbers by name; shares and accuracies in %."""
        return {
            "mixture_component_cosine": float(self.component_cosine.mean()),
            "mixture_linear_cosine": float(self.linear_cosine.mean()),
            "pair_ratio": float(np.nanmean(self.pair_ratio)),
            "triplet_ratio": float(np.nanmean(self.triplet_ratio)),
            "sub_additive_pairs": 100 * self.sub_additive_pairs,
            "sub_additive_triplets": 100 * self.sub_additive_triplets,
            "svm_odors": 100 * self.svm_odors,
            "svm_mixture": 100 * self.svm_mixture,
            "svm_mixtures": 100 * self.svm_mixtures,
        }

    def to_frame(self) -> pd.DataFrame:
        """Table with a row per pair: odors, cosines, ratio."""
        import pandas as pd

        return pd.DataFrame(
            {
                "odor_a": self.pairs[:, 0],
                "odor_b": self.pairs[:, 1],
                "component_cosine": self.component_cosine,
                "linear_cosine": self.linear_cosine,
                "ratio": self.pair_ratio,
            }
        )

    def __repr__(self) -> str:
        return (
            f"MixtureCoding({len(self.pairs)} pairs, {len(self.triplets)} triplets, "
            f"sub-additive {100 * self.sub_additive_pairs:.1f} %)"
        )


@dataclass(frozen=True, slots=True)
class ThresholdScaling(Plotted):
    """Share of KC thresholds at the upper bound against the number of odors of the task.

    Attributes
    ----------
    n_odors : ndarray (n,) int64
    seeds : ndarray (n_seeds,) int64
    upper : ndarray (n, n_seeds)
        In [0, 1]; NaN where a model is missing.
    """

    n_odors: IntArray
    seeds: IntArray
    upper: FloatArray

    def to_frame(self) -> pd.DataFrame:
        """Long table: n_odors, seed, upper."""
        import pandas as pd

        row, column = (index.ravel() for index in np.indices(self.upper.shape))
        return pd.DataFrame(
            {
                "n_odors": self.n_odors[row],
                "seed": self.seeds[column],
                "upper": self.upper.ravel(),
            }
        )

    def __repr__(self) -> str:
        parts = (
            f"{int(n)}: {100 * float(np.nanmean(share)):.1f} %"
            for n, share in zip(self.n_odors, self.upper, strict=True)
        )
        return f"ThresholdScaling({', '.join(parts)})"


def _range(activity: FloatArray) -> float:
    return float(activity[-1] / activity[0]) if activity[0] else float("nan")


def _verdict(passed: bool) -> str:
    return VERDICTS[0] if passed else VERDICTS[2]
