"""A connectome with planted assemblies: do tests of structure find those, and only those?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._validate import (
    AnyArray,
    BoolArray,
    FloatArray,
    IntArray,
    fits_memory,
    integer,
    positive,
    real,
)
from cofire.connectome import Connectome
from cofire.connectome._lookup import Cells
from cofire.errors import InvalidArgumentError

if TYPE_CHECKING:
    import pandas as pd
    import scipy.sparse

LAYERS = (("L23", 100.0, 270.0), ("L4", 270.0, 400.0), ("L5", 400.0, 550.0), ("L6", 550.0, 750.0))
"""Name, upper and lower border (µm below the pia)."""

PSD_MIXTURE = ((0.6316, -2.0014, 0.2359), (0.3684, -2.6911, 0.2789))
"""Weight, mean and standard deviation of log10 PSD size (µm³): two normal distributions."""

# Share of connected pairs from group to group among 852 proofread cells of mouse V1.
_DENSITY = {"EE": 0.02, "EI": 0.10, "IE": 0.16, "II": 0.13}
_N_CELLS = 852
_WIDTH = 600.0  # µm
_FIRST_ID = 864_691_132_500_000_000


@dataclass(frozen=True, slots=True)
class MadeConnectome:
    """A made connectome and the truth behind it.

    Attributes
    ----------
    connectome : Connectome
        Its cells have ``ei``, ``layer``, ``x``, ``y`` (depth), ``z`` (µm), ``proofread`` and
        ``recorded`` (whether it is known which assemblies the cell is in).
    membership : dict of int to tuple of int
        Assemblies of each recorded cell, counted from 1; empty for a cell in none.
    members : ndarray (n_assemblies, n_cells) bool
        The same, in the order of the cells.
    serves : ndarray (n_cells,) int64
        Assembly that an inhibitory cell serves, 0 for none and for excitatory cells.
    peak : ndarray (2, 2) float64
        Probability of a connection at distance 0 without excess, from and to excitatory (0) and
        inhibitory (1) cells.
    effect : dict of str to float
        ``excess``, ``chain_excess``, ``psd_shift``, ``length_um`` as given.
    """

    connectome: Connectome
    membership: dict[int, tuple[int, ...]]
    members: BoolArray
    serves: IntArray
    peak: FloatArray
    effect: dict[str, float]

    @property
    def shared(self) -> scipy.sparse.csr_array:
        """Number of assemblies that two cells share, CSR (n_cells, n_cells) int64."""
        from scipy import sparse

        members = sparse.csr_array(self.members.astype(np.int64))
        shared: scipy.sparse.csr_array = (members.T @ members).tocsr()
        return shared

    def probability(self, pre: Any = None, post: Any = None) -> FloatArray:
        """Probability that one cell connects to another.

        Parameters
        ----------
        pre, post : array_like of ids, optional
            Default all cells.

        Returns
        -------
        ndarray (n_pre, n_post) float64
            0 from a cell to itself, and from cells that are not proofread.
        """
        rows = self._places(pre, "pre")
        columns = self._places(post, "post")
        fits_memory((len(rows), len(columns)), np.float64, "probability")
        i, j = (part.ravel() for part in np.meshgrid(rows, columns, indexing="ij"))
        model = _Model.of(self.connectome.cells, self.members, self.serves, self.peak, self.effect)
        p = model.probability(i, j)
        p[~self.connectome.cells["proofread"].to_numpy(dtype=bool)[i]] = 0.0
        return p.reshape(len(rows), len(columns))

    def _places(self, ids: Any, name: str) -> IntArray:
        known = self.connectome.row_ids
        if ids is None:
            return np.arange(len(known))
        wanted = np.asarray(ids)
        places = np.empty(len(wanted), dtype=np.int32)
        Cells(known, "cells").positions(wanted, name, places)
        if (places < 0).any():
            raise InvalidArgumentError(f"{name} has unknown ids: {wanted[places < 0][:5].tolist()}")
        return places.astype(np.int64)

    def to_frame(self) -> pd.DataFrame:
        """Table with a row per assembly: members, inhibitory cells that serve it."""
        import pandas as pd

        number = np.arange(1, len(self.members) + 1)
        return pd.DataFrame(
            {
                "n_members": self.members.sum(axis=1),
                "n_serving": [int((self.serves == k).sum()) for k in number],
            },
            index=pd.Index(number, name="assembly"),
        )

    def __repr__(self) -> str:
        effects = ", ".join(f"{name} {value:g}" for name, value in self.effect.items())
        return f"MadeConnectome({len(self.members)} assemblies in {self.connectome!r}; {effects})"


def make_connectome(
    n_cells: int = 852,
    *,
    n_assemblies: int = 15,
    excess: float = 0.0,
    chain_excess: float = 0.0,
    psd_shift: float = 0.0,
    excitatory: float = 0.54,
    recorded: float = 0.18,
    in_none: float = 0.24,
    overlap: float = 1.2,
    proofread: float = 1.0,
    density: float | Mapping[str, float] | None = None,
    length: float = 300.0,
    synapses: float = 1.15,
    rng: int | np.random.Generator = 0,
) -> MadeConnectome:
    """Wire cells of a cortical column by type and distance, and cells of one assembly more.

    Parameters
    ----------
    n_cells : int
        Number of cells.
    n_assemblies : int
        Number of assemblies.
    excess : float, >= -1
        How much likelier two excitatory cells that share an assembly connect: 0.5 is half as likely
        again. 0 makes the wiring independent of the assemblies.
    chain_excess : float, >= -1
        The same for connections of members with the inhibitory cells that serve their assembly, in
        both directions: chains from member over inhibitory cell to member.
    psd_shift : float
        Added to log10 of the sizes of synapses between excitatory cells that share an assembly.
    excitatory : float in [0, 1]
        Share of excitatory cells.
    recorded : float in [0, 1]
        Share of the excitatory cells of which it is known which assemblies they are in.
    in_none : float in [0, 1]
        Probability that a recorded cell is in no assembly.
    overlap : float, >= 0
        The others are in one assembly and, on average, in so many more (Poisson).
    proofread : float in [0, 1]
        Share of cells with a proofread axon; others have no synapses out.
    density : float or {"EE", "EI", "IE", "II"}, optional
        Share of connected pairs from group to group, without excess. Default
        0.02, 0.10, 0.16, 0.13 up to 852 cells, and as many partners a cell with more.
    length : float, µm
        Connections fall off as exp(-distance / length).
    synapses : float, >= 1
        Mean number of synapses of a connected pair (geometric).
    rng : int or Generator
        Seed; the same one gives the same connectome.

    Returns
    -------
    MadeConnectome
        ``.connectome``, and the truth: ``.membership``, ``.members``, ``.serves``,
        ``.probability()``, ``.effect``.

    Raises
    ------
    InvalidArgumentError
        Shares outside [0, 1]; a probability that would have to be above 1.

    Notes
    -----
    Membership is independent of type of connection, layer and position: without excess and shift
    every difference between pairs that share an assembly and pairs that do not is chance. Each
    inhibitory cell serves one assembly, drawn at random.

    Sizes of single synapses are log-normal, a mixture of two (:data:`PSD_MIXTURE`).

    Pairs are drawn by skipping those that even the largest probability leaves out, so the time goes
    with the number of connections.

    Examples
    --------
    >>> import cofire as cf
    >>> made = cf.datasets.make_connectome(200, n_assemblies=3, recorded=0.5, excess=2.0)
    >>> made.connectome.ei.value_counts().to_dict()
    {'excitatory': 108, 'inhibitory': 92}
    >>> made.members.shape
    (3, 200)
    """
    generator = np.random.default_rng(rng)
    n_cells = integer(n_cells, "n_cells", 0)
    n_assemblies = integer(n_assemblies, "n_assemblies", 0)
    shares = {"excitatory": excitatory, "recorded": recorded, "in_none": in_none,
              "proofread": proofread}  # fmt: skip
    for name, share in shares.items():
        if not 0 <= real(share, name) <= 1:
            raise InvalidArgumentError(f"{name} is a share and must lie in [0, 1], got {share!r}")
    effect = {"excess": excess, "chain_excess": chain_excess}
    for name, value in effect.items():
        if real(value, name) < -1:
            raise InvalidArgumentError(f"{name} must be at least -1, got {value!r}")
    effect |= {"psd_shift": real(psd_shift, "psd_shift"), "length_um": positive(length, "length")}
    if real(overlap, "overlap") < 0 or real(synapses, "synapses") < 1:
        raise InvalidArgumentError(
            f"overlap must be at least 0 and synapses at least 1, got {overlap!r} and {synapses!r}"
        )
    cells = _make_cells(n_cells, shares, generator)
    members, serves = _make_labels(cells, n_assemblies, in_none, overlap, generator)
    peak = _peaks(cells, density, length, effect, generator)
    model = _Model.of(cells, members, serves, peak, effect)
    i, j = model.draw(generator)
    out = cells["proofread"].to_numpy(dtype=bool)[i]
    i, j = i[out], j[out]
    count = generator.geometric(1.0 / synapses, len(i))
    psd = _sizes(count, np.where(model.share(i, j), float(psd_shift), 0.0), generator)
    ids = cells.index.to_numpy()
    connectome = _wired(ids, i, j, count, psd, cells)
    known = np.flatnonzero(cells["recorded"].to_numpy(dtype=bool))
    membership = {int(ids[k]): tuple((1 + np.flatnonzero(members[:, k])).tolist()) for k in known}
    numbers = {name: float(value) for name, value in effect.items()}
    return MadeConnectome(connectome, membership, members, serves, peak, numbers)


def _make_cells(n: int, shares: Mapping[str, float], rng: np.random.Generator) -> pd.DataFrame:
    import pandas as pd

    n_excitatory = round(shares["excitatory"] * n)
    excitatory = np.zeros(n, dtype=bool)
    excitatory[rng.permutation(n)[:n_excitatory]] = True
    recorded = np.zeros(n, dtype=bool)
    chosen = rng.permutation(np.flatnonzero(excitatory))
    recorded[chosen[: round(shares["recorded"] * n_excitatory)]] = True
    proofread = np.zeros(n, dtype=bool)
    # Cells whose assemblies are known come first, as where axons were traced on purpose.
    order = np.argsort(~recorded + rng.random(n))
    proofread[order[: round(shares["proofread"] * n)]] = True
    top, bottom = LAYERS[0][1], LAYERS[-1][2]
    depth = rng.uniform(top, bottom, n)
    layer = np.searchsorted([lower for _, _, lower in LAYERS[:-1]], depth, side="right")
    ids = _FIRST_ID + np.sort(rng.choice(max(600_000_000, n), n, replace=False, shuffle=False))
    return pd.DataFrame(
        {
            "ei": np.where(excitatory, "excitatory", "inhibitory"),
            "layer": np.array([name for name, _, _ in LAYERS])[layer],
            "x": rng.uniform(-_WIDTH / 2, _WIDTH / 2, n),
            "y": depth,
            "z": rng.uniform(-_WIDTH / 2, _WIDTH / 2, n),
            "proofread": proofread,
            "recorded": recorded,
        },
        index=pd.Index(ids, name="cell_id"),
    )


def _make_labels(
    cells: pd.DataFrame, n_assemblies: int, in_none: float, overlap: float, rng: np.random.Generator
) -> tuple[BoolArray, IntArray]:
    members = np.zeros((n_assemblies, len(cells)), dtype=bool)
    serves = np.zeros(len(cells), dtype=np.int64)
    recorded = np.flatnonzero(cells["recorded"].to_numpy(dtype=bool))
    n_in = (1 + rng.poisson(overlap, len(recorded))) * (rng.random(len(recorded)) >= in_none)
    # The first assemblies of a random order for each cell.
    order = np.argsort(rng.random((len(recorded), n_assemblies)), axis=1)
    rank = np.argsort(order, axis=1)
    members[:, recorded] = (rank < n_in[:, None]).T
    inhibitory = np.flatnonzero(cells["ei"].to_numpy() == "inhibitory")
    if n_assemblies:
        serves[inhibitory] = rng.integers(1, n_assemblies + 1, len(inhibitory))
    return members, serves


def _peaks(
    cells: pd.DataFrame,
    density: float | Mapping[str, float] | None,
    length: float,
    effect: Mapping[str, float],
    rng: np.random.Generator,
) -> FloatArray:
    """Probability at distance 0 that gives each density, from a sample of distances."""
    wanted = _densities(density, len(cells))
    xyz = cells[["x", "y", "z"]].to_numpy()
    if len(xyz) < 2:
        return np.zeros((2, 2))
    a, b = rng.integers(0, len(xyz), (2, 200_000))
    distance = np.linalg.norm(xyz[a] - xyz[b], axis=1)[a != b]
    peak: FloatArray = wanted / np.exp(-distance / length).mean()
    highest = peak * (1.0 + np.array([[max(effect["excess"], 0), max(effect["chain_excess"], 0)],
                                      [max(effect["chain_excess"], 0), 0]]))  # fmt: skip
    if (highest > 1).any():
        a, b = np.argwhere(highest > 1)[0]
        raise InvalidArgumentError(
            f"cells at distance 0 would connect {'EI'[a]} to {'EI'[b]} with probability "
            f"{highest[a, b]:.2f}; lower density or excess, or raise length ({length:g} µm)"
        )
    return peak


def _densities(density: float | Mapping[str, float] | None, n_cells: int) -> FloatArray:
    if density is None:
        fewer = min(1.0, _N_CELLS / max(n_cells, 1))
        density = {name: value * fewer for name, value in _DENSITY.items()}
    if not isinstance(density, Mapping):
        density = dict.fromkeys(_DENSITY, density)
    if set(density) != set(_DENSITY):
        raise InvalidArgumentError(
            f"density must be a number or have one for each of {', '.join(_DENSITY)}, got "
            f"{', '.join(map(str, density))}"
        )
    values = np.array([real(density[name], f"density {name}") for name in _DENSITY])
    if ((values < 0) | (values > 1)).any():
        raise InvalidArgumentError(f"density must lie in [0, 1], got {dict(density)}")
    return values.reshape(2, 2)


@dataclass(frozen=True, slots=True)
class _Model:
    """Probability of each pair of cells, given by their place in the table."""

    kind: IntArray
    xyz: FloatArray
    bits: AnyArray
    serves: IntArray
    peak: FloatArray
    effect: Mapping[str, float]

    @classmethod
    def of(
        cls,
        cells: pd.DataFrame,
        members: BoolArray,
        serves: IntArray,
        peak: FloatArray,
        effect: Mapping[str, float],
    ) -> _Model:
        kind = (cells["ei"].to_numpy() == "inhibitory").astype(np.int64)
        xyz = cells[["x", "y", "z"]].to_numpy()
        bits = np.packbits(members, axis=0).T
        return cls(kind, xyz, np.ascontiguousarray(bits), serves, peak, effect)

    def share(self, i: IntArray, j: IntArray) -> BoolArray:
        """Whether two cells share an assembly."""
        shared: BoolArray = (self.bits[i] & self.bits[j]).any(axis=1).astype(bool)
        return shared

    def _served(self, i: IntArray, j: IntArray) -> BoolArray:
        """Whether one of two cells serves an assembly that the other is in."""
        served = np.zeros(len(i), dtype=bool)
        for a, b in ((i, j), (j, i)):
            number = self.serves[a] - 1
            has = number >= 0
            byte = self.bits[b[has], number[has] >> 3]
            served[has] |= (byte >> (7 - (number[has] & 7)) & 1).astype(bool)
        return served

    def probability(self, i: IntArray, j: IntArray) -> FloatArray:
        distance = np.sqrt(((self.xyz[i] - self.xyz[j]) ** 2).sum(axis=1))
        p: FloatArray = np.exp(-distance / self.effect["length_um"])
        p *= self.peak[self.kind[i], self.kind[j]]
        if self.effect["excess"]:
            p[self.share(i, j)] *= 1.0 + self.effect["excess"]
        if self.effect["chain_excess"]:
            p[self._served(i, j)] *= 1.0 + self.effect["chain_excess"]
        p[i == j] = 0.0
        return p

    def draw(self, rng: np.random.Generator) -> tuple[IntArray, IntArray]:
        """Connected pairs."""
        pairs = []
        for a in (0, 1):
            for b in (0, 1):
                rows, columns = np.flatnonzero(self.kind == a), np.flatnonzero(self.kind == b)
                more = (self.effect["excess"], self.effect["chain_excess"], 0.0)[a + b]
                highest = self.peak[a, b] * (1.0 + max(more, 0.0))
                for at in _candidates(len(rows) * len(columns), highest, rng):
                    i, j = rows[at // len(columns)], columns[at % len(columns)]
                    hit = rng.random(len(at)) * highest < self.probability(i, j)
                    pairs.append((i[hit], j[hit]))
        empty = [np.zeros(0, dtype=np.int64)]
        return (
            np.concatenate(empty + [i for i, _ in pairs]),
            np.concatenate(empty + [j for _, j in pairs]),
        )


def _candidates(n: int, p: float, rng: np.random.Generator) -> Any:
    """Which of n trials succeed with probability p, a million at a time, by drawing the gaps."""
    at = -1
    while p > 0:
        gaps = rng.geometric(p, min(1_000_000, int(n * p * 1.01) + 100))
        places = at + np.cumsum(gaps)
        yield places[places < n]
        at = int(places[-1])
        if at >= n:
            return


def _sizes(count: IntArray, shift: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Summed size of the synapses of each pair, µm³."""
    pair = np.repeat(np.arange(len(count)), count)
    large = rng.random(len(pair)) < PSD_MIXTURE[0][0]
    mean, spread = (np.where(large, PSD_MIXTURE[0][k], PSD_MIXTURE[1][k]) for k in (1, 2))
    size = 10.0 ** (rng.normal(mean, spread) + shift[pair])
    total: FloatArray = np.bincount(pair, weights=size, minlength=len(count)).astype(np.float64)
    return total


def _wired(
    ids: IntArray,
    i: IntArray,
    j: IntArray,
    count: IntArray,
    psd: FloatArray,
    cells: pd.DataFrame,
) -> Connectome:
    from scipy import sparse

    shape = (len(ids), len(ids))
    counts = sparse.csr_array((count, (i, j)), shape=shape)
    sizes = sparse.csr_array((psd, (i, j)), shape=shape)
    return Connectome.from_matrix(counts, ids, psd=sizes, cells=cells)


__all__ = ["LAYERS", "PSD_MIXTURE", "MadeConnectome", "make_connectome"]
