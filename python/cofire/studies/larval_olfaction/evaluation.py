"""How well does a trained network tell odors apart? Noisy trials through it, and the metrics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np
import torch

from cofire._validate import AnyArray, FloatArray
from cofire.errors import InvalidArgumentError
from cofire.studies.larval_olfaction import metrics
from cofire.studies.larval_olfaction.config import OlfactionConfig
from cofire.studies.larval_olfaction.data import (
    Float32Array,
    OdorPanel,
    at_concentration,
    noisy_inputs,
)
from cofire.studies.larval_olfaction.results import (
    AplSuppression,
    ConcentrationSeries,
    Decorrelation,
    Evaluation,
)

PARTS = ("centroid", "patterns", "decorrelation", "apl", "concentration")
"""Parts of an evaluation beside the test of the decoder."""

_BATCH = 1400
_INJECTION = 1e-10
_PATTERN_TRIALS = 10
_SEEDS = {"decorrelation": 99999, "centroid": 12345}
_PATTERN_SEED = 54321


@dataclass(frozen=True, slots=True)
class Protocol:
    """Numbers of trials and the seed of an evaluation.

    Attributes
    ----------
    samples : int
        Noisy samples of each odor in the test of the decoder.
    centroid, decorrelation, apl, concentration : int
        Trials of each metric.
    seed : int or None
        Of noise; None: the seed of the model.
    """

    samples: int
    centroid: int
    decorrelation: int
    apl: int
    concentration: int
    seed: int | None


PROTOCOLS = MappingProxyType(
    {
        "newer": Protocol(50, 50, 50, 50, 50, 42),
        "older": Protocol(5, 20, 10, 20, 10, None),
    }
)


def noise_seed(config: OlfactionConfig, model_seed: int) -> int:
    """Seed of the noise in an evaluation of a model."""
    seed = PROTOCOLS[config.protocol].seed
    return model_seed if seed is None else seed


def independent_seed(fixed: int, model_seed: int) -> int:
    """Seed of noise that differs between models under any protocol."""
    return fixed + 1000 * (1 + model_seed)


@dataclass(frozen=True, slots=True)
class Trials:
    """Responses to trials of odors.

    Attributes
    ----------
    inputs : ndarray (n_odors, n_trials, n_receptors) float32
    pn, kc : ndarray (n_odors, n_trials, n) float32
        Spike counts.
    logits : ndarray (n_odors, n_trials, n_classes) float32
    """

    inputs: Float32Array
    pn: Float32Array
    kc: Float32Array
    logits: Float32Array

    def __repr__(self) -> str:
        return f"Trials({self.inputs.shape[0]} odors x {self.inputs.shape[1]} trials)"


def run_trials(
    network: Any,
    inputs: AnyArray,
    *,
    seed: int,
    ablate: Sequence[str] = (),
    n_steps: int = 30,
    **injections: float,
) -> Trials:
    """Simulate trials with all sources of noise on and hard spikes.

    Parameters
    ----------
    network : OlfactoryNetwork
    inputs : ndarray (n_odors, n_trials, n_receptors)
    seed : int
        Of the noise; the same for the same order of trials.
    ablate : sequence of str
        Any of "apl", "gaps", "std".
    n_steps : int
    **injections : float
        ``kc_inject`` (A), ``apl_inject``.
    """
    values = np.ascontiguousarray(inputs, dtype=np.float32)
    flat = torch.from_numpy(values.reshape(-1, values.shape[-1]))
    parts: dict[str, list[AnyArray]] = {"pn_count": [], "kc_count": [], "logits": []}
    dtype = next(network.parameters()).dtype
    with torch.no_grad():
        for number, chunk in enumerate(torch.split(flat, _BATCH)):
            out = network(
                chunk.to(dtype),
                mode="eval",
                noise=True,
                seed=seed + number,
                n_steps=n_steps,
                ablate=tuple(ablate),
                **injections,
            )
            for name, stored in parts.items():
                stored.append(getattr(out, name).to(torch.float32).numpy())
    shape = values.shape[:2]
    pn, kc, logits = (np.concatenate(p).reshape(*shape, -1) for p in parts.values())
    return Trials(values, pn, kc, logits)


def evaluate_model(
    network: Any,
    panel: OdorPanel,
    config: OlfactionConfig | None = None,
    *,
    seed: int = 42,
    ablate: Sequence[str] = (),
    parts: Sequence[str] = PARTS,
    additive: bool = False,
) -> Evaluation:
    """Compute the metrics of one model.

    Parameters
    ----------
    network : OlfactoryNetwork
    panel : OdorPanel
        Odors in the order of the decoder's classes.
    config : OlfactionConfig, optional
        ``protocol``, ``input_noise``, ``n_steps``, ``concentrations``, ``hill``,
        ``half_saturation``, ``injection``.
    seed : int
        Of the model: seed of the noise under the older protocol. KC patterns, which are compared
        between models, have trials of their own for every seed.
    ablate : sequence of str
        Any of "apl", "gaps", "std".
    parts : sequence of str
        Beside accuracy, sparsity and confusion: any of :data:`PARTS`.
    additive : bool
        Additive input noise in the test of the decoder.

    Returns
    -------
    Evaluation
    """
    unknown = [part for part in parts if part not in PARTS]
    if unknown:
        raise InvalidArgumentError(f"parts must be of {', '.join(PARTS)}, got {unknown[0]!r}")
    chosen = config or OlfactionConfig()
    protocol = PROTOCOLS[chosen.protocol]
    run = _Run(network, panel, chosen, protocol, noise_seed(chosen, seed), tuple(ablate))
    accuracy, sparsity, confusion = run.test(additive)
    found: dict[str, Any] = {}
    if "centroid" in parts:
        trials = run.trials("centroid", run.protocol.centroid).kc
        found["centroid"] = metrics.centroid_accuracy(trials)
        found["consistency"] = metrics.trial_consistency(trials)
    if "patterns" in parts:
        found["kc_patterns"] = _mean(run.patterns(seed).kc)
    if "decorrelation" in parts:
        found["decorrelation"] = _decorrelation(
            run.trials("decorrelation", run.protocol.decorrelation)
        )
    if "apl" in parts:
        found["apl"] = apl_suppression(
            network,
            len(panel.receptors),
            run.protocol.apl,
            seed=run.seed,
            injection=chosen.injection,
            ablate=run.ablate,
            n_steps=chosen.n_steps,
        )
    if "concentration" in parts:
        found["concentration"] = run.concentration()
    return Evaluation(panel.odors, accuracy, sparsity, confusion, **found)


@dataclass(frozen=True, slots=True)
class _Run:
    """One model under one protocol."""

    network: Any
    panel: OdorPanel
    config: OlfactionConfig
    protocol: Protocol
    seed: int
    ablate: tuple[str, ...]

    def simulate(self, inputs: AnyArray) -> Trials:
        return run_trials(
            self.network,
            inputs,
            seed=self.seed,
            ablate=self.ablate,
            n_steps=self.config.n_steps,
        )

    def trials(self, metric: str, n: int) -> Trials:
        rng = np.random.default_rng(_SEEDS[metric])
        return self.simulate(noisy_inputs(self.panel.responses, n, self.config.input_noise, rng))

    def patterns(self, model_seed: int) -> Trials:
        # Shared trials would make models look more alike than they are.
        rng = np.random.default_rng([_PATTERN_SEED, model_seed])
        inputs = noisy_inputs(self.panel.responses, _PATTERN_TRIALS, self.config.input_noise, rng)
        return replace(self, seed=independent_seed(self.seed, model_seed)).simulate(inputs)

    def test(self, additive: bool) -> tuple[float, float, Any]:
        return decoder_test(
            self.network,
            self.panel,
            self.protocol.samples,
            noise=self.config.input_noise,
            seed=self.seed,
            ablate=self.ablate,
            n_steps=self.config.n_steps,
            additive=additive,
        )

    def concentration(self) -> ConcentrationSeries:
        rng = np.random.default_rng(self.seed)
        levels = np.asarray(self.config.concentrations)
        runs = []
        for level in levels:
            clean = at_concentration(
                self.panel,
                float(level),
                hill=self.config.hill,
                half_saturation=self.config.half_saturation,
            )
            runs.append(
                self.simulate(
                    noisy_inputs(clean, self.protocol.concentration, self.config.input_noise, rng)
                )
            )
        return _concentration_series(levels, runs)


def decoder_test(
    network: Any,
    panel: OdorPanel,
    n_samples: int,
    *,
    noise: float,
    seed: int,
    ablate: Sequence[str] = (),
    n_steps: int = 30,
    additive: bool = False,
) -> tuple[float, float, Any]:
    """Accuracy of the decoder, share of active KCs, and confusion matrix over noisy samples."""
    rng = np.random.default_rng(seed)
    inputs = noisy_inputs(panel.responses, n_samples, noise, rng, additive=additive)
    trials = run_trials(network, inputs, seed=seed, ablate=ablate, n_steps=n_steps)
    labels = np.repeat(np.arange(panel.n_odors), n_samples)
    named = trials.logits.argmax(axis=2).ravel()
    confusion = metrics.confusion_matrix(labels, named, panel.n_odors)
    return float((labels == named).mean()), float((trials.kc > 0).mean()), confusion


def apl_suppression(
    network: Any,
    n_receptors: int,
    n_trials: int,
    *,
    seed: int,
    injection: float = 0.7,
    ablate: Sequence[str] = (),
    n_steps: int = 30,
) -> AplSuppression:
    """Spikes of KCs driven by 100 pA without odor, without and with a constant input to the APL."""
    silent = np.zeros((1, n_trials, n_receptors), dtype=np.float32)
    counts = [
        run_trials(
            network,
            silent,
            seed=seed,
            ablate=ablate,
            n_steps=n_steps,
            kc_inject=_INJECTION,
            apl_inject=apl,
        )
        .kc[0]
        .sum(axis=1, dtype=np.float64)
        for apl in (0.0, injection)
    ]
    return AplSuppression(counts[0], counts[1])


def _decorrelation(trials: Trials) -> Decorrelation:
    receptors, pn, kc = (
        metrics.cosines(mean, mean)
        for mean in (_mean(trials.inputs), _mean(trials.pn), _mean(trials.kc))
    )
    return Decorrelation(
        receptors,
        pn,
        kc,
        al=metrics.percent_decorrelated(receptors, pn),
        mb=metrics.percent_decorrelated(pn, kc),
        total=metrics.percent_decorrelated(receptors, kc),
    )


def _concentration_series(levels: FloatArray, runs: Sequence[Trials]) -> ConcentrationSeries:
    reference = _mean(runs[int(np.flatnonzero(levels == 1.0)[0])].kc)
    activity = {
        name: np.array([_mean(getattr(run, name)).sum(axis=1).mean() for run in runs])
        for name in ("inputs", "pn", "kc")
    }
    labels = 1 + np.arange(len(reference))[:, None]
    decoded = [float((run.logits.argmax(axis=2) == labels).mean()) for run in runs]
    nearest = []
    for run in runs:
        true, assigned = metrics.nearest_centroid(run.kc, reference)
        nearest.append(float((true == assigned).mean()) if len(true) else np.nan)
    alike = [float(np.diag(metrics.cosines(_mean(run.kc), reference)).mean()) for run in runs]
    return ConcentrationSeries(
        levels,
        activity["inputs"],
        activity["pn"],
        activity["kc"],
        np.array(decoded),
        np.array(nearest),
        np.array(alike),
    )


def _mean(trials: AnyArray) -> FloatArray:
    return np.asarray(trials.mean(axis=1, dtype=np.float64))
