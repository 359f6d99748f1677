"""How large an excess of connections would these cells have shown?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._validate import AnyArray, FloatArray, integer, positive
from cofire.errors import InvalidArgumentError
from cofire.graph._blocks import iterate_blocks
from cofire.stats.surrogates import seed_of
from cofire.structure import _battery
from cofire.structure._records import array_records
from cofire.structure._sums import Links
from cofire.structure._wiring import check_classes, check_connectome, middle_cells
from cofire.structure.classes import PairClasses, pair_codes
from cofire.structure.nulls import _links, label_order

if TYPE_CHECKING:
    import pandas as pd

    from cofire.connectome import Connectome

_BLOCK = 8


@dataclass(frozen=True, repr=False, eq=False, slots=True)
class Power:
    """How often each test finds an excess that was planted.

    Attributes
    ----------
    table : DataFrame
        A row an excess and test: ``excess``, ``quantity``, ``test``, ``power`` (share of draws with
        p <= alpha), ``low``, ``high`` (95 %, Wilson), ``n`` (draws in which the test could be
        made). An excess of 1 gives the rate of false alarms.
    alpha : float
    contrast : (str, str)
    """

    table: pd.DataFrame
    alpha: float
    contrast: tuple[str, str]

    def to_frame(self) -> pd.DataFrame:
        """The table."""
        return self.table.copy()

    def smallest(self, quantity: str, test: str, power: float = 0.8) -> float:
        """Smallest planted excess that a test finds at least this often; NaN if none."""
        chosen = self.table[(self.table["quantity"] == quantity) & (self.table["test"] == test)]
        found = chosen[chosen["power"] >= power]["excess"]
        return float(found.min()) if len(found) else np.nan

    def __repr__(self) -> str:
        excess = ", ".join(f"{x:g}" for x in dict.fromkeys(self.table["excess"]))
        return (
            f"Power({self.contrast[0]} - {self.contrast[1]}, excess {excess}; alpha {self.alpha})"
        )


def power(
    connectome: Connectome,
    classes: PairClasses,
    middle: Any = None,
    *,
    excess: Sequence[float] = (1.0, 1.25, 1.5, 2.0),
    contrast: tuple[str, str] = ("shared", "disjoint"),
    n: int = 200,
    alpha: float = 0.05,
    alternative: str = "greater",
    ranks: str = "uncorrected",
    sign_column: str | None = None,
    rng: int | np.random.Generator = 0,
    threads: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Power:
    """Plant an excess into data without one, and see how often the tests find it.

    In every draw cells exchange their sets of assemblies, as in :func:`permutation_null`, so that
    classes have nothing to do with the wiring. Then, among the pairs of the first class, pairs
    without a connection (or chain) get one until their expected share is ``excess`` times as large,
    with number and size of connected pairs drawn at random; and sizes of the class are multiplied
    by ``excess``. What the tests then say of as many cells, pairs and connections as the data
    have is their power.

    Parameters
    ----------
    connectome, classes, middle, sign_column
        As for :func:`permutation_null`.
    excess : sequence of float, > 0
        Below 1 connections are taken away.
    contrast : (str, str)
    n : int
        Draws for each excess.
    alpha : float in (0, 1)
        p at most this is a finding.
    alternative, ranks
        As for :func:`monosynaptic`.
    rng : int or Generator
        Draw k is the same for any number of threads and of draws.
    threads : int, optional
    progress : callable (done, total), optional

    Returns
    -------
    Power

    Raises
    ------
    InvalidArgumentError
        An excess that is not positive, alpha outside (0, 1).

    Notes
    -----
    A share cannot exceed 1: an excess that would need more is planted as far as it goes, and chains
    through inhibitory cells, which nearly all pairs have, cannot show one in B.

    Examples
    --------
    >>> import cofire as cf
    >>> import numpy as np
    >>> random = (np.random.default_rng(0).random((40, 40)) < 0.2) & ~np.eye(40, dtype=bool)
    >>> wiring = cf.Connectome.from_matrix(random.astype(int))
    >>> classes = cf.structure.pair_classes({i: str(i // 10) for i in range(40)}, wiring)
    >>> found = cf.structure.power(wiring, classes, excess=[1, 3], n=20)
    >>> found.smallest("B", "chi_squared")
    3.0
    """
    check_connectome(connectome)
    check_classes(classes)
    options = _battery.checked((contrast,), alternative, ranks, "none", 0.95)
    factors = [positive(value, "excess") for value in np.atleast_1d(np.asarray(excess))]
    n = integer(n, "n", 1)
    if not 0 < float(alpha) < 1:
        raise InvalidArgumentError(f"alpha must lie between 0 and 1, got {alpha!r}")
    through = None if middle is None else middle_cells(connectome, middle, sign_column)
    links = _links(connectome, classes, through)
    seed = seed_of(rng)
    n_draws = n * len(factors)

    def of_block(start: int, stop: int) -> list[dict[tuple[str, str], float]]:
        return [
            _draw(classes, links, options, factors[k // n], seed, k % n) for k in range(start, stop)
        ]

    draws: list[dict[tuple[str, str], float]] = []
    for part in iterate_blocks(of_block, n_draws, _BLOCK, threads):
        draws.extend(part)
        if progress is not None:
            progress(len(draws), n_draws)
    rows = []
    for k, factor in enumerate(factors):
        own = draws[k * n : (k + 1) * n]
        for quantity, test in own[0]:
            p = np.array([draw[quantity, test] for draw in own])
            rows.append(_row(factor, quantity, test, p[~np.isnan(p)], float(alpha)))
    import pandas as pd

    return Power(pd.DataFrame(rows), float(alpha), options.contrasts[0])


def _row(excess: float, quantity: str, test: str, p: FloatArray, alpha: float) -> dict[str, Any]:
    n = len(p)
    found = int((p <= alpha).sum())
    low, high = wilson(found, n)
    return {
        "excess": excess,
        "quantity": quantity,
        "test": test,
        "power": found / n if n else np.nan,
        "low": low,
        "high": high,
        "n": n,
    }


def wilson(k: int, n: int, z: float = 1.959963984540054) -> tuple[float, float]:
    """Interval of a share of k in n; Wilson 1927, doi:10.1080/01621459.1927.10502953."""
    if not n:
        return np.nan, np.nan
    share = k / n
    center = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return float(max(center - half, 0.0)), float(min(center + half, 1.0))


def _draw(
    classes: PairClasses,
    links: Links,
    options: _battery.Options,
    excess: float,
    seed: int,
    k: int,
) -> dict[tuple[str, str], float]:
    """Give p of every test of one draw."""
    member = classes.member[label_order(classes, seed, k)]
    codes = pair_codes(member, classes.pre, classes.post)
    shuffled = PairClasses(
        classes.cell_ids, classes.assemblies, member, classes.pre, classes.post, codes,
        classes.dropped,
    )  # fmt: skip
    (pair,) = options.contrasts
    generator = np.random.Generator(np.random.Philox(key=seed, counter=[0, 0, 1, k]))
    planted = plant(links, shuffled.mask(pair[0]), excess, generator)
    return {(r["quantity"], r["test"]): r["p"] for r in array_records(planted, codes, options)}


def plant(links: Links, inside: AnyArray, excess: float, generator: np.random.Generator) -> Links:
    """Links with `excess` times the share of connected pairs, and sizes, where `inside` is True."""
    own = inside[links.rows, links.columns]
    strength = None if links.strength is None else np.where(own, excess, 1.0) * links.strength
    rows, columns, number = links.rows, links.columns, links.number
    n_own, n_inside = int(own.sum()), int(inside.sum())
    if excess < 1:
        keep = ~own | (generator.random(len(own)) < excess)
        strength = None if strength is None else strength[keep]
        rows, columns, number = rows[keep], columns[keep], number[keep]
    elif excess > 1 and n_own and n_own < n_inside:
        free = inside.copy()
        free[links.rows, links.columns] = False
        at = np.flatnonzero(free)
        chance = min((excess - 1) * n_own / len(at), 1.0)
        at = at[generator.random(len(at)) < chance]
        model = generator.integers(0, len(links.rows), len(at))
        more_rows, more_columns = np.unravel_index(at, inside.shape)
        rows = np.concatenate([rows, more_rows])
        columns = np.concatenate([columns, more_columns])
        number = np.concatenate([number, links.number[model]])
        if strength is not None and links.strength is not None:
            strength = np.concatenate([strength, excess * links.strength[model]])
    return Links(rows, columns, number, strength, links.possible)
