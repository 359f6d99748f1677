"""Would other labels, or another wiring, show the same differences between classes?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._validate import FloatArray, IntArray, integer, one_of
from cofire.errors import InvalidArgumentError
from cofire.graph._blocks import iterate_blocks
from cofire.stats import adjust as adjust_p
from cofire.stats.ranks import ALTERNATIVES
from cofire.stats.surrogates import seed_of
from cofire.structure import _battery
from cofire.structure._differences import (
    QUANTITIES,
    _class_differences,
    group_of_code,
    link_parts,
    words_of,
)
from cofire.structure._sums import Links
from cofire.structure._wiring import check_classes, check_connectome, middle_cells
from cofire.structure.chains import chain_links
from cofire.structure.classes import PairClasses
from cofire.structure.monosynaptic import direct_links

if TYPE_CHECKING:
    import pandas as pd

    from cofire.connectome import Connectome

SHUFFLES = ("labels", "wiring", "degree", "block", "weight", "label")
_BLOCK = 64
_PAIRS_A_BLOCK = 2e7


@dataclass(frozen=True, repr=False, eq=False, slots=True)
class PermutationNull:
    """Differences between two classes beside those of shuffled data.

    Attributes
    ----------
    quantities : tuple of str
        ``B``: share of connected pairs; ``W``: mean of log10 of sizes of connected pairs;
        ``B_out``, ``B_in``: mean over cells of their share; ``W_out``, ``W_in``: mean over cells
        of log10 of their size. Those of sizes only where sizes are known.
    contrast : (str, str)
    observed : ndarray (n_quantities,) float64
        First class minus second; NaN where a class has no value.
    null : ndarray (n_null, n_quantities) float64
        The same of shuffled data.
    p, p_adjusted : ndarray (n_quantities,) float64
        ``(1 + #{null at least as extreme}) / (1 + n)`` over the nulls that have a value.
    alternative : str
    shuffle : str
    """

    quantities: tuple[str, ...]
    contrast: tuple[str, str]
    observed: FloatArray
    null: FloatArray
    p: FloatArray
    p_adjusted: FloatArray
    alternative: str
    shuffle: str

    @property
    def z(self) -> FloatArray:
        """Observed differences in standard deviations of the null, (n_quantities,)."""
        out = np.full(len(self.observed), np.nan)
        for k, column in enumerate(self.null.T):
            known = column[~np.isnan(column)]
            if len(known) > 1 and known.std(ddof=1) > 0:
                out[k] = (self.observed[k] - known.mean()) / known.std(ddof=1)
        return out

    def to_frame(self) -> pd.DataFrame:
        """A row a quantity, with mean and 95 % range of the null."""
        import pandas as pd

        rows = []
        for k, name in enumerate(self.quantities):
            known = self.null[~np.isnan(self.null[:, k]), k]
            low, high = np.quantile(known, [0.025, 0.975]) if len(known) else (np.nan, np.nan)
            rows.append(
                {
                    "quantity": name,
                    "first": self.contrast[0],
                    "second": self.contrast[1],
                    "test": f"permutation of {self.shuffle}",
                    "alternative": self.alternative,
                    "observed": self.observed[k],
                    "null_mean": float(known.mean()) if len(known) else np.nan,
                    "null_low": float(low),
                    "null_high": float(high),
                    "z": self.z[k],
                    "p": self.p[k],
                    "p_adjusted": self.p_adjusted[k],
                    "n": len(known),
                }
            )
        return pd.DataFrame(rows)

    def __repr__(self) -> str:
        p = ", ".join(f"{q} {v:.3g}" for q, v in zip(self.quantities, self.p, strict=True))
        return (
            f"PermutationNull({self.contrast[0]} - {self.contrast[1]}, {len(self.null)} shuffles "
            f"of {self.shuffle}; p: {p})"
        )


def permutation_null(
    connectome: Connectome,
    classes: PairClasses,
    middle: Any = None,
    *,
    shuffle: str = "labels",
    contrast: tuple[str, str] = ("shared", "disjoint"),
    n: int = 1000,
    alternative: str = "greater",
    adjust: str = "none",
    sign_column: str | None = None,
    rng: int | np.random.Generator = 0,
    threads: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> PermutationNull:
    """Compare differences between two classes with those of shuffled labels or wiring.

    Rank tests take pairs or cells for independent, which pairs of one cell are not; shuffles keep
    that dependence.

    Parameters
    ----------
    connectome, classes
        As for :func:`monosynaptic`.
    middle : optional
        None: direct connections. Otherwise chains through these cells, as for :func:`chains`.
    shuffle : {"labels", "degree" (or "wiring"), "block", "weight"}
        ``"labels"``: cells exchange their sets of assemblies, presynaptic ones among each other
        and those that are only postsynaptic among each other; the wiring stays. The others are
        methods of :meth:`Connectome.shuffle`: the wiring changes, the labels stay.
    contrast : (str, str)
        Two classes without a common pair.
    n : int
        Number of shuffles.
    alternative : {"greater", "less", "two-sided"}
        Two-sided: as far from the mean of the null as observed.
    adjust : {"none", "holm", "bonferroni", "benjamini_hochberg"}
    sign_column : str, optional
        As for :func:`chains`.
    rng : int or Generator
        Seed. Shuffle k is the same for any number of threads and of shuffles.
    threads : int, optional
        Default all; of "labels" and "degree".
    progress : callable (done, total), optional

    Returns
    -------
    PermutationNull

    Raises
    ------
    InvalidArgumentError
        Classes with common pairs, a wrong option.

    Notes
    -----
    B_out and B_in of chains are shares of possible chains where every pair has as many of them (all
    cells of a side are middle cells, or none is), otherwise chains for each potential partner.

    References
    ----------
    Phipson & Smyth 2010, doi:10.2202/1544-6115.1585

    Examples
    --------
    >>> import cofire as cf
    >>> import numpy as np
    >>> wiring = cf.Connectome.from_matrix(np.kron(np.eye(2), np.ones((5, 5))) - np.eye(10))
    >>> classes = cf.structure.pair_classes({i: str(i // 5) for i in range(10)}, wiring)
    >>> null = cf.structure.permutation_null(wiring, classes, n=200)
    >>> float(null.observed[0]), bool(null.p[0] < 0.05)
    (1.0, True)
    """
    check_connectome(connectome)
    check_classes(classes)
    one_of(shuffle, "shuffle", SHUFFLES)
    one_of(alternative, "alternative", ALTERNATIVES)
    n = integer(n, "n", 1)
    (pair,) = _battery.checked((contrast,), alternative, "auto", adjust, 0.95).contrasts
    if (classes.mask(pair[0]) & classes.mask(pair[1])).any():
        raise InvalidArgumentError(f"contrast {pair} must name classes without a common pair")
    through = None if middle is None else middle_cells(connectome, middle, sign_column)
    links = _links(connectome, classes, through)
    own = np.arange(len(classes.cell_ids))[None, :]
    observed = differences(classes, links, pair, own)[0]
    if shuffle == "labels":
        null = _label_null(classes, links, pair, n, seed_of(rng), threads, progress)
    else:
        null = np.empty((n, len(QUANTITIES)))
        method = "degree" if shuffle == "wiring" else shuffle
        others = connectome.shuffles(n, method, rng, threads=threads)
        for k, other in enumerate(others):
            null[k] = differences(classes, _links(other, classes, through), pair, own)[0]
            if progress is not None:
                progress(k + 1, n)
    kept = [k for k, name in enumerate(QUANTITIES) if links.strength is not None or "B" in name]
    observed, null = observed[kept], np.ascontiguousarray(null[:, kept])
    p = np.array(
        [null_p(o, column, alternative) for o, column in zip(observed, null.T, strict=True)]
    )
    return PermutationNull(
        quantities=tuple(QUANTITIES[k] for k in kept),
        contrast=pair,
        observed=observed,
        null=null,
        p=p,
        p_adjusted=adjust_p(p, adjust),
        alternative=alternative,
        shuffle=shuffle,
    )


def null_p(observed: float, null: FloatArray, alternative: str) -> float:
    """Share of a null at least as extreme as observed, both with one added."""
    known = null[~np.isnan(null)]
    if np.isnan(observed) or not len(known):
        return float("nan")
    # Sums in another order differ in the last digits: those are ties.
    slack = 1e-12 * max(float(np.abs(known).max()), abs(observed))
    if alternative == "greater":
        n_extreme = int((known >= observed - slack).sum())
    elif alternative == "less":
        n_extreme = int((known <= observed + slack).sum())
    else:
        away = abs(observed - known.mean())
        n_extreme = int((np.abs(known - known.mean()) >= away - slack).sum())
    return (n_extreme + 1) / (len(known) + 1)


def differences(
    classes: PairClasses, links: Links, contrast: tuple[str, str], orders: IntArray
) -> FloatArray:
    """The six differences for each row of `orders`, (n_orders, 6).

    Parameters
    ----------
    orders : ndarray (n_orders, n_cells) int64
        Cell c has the assemblies of cell ``orders[row, c]``.
    """
    out = np.empty((len(orders), len(QUANTITIES)))
    indptr, columns, number, strength = link_parts(links, len(classes.pre))
    _class_differences(
        words_of(classes.member),
        np.ascontiguousarray(orders, dtype=np.int64),
        np.ascontiguousarray(classes.pre, dtype=np.int64),
        np.ascontiguousarray(classes.post, dtype=np.int64),
        group_of_code(contrast),
        indptr,
        columns,
        number,
        strength,
        links.strength is not None,
        out,
    )
    if np.ndim(links.possible) == 0:
        out[:, [2, 4]] /= max(int(links.possible), 1)
    return out


def label_order(classes: PairClasses, seed: int, k: int) -> IntArray:
    """Shuffle number k of the cells, within those that are presynaptic and those that are not."""
    generator = np.random.Generator(np.random.Philox(key=seed, counter=[0, 0, 0, k]))
    n = len(classes.cell_ids)
    is_pre = np.zeros(n, dtype=bool)
    is_pre[classes.pre] = True
    order = np.arange(n)
    for stratum in (np.flatnonzero(is_pre), np.flatnonzero(~is_pre)):
        order[stratum] = stratum[generator.permutation(len(stratum))]
    return order


def _label_null(
    classes: PairClasses,
    links: Links,
    contrast: tuple[str, str],
    n: int,
    seed: int,
    threads: int | None,
    progress: Callable[[int, int], None] | None,
) -> FloatArray:
    block = int(np.clip(_PAIRS_A_BLOCK // max(classes.codes.size, 1), 1, _BLOCK))

    def of_block(start: int, stop: int) -> FloatArray:
        orders = np.stack([label_order(classes, seed, k) for k in range(start, stop)])
        return differences(classes, links, contrast, orders)

    parts = []
    for part in iterate_blocks(of_block, n, block, threads):
        parts.append(part)
        if progress is not None:
            progress(min(len(parts) * block, n), n)
    return np.concatenate(parts)


def _links(connectome: Any, classes: PairClasses, through: Any) -> Links:
    if through is None:
        return direct_links(connectome, classes)
    return chain_links(connectome, classes, through)
