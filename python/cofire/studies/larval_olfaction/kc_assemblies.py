"""Do Kenyon cells that fire together share their input, and are they wired together?

Assemblies are found in the spikes of a network during noisy odors; then the connectome says what
cells of one assembly have in common.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from cofire._optional import plotter
from cofire._validate import AnyArray, BoolArray, FloatArray, IntArray, integer
from cofire.assemblies import PCAICA, activation, find_members
from cofire.assemblies.pcaica import standardize
from cofire.errors import InvalidArgumentError, MissingDataError
from cofire.nn import OlfactoryNetwork
from cofire.spikes import bin_spikes
from cofire.stats import rank_sum
from cofire.studies.larval_olfaction.data import OdorPanel, noisy_inputs
from cofire.studies.larval_olfaction.metrics import cosines
from cofire.types import SpikeTrains

if TYPE_CHECKING:
    import pandas as pd

TRIAL_INTERVAL = 1.0
"""Time (s) from one trial to the next."""

_TYPES = ("aa", "ad", "da", "dd")


@dataclass(frozen=True, slots=True)
class WiringTest:
    """One measure of wiring, within against between assemblies.

    Attributes
    ----------
    measure : str
    within, between : float
        Mean over pairs of cells that share an assembly, and of cells that do not.
    n_within, n_between, n_cells : int
        Pairs, and the cells that they are made of.
    effect : float
        Cliff's delta, ``P(within > between) - P(within < between)`` over pairs of pairs.
    null : ndarray (n_permutations,)
        Difference of the means when the cells of one side exchange their memberships.
    p : float
        Two-sided: share of the null at least as far from 0, the data included. NaN without pairs.
    """

    measure: str
    within: float
    between: float
    n_within: int
    n_between: int
    n_cells: int
    effect: float
    null: FloatArray
    p: float

    @property
    def difference(self) -> float:
        """Within minus between."""
        return self.within - self.between

    def to_row(self) -> dict[str, Any]:
        """Values for a table, with mean and sd of the null instead of the null."""
        found = len(self.null) > 0
        return {
            "measure": self.measure,
            "within": self.within,
            "between": self.between,
            "difference": self.difference,
            "null_mean": float(self.null.mean()) if found else float("nan"),
            "null_sd": float(self.null.std()) if found else float("nan"),
            "cliffs_delta": self.effect,
            "p": self.p,
            "n_within": self.n_within,
            "n_between": self.n_between,
            "n_cells": self.n_cells,
        }


@dataclass(frozen=True, slots=True)
class KCAssemblies:
    """Assemblies of Kenyon cells in a network's spikes, and the wiring of their cells.

    Attributes
    ----------
    spikes : SpikeTrains
        Of all Kenyon cells; every trial is an epoch of the support.
    odors : tuple of str
    n_trials : int
        Of each odor.
    bin_width : float, s
    patterns : ndarray (n_assemblies, n_kc)
        Weights, see :class:`cofire.assemblies.PCAICA`.
    members : ndarray (n_assemblies, n_kc) bool
        Cells with large positive weights, see :func:`cofire.assemblies.find_members`.
    eigenvalues : ndarray (n_active,)
    threshold : float
        Eigenvalues above it are assemblies.
    tuning : ndarray (n_assemblies, n_odors)
        Mean activation during each odor.
    side : ndarray (n_kc,) int64
        Which of the APL neurons a cell has most contacts with: its hemisphere.
    input_similarity : ndarray (n_kc, n_kc)
        Cosine of the contacts from projection neurons.
    contacts : ndarray (n_kc, n_kc)
        Between two Kenyon cells, in both directions, of all types.
    tests : tuple of WiringTest
    """

    spikes: SpikeTrains
    odors: tuple[str, ...]
    n_trials: int
    bin_width: float
    patterns: FloatArray
    members: BoolArray
    eigenvalues: FloatArray
    threshold: float
    tuning: FloatArray
    side: IntArray
    input_similarity: FloatArray
    contacts: FloatArray
    tests: tuple[WiringTest, ...]

    @property
    def n_assemblies(self) -> int:
        """Number of assemblies."""
        return len(self.patterns)

    def to_frame(self) -> pd.DataFrame:
        """Table of the tests: measure, means, null, Cliff's delta, p and n."""
        import pandas as pd

        return pd.DataFrame([test.to_row() for test in self.tests])

    def assembly_frame(self) -> pd.DataFrame:
        """Table with a row an assembly: members by side, best odor, mean wiring of its pairs.

        Pairs are those of one side; NaN without any.
        """
        import pandas as pd

        rows = []
        for k, member in enumerate(self.members):
            pairs = np.triu(np.outer(member, member), 1) & _same(self.side)
            found = pairs.any()
            rows.append(
                {
                    "assembly": k,
                    "n_members": int(member.sum()),
                    "n_first_side": int((member & (self.side == 0)).sum()),
                    "best_odor": self.odors[int(self.tuning[k].argmax())],
                    "input_similarity": self.input_similarity[pairs].mean() if found else np.nan,
                    "contacts": self.contacts[pairs].mean() if found else np.nan,
                }
            )
        return pd.DataFrame(rows)

    def plot(self, **kwargs: Any) -> Any:
        """See :func:`cofire.plot.plot_kc_assemblies`."""
        return plotter("plot_kc_assemblies")(self, **kwargs)

    def __repr__(self) -> str:
        parts = (f"{t.measure} delta {t.effect:.2f} (p = {t.p:.2g})" for t in self.tests)
        return f"KCAssemblies({self.n_assemblies} assemblies, {', '.join(parts)})"


