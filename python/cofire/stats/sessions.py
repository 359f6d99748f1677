"""Does it hold across recordings? Paired comparisons with the session as unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._optional import plotter
from cofire._validate import one_of
from cofire.errors import InvalidArgumentError
from cofire.stats.ranks import paired_test
from cofire.stats.resampling import bootstrap

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class PairedSessions:
    """A paired comparison of two conditions over sessions.

    Attributes
    ----------
    pair : (str, str)
        The two conditions, first and second.
    statistic : float
        Of the paired test of second minus first.
    p : float
    n : int
        Sessions with both conditions.
    effect : float
        Effect size, positive when the second condition is the larger one.
    effect_name : str
        What `effect` is.
    effect_interval : (float, float)
        Confidence interval of `effect`.
    difference : float
        Mean over sessions of second minus first.
    interval : (float, float)
        Bootstrap confidence interval of `difference`.
    confidence : float
    method, alternative : str
        Of the test.
    table : DataFrame
        A row a session, indexed by it: the two conditions (columns named by `pair`),
        ``difference`` and ``n_values``.
    dropped : tuple
        Sessions that lack a condition.
    """

    pair: tuple[str, str]
    statistic: float
    p: float
    n: int
    effect: float
    effect_name: str
    effect_interval: tuple[float, float]
    difference: float
    interval: tuple[float, float]
    confidence: float
    method: str
    alternative: str
    table: pd.DataFrame
    dropped: tuple[Any, ...]

    def to_frame(self) -> pd.DataFrame:
        """The table of sessions."""
        return self.table

    def plot(self, **options: Any) -> Any:
        """Draw a line a session from the first condition to the second."""
        return plotter("plot_paired")(self, **options)

    def __repr__(self) -> str:
        low, high = self.interval
        return (
            f"PairedSessions({self.pair[1]} - {self.pair[0]} = {self.difference:.3g} "
            f"[{low:.3g}, {high:.3g}], {self.method} p = {self.p:.3g}, n = {self.n} sessions)"
        )


def paired_sessions(
    table: Any,
    pair: tuple[str, str],
    *,
    session: str = "session",
    value: str | None = None,
    condition: str | None = None,
    aggregate: str = "mean",
    method: str = "signed_rank",
    alternative: str = "two-sided",
    confidence: float = 0.95,
    n_boot: int = 10_000,
    rng: int | np.random.Generator = 0,
) -> PairedSessions:
    """Compare two conditions with the session as unit.

    Values of one session (its assemblies, say) are first reduced to one number per condition; the
    test then sees a pair a session. :func:`hierarchical_bootstrap` keeps the single values.

    Parameters
    ----------
    table : DataFrame or mapping of column to values
        Wide: a row an assembly (or a session) with a column for each condition. Long: a row a
        value; give `value` and `condition`.
    pair : (first, second)
        Names of two columns (wide), or two entries of the column `condition` (long).
    session : str
        Column that tells the sessions apart.
    value, condition : str, optional
        Columns of a long table.
    aggregate : {"mean", "median"}
        How the values of a session are reduced; NaN is skipped.
    method : {"signed_rank", "t", "permutation"}
        See :func:`paired_test`.
    alternative : {"two-sided", "greater", "less"}
        ``"greater"``: the second condition is the larger one.
    confidence : float in (0, 1)
    n_boot : int
        Resamples of sessions for the interval of the difference.
    rng : int or numpy.random.Generator

    Returns
    -------
    PairedSessions
        Sessions without a value in one condition are in ``dropped``.

    Raises
    ------
    InvalidArgumentError
        Missing columns (the message lists those there are), or no session with both conditions.

    Examples
    --------
    >>> from cofire.stats import paired_sessions
    >>> table = {
    ...     "session": ["a", "a", "b", "c", "d", "e", "f"],
    ...     "pre": [1.0, 1.2, 0.9, 1.3, 0.7, 1.1, 0.8],
    ...     "post": [2.0, 1.8, 1.5, 1.6, 1.0, 2.1, 1.2],
    ... }
    >>> result = paired_sessions(table, ("pre", "post"))
    >>> result.n, result.p, round(result.difference, 3)
    (6, 0.03125, 0.567)
    """
    one_of(aggregate, "aggregate", ("mean", "median"))
    first, second = _names(pair)
    wide = _wide(table, (first, second), session, value, condition)
    groups = wide.groupby(session, sort=True, dropna=True)
    reduced = groups[[first, second]].agg(aggregate)
    reduced["difference"] = reduced[second] - reduced[first]
    reduced["n_values"] = groups.size()
    complete = reduced["difference"].notna()
    kept = reduced[complete]
    if not len(kept):
        raise InvalidArgumentError(
            f"no session has values of both {first!r} and {second!r}; "
            f"the table has {len(reduced)} sessions"
        )
    difference = kept["difference"].to_numpy(dtype=np.float64)
    test = paired_test(
        difference, method=method, alternative=alternative, confidence=confidence, rng=rng
    )
    spread = bootstrap(difference, n_boot=n_boot, confidence=confidence, rng=rng)
    return PairedSessions(
        pair=(first, second),
        statistic=test.statistic,
        p=test.p,
        n=len(kept),
        effect=test.effect,
        effect_name=test.effect_name,
        effect_interval=test.interval,
        difference=spread.estimate,
        interval=spread.interval,
        confidence=float(confidence),
        method=method,
        alternative=alternative,
        table=kept,
        dropped=tuple(reduced.index[~complete].tolist()),
    )


def _names(pair: Any) -> tuple[str, str]:
    names = () if isinstance(pair, str) else tuple(pair)
    if len(names) != 2 or names[0] == names[1]:
        raise InvalidArgumentError(f"pair must name two different conditions, got {pair!r}")
    return names[0], names[1]


def _wide(
    table: Any, pair: tuple[str, str], session: str, value: str | None, condition: str | None
) -> pd.DataFrame:
    import pandas as pd

    frame = pd.DataFrame(table)
    if (value is None) != (condition is None):
        raise InvalidArgumentError("a long table needs both value= and condition= (columns)")
    wanted = (session, *pair) if value is None else (session, value, condition)
    missing = [name for name in wanted if name not in frame.columns]
    if missing:
        raise InvalidArgumentError(
            f"table has no column {', '.join(map(repr, missing))}; "
            f"columns: {', '.join(map(str, frame.columns)) or 'none'}"
        )
    if value is None or condition is None:
        return frame[[session, *pair]]
    present = set(frame[condition].dropna())
    absent = [name for name in pair if name not in present]
    if absent:
        raise InvalidArgumentError(
            f"column {condition!r} has no {', '.join(map(repr, absent))}; "
            f"it holds {sorted(map(str, present))}"
        )
    columns = {name: frame[value].where(frame[condition] == name) for name in pair}
    return pd.DataFrame({session: frame[session], **columns}).loc[frame[condition].isin(pair)]
