"""Are cells of one assembly connected more often, or by larger synapses?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cofire.structure import _battery
from cofire.structure._results import ClassConnections, connections
from cofire.structure._sums import Links
from cofire.structure._wiring import check_classes, check_connectome, positions
from cofire.structure.classes import PairClasses

if TYPE_CHECKING:
    from cofire.connectome import Connectome


def monosynaptic(
    connectome: Connectome,
    classes: PairClasses,
    *,
    by: str | None = None,
    contrasts: Any = _battery.CONTRASTS,
    alternative: str = "greater",
    ranks: str = "uncorrected",
    adjust: str = "none",
    confidence: float = 0.95,
) -> ClassConnections:
    """Direct connections of pairs of cells by class: how many, how large, and the tests.

    With w(j, i) the summed size of the synapses from j to i and b = [w > 0], for every class c

    * pairwise: B = b of every potential pair, W = w of every connected pair;
    * out: ``B_out(j)`` = mean of b over the potential partners i of j in c, ``W_out(j)`` = sum of w
      over i / number of connected partners; in: the same over j.

    For each contrast: chi-squared of B (2 x 2, Yates); rank sum of W, B_out, W_out, B_in, W_in;
    signed rank of the per-cell ones over cells that have a value in both classes.

    Parameters
    ----------
    connectome : Connectome
        With the cells of `classes` as rows (pre) and columns (post); it may be rectangular. Without
        synapse sizes there are no W, and b is "at least one synapse".
    classes : PairClasses
        From :func:`pair_classes`.
    by : {"assembly"}, optional
        Also test each assembly by itself: :attr:`ClassConnections.breakdown`.
    contrasts : sequence of (str, str)
        Pairs of classes; ``"greater"`` says that the first has the larger values.
    alternative : {"greater", "less", "two-sided"}
        Of the rank tests; chi-squared has no direction.
    ranks : {"uncorrected", "normal", "auto"}
        Variant of the rank-sum test, see :func:`cofire.stats.rank_sum`. The default is the
        published one, without correction for ties: conservative where many values are equal, as
        B_out and B_in are.
    adjust : {"none", "holm", "bonferroni", "benjamini_hochberg"}
        Correction of ``p_adjusted`` over all tests of the table. Published: none.
    confidence : float in (0, 1)
        Of the intervals of the effects.

    Returns
    -------
    ClassConnections

    Raises
    ------
    JoinError
        Cells of `classes` that the connectome does not have.
    InvalidArgumentError
        A contrast of unknown classes, a wrong option.

    Notes
    -----
    The signed rank drops pairs without a difference and is exact for up to 50 different pairs
    without ties, normal otherwise. An empty class gives NaN.

    References
    ----------
    Wagner-Carena et al. 2025, doi:10.1101/2025.04.24.649900

    Examples
    --------
    >>> import cofire as cf
    >>> wiring = cf.Connectome.from_matrix([[0, 2, 0], [1, 0, 0], [0, 1, 0]], ids=[7, 8, 9])
    >>> classes = cf.structure.pair_classes({7: "1", 8: "1", 9: "2"}, wiring)
    >>> result = cf.structure.monosynaptic(wiring, classes)
    >>> result
    ClassConnections(monosynaptic: 2/2 shared, 1/4 disjoint; no sizes; 10 tests)
    >>> result.shares["share"].tolist()[:2]
    [1.0, 0.25]
    """
    check_connectome(connectome)
    check_classes(classes)
    options = _battery.checked(contrasts, alternative, ranks, adjust, confidence)
    links = direct_links(connectome, classes)
    return connections("monosynaptic", classes, links, options, by=by)


def direct_links(connectome: Connectome, classes: PairClasses) -> Links:
    """Connected pairs of the rows and columns of the classes."""
    rows = positions(connectome.row_ids, classes.pre_ids, "row")
    columns = positions(connectome.column_ids, classes.post_ids, "column")
    sized = connectome.has_psd
    matrix = (connectome.psd if sized else connectome.count)[rows][:, columns].tocoo()
    here = matrix.data > 0
    there = np.asarray(matrix.row)[here].astype(np.int64)
    onto = np.asarray(matrix.col)[here].astype(np.int64)
    strength = np.asarray(matrix.data)[here].astype(np.float64) if sized else None
    order = np.lexsort((onto, there))
    return Links(
        rows=there[order],
        columns=onto[order],
        number=np.ones(len(there), dtype=np.int64),
        strength=None if strength is None else strength[order],
        possible=1,
    )