def find_kc_assemblies(
    network: OlfactoryNetwork,
    panel: OdorPanel,
    counts: Mapping[str, AnyArray],
    *,
    n_trials: int = 50,
    input_noise: float = 0.3,
    n_steps: int = 30,
    bin_width: float | None = None,
    remove_odor: bool = False,
    n_permutations: int = 2000,
    detector: PCAICA | None = None,
    rng: int = 0,
    threads: int | None = None,
) -> KCAssemblies:
    """Find assemblies of Kenyon cells during noisy odors and compare them with the connectome.

    Pairs of cells are compared that belong to assemblies and to one hemisphere, since contacts
    hardly cross the midline: those that share an assembly with those that do not. The null
    exchanges the memberships of cells within a hemisphere: how many assemblies there are, how
    large, how much they overlap, and which cells belong to any, stays.

    Parameters
    ----------
    network : OlfactoryNetwork
        With any weights; all noise is on.
    panel : OdorPanel
    counts : mapping of str to ndarray
        Contacts, as :func:`cofire.nn.olfactory_wiring.read_counts` returns them: those that the
        network was made of.
    n_trials : int
        Of each odor.
    input_noise : float
        Relative sd of the receptor responses.
    n_steps : int
        Of 1 ms, a trial.
    bin_width : float, s, optional
        Default: a bin is a trial.
    remove_odor : bool
        Subtract the mean over trials of each odor and bin, so that assemblies are found in what
        varies from trial to trial and not in the tuning to odors.
    n_permutations : int
    detector : PCAICA, optional
        Default: Marchenko-Pastur bound.
    rng : int
        Seed of noise and permutations.
    threads : int, optional

    Returns
    -------
    KCAssemblies
        Without assemblies, tests are NaN.

    Raises
    ------
    MissingDataError
        `counts` lacks a matrix.
    InvalidArgumentError
        Matrices of another number of Kenyon cells, or a bin longer than a trial.

    References
    ----------
    Lopes-dos-Santos, Ribeiro & Tort 2013, doi:10.1016/j.jneumeth.2013.04.010; Winding et al. 2023,
    doi:10.1126/science.add9330
    """
    wiring = _Wiring.of(counts, network.network.plan.population("kc").n)
    inputs = noisy_inputs(panel.responses, n_trials, input_noise, np.random.default_rng(rng))
    spikes = kc_spikes(network, inputs.reshape(-1, inputs.shape[-1]), n_steps, rng, threads)
    width = n_steps * network.network.plan.dt if bin_width is None else bin_width
    binned = bin_spikes(spikes, width, dtype="float64", threads=threads)
    if not binned.n_bins:
        raise InvalidArgumentError(
            f"bin_width ({width:g} s) must not exceed a trial of {n_steps} steps"
        )
    bins = binned.counts
    if remove_odor:
        trials = bins.reshape(len(bins), panel.n_odors, n_trials, -1)
        bins = (trials - trials.mean(axis=2, keepdims=True)).reshape(bins.shape)
    model = (detector or PCAICA(threads=threads)).fit(bins)
    members = find_members(model.patterns_) & (model.patterns_ > 0)
    z, active = standardize(bins)
    strength = activation(model.patterns_[:, active], z)
    by_odor = (len(members), panel.n_odors, bins.shape[1] // panel.n_odors)
    return KCAssemblies(
        spikes=spikes,
        odors=panel.odors,
        n_trials=n_trials,
        bin_width=float(width),
        patterns=model.patterns_,
        members=members,
        eigenvalues=model.eigenvalues_,
        threshold=float(np.ravel(model.threshold_)[0]),
        tuning=strength.reshape(by_odor).mean(axis=2),
        side=wiring.side,
        input_similarity=wiring.similarity,
        contacts=wiring.contacts,
        tests=tuple(
            compare_wiring(name, values, members, wiring.side, n_permutations, rng=rng)
            for name, values in wiring.measures().items()
        ),
    )


def kc_spikes(
    network: OlfactoryNetwork,
    inputs: AnyArray,
    n_steps: int = 30,
    seed: int = 0,
    threads: int | None = None,
) -> SpikeTrains:
    """Spikes of the Kenyon cells during trials, as a recording with gaps.

    Trial k starts k seconds after the first and lasts `n_steps`; a spike lies in the middle of its
    step.

    Parameters
    ----------
    network : OlfactoryNetwork
        All noise is on.
    inputs : ndarray (n_trials, n_receptors)
    n_steps : int
    seed : int
        Of the noise.
    threads : int, optional

    Returns
    -------
    SpikeTrains
        Its support has an epoch a trial.
    """
    dtype = network.or_gains.dtype
    with torch.no_grad():
        out = network(
            torch.from_numpy(np.ascontiguousarray(inputs)).to(dtype),
            noise=True,
            seed=seed,
            n_steps=n_steps,
            record=("spikes",),
            threads=threads,
        )
    assert out.spikes is not None
    trial, step, cell = (index.numpy() for index in out.spikes["kc"].nonzero(as_tuple=True))
    dt = network.network.plan.dt
    starts = TRIAL_INTERVAL * np.arange(len(inputs))
    # A nanosecond more, so that rounding does not take the last bin of a trial.
    stops = starts + n_steps * dt + 1e-9
    return SpikeTrains.from_pairs(
        starts[trial] + (step + 0.5) * dt,
        cell,
        unit_ids=np.arange(out.kc_count.shape[1]),
        support=np.stack([starts, stops], axis=1),
    )


def compare_wiring(
    measure: str,
    values: FloatArray,
    members: BoolArray,
    side: IntArray,
    n_permutations: int = 2000,
    *,
    rng: int = 0,
) -> WiringTest:
    """Compare pairs of cells that share an assembly with pairs that do not.

    Parameters
    ----------
    measure : str
        Name of the values.
    values : ndarray (n_cells, n_cells)
        Symmetric; the diagonal is not used.
    members : ndarray (n_assemblies, n_cells) bool
    side : ndarray (n_cells,) int64
        Pairs are of one side.
    n_permutations : int
    rng : int

    Returns
    -------
    WiringTest
    """
    cells = np.flatnonzero(members.any(axis=0))
    own, own_side = members[:, cells].astype(np.int64), side[cells]
    pairs = np.triu(_same(own_side), 1)
    together = own.T @ own > 0
    chosen = values[np.ix_(cells, cells)]
    within, between = chosen[pairs & together], chosen[pairs & ~together]
    sizes = {"n_within": len(within), "n_between": len(between), "n_cells": len(cells)}
    nan = float("nan")
    if not len(within) or not len(between):
        return WiringTest(measure, nan, nan, effect=nan, null=np.zeros(0), p=nan, **sizes)
    difference = float(within.mean() - between.mean())
    generator = np.random.default_rng(rng)
    null = np.empty(integer(n_permutations, "n_permutations", 1))
    for i in range(n_permutations):
        order = _permuted(own_side, generator)
        shared = together[np.ix_(order, order)]
        null[i] = chosen[pairs & shared].mean() - chosen[pairs & ~shared].mean()
    extreme = np.abs(null) >= abs(difference) * (1 - 1e-12)
    return WiringTest(
        measure,
        float(within.mean()),
        float(between.mean()),
        effect=rank_sum(within, between).effect,
        null=null,
        p=float((1 + extreme.sum()) / (1 + len(null))),
        **sizes,
    )


@dataclass(frozen=True, slots=True)
class _Wiring:
    """What the connectome says of the Kenyon cells."""

    side: IntArray
    similarity: FloatArray
    contacts: FloatArray

    @classmethod
    def of(cls, counts: Mapping[str, AnyArray], n_kc: int) -> _Wiring:
        among = _total(counts, "kc_to_kc", (n_kc, n_kc), axes=(0, 1))
        from_pn = _total(counts, "pn_to_kc", (None, n_kc), axes=(1,))
        apl = _total(counts, "kc_to_apl", (n_kc, None), axes=(0,))
        apl = apl + _total(counts, "apl_to_kc", (None, n_kc), axes=(1,)).T
        both = among + among.T
        np.fill_diagonal(both, 0.0)
        return cls(apl.argmax(axis=1), cosines(from_pn.T, from_pn.T), both)

    def measures(self) -> dict[str, FloatArray]:
        return {
            "PN input similarity": self.similarity,
            "KC-KC contacts": self.contacts,
            "KC-KC connected": (self.contacts > 0).astype(np.float64),
        }


def _total(
    counts: Mapping[str, AnyArray],
    pathway: str,
    shape: tuple[int | None, int | None],
    axes: tuple[int, ...],
) -> FloatArray:
    """Contacts of all types."""
    names = [f"{pathway}_{kind}" for kind in _TYPES]
    missing = [name for name in names if name not in counts]
    if missing:
        raise MissingDataError(f"counts lack {', '.join(missing)}")
    total: FloatArray = np.sum([np.asarray(counts[name], np.float64) for name in names], axis=0)
    if any(total.shape[axis] != shape[axis] for axis in axes):
        raise InvalidArgumentError(
            f"{pathway} must have {shape[axes[0]]} Kenyon cells as the network, got {total.shape}"
        )
    return total


def _same(labels: IntArray) -> BoolArray:
    same: BoolArray = labels[:, None] == labels[None]
    return same


def _permuted(labels: IntArray, generator: np.random.Generator) -> IntArray:
    """Permutation of indices within equal labels."""
    order = np.arange(len(labels))
    for label in np.unique(labels):
        at = np.flatnonzero(labels == label)
        order[at] = generator.permutation(at)
    return order
