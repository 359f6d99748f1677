"""Shuffled connectomes: what each method keeps, what it deals again, and how evenly."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

import cofire.graph
from cofire.connectome import Connectome
from cofire.errors import InvalidArgumentError, InvalidTypeError, MissingDataError
from reference.connectome import rewired

IDS = 864_691_135_302_123_457 + np.arange(12)
METHODS = ("degree", "block", "weight", "label")


@pytest.fixture(params=["plain", "cofire"])
def degree(request, monkeypatch):
    """Rewiring the plain way, and cofire's own."""
    if request.param == "plain":
        monkeypatch.setitem(vars(cofire.graph), "rewire", rewired)


def random(n=12, density=0.3, seed=0, loops=True, psd=True) -> Connectome:
    rng = np.random.default_rng(seed)
    dense = rng.integers(1, 5, (n, n)) * (rng.random((n, n)) < density)
    if not loops:
        np.fill_diagonal(dense, 0)
    sizes = dense * rng.random((n, n)) if psd else None
    cells = pd.DataFrame(
        {"layer": np.array(["L2", "L4", "L5"])[rng.integers(0, 3, n)]}, index=IDS[:n]
    )
    return Connectome.from_matrix(dense, IDS[:n], psd=sizes, cells=cells)


def rectangular() -> Connectome:
    dense = np.random.default_rng(5).integers(0, 3, (4, 7))
    return Connectome.from_matrix(dense, IDS[:4], IDS[[2, 8, 0, 9, 7, 1, 10]], psd=dense * 0.5)


def typed() -> Connectome:
    counts = {name: random(seed=k).count.toarray() for k, name in enumerate(("aa", "ad"))}
    return Connectome.from_matrix(counts, IDS)


def bag(made: Connectome) -> Counter:
    """Count and size of each pair, wherever it is."""
    table = made.to_frame()
    columns = [c for c in ("count", "psd", "edge_type") if c in table]
    return Counter(map(tuple, table[columns].itertuples(index=False)))


def self_pairs(made: Connectome) -> dict:
    table = made.to_frame()
    own = table[table["pre"] == table["post"]]
    return {row[0]: row[2:] for row in own.itertuples(index=False)}


def assert_equal(a: Connectome, b: Connectome) -> None:
    pd.testing.assert_frame_equal(a.to_frame(), b.to_frame())


# --- what every method keeps ----------------------------------------------------------------------


@pytest.mark.parametrize("make", [random, rectangular, typed, lambda: random(density=0.9)])
@pytest.mark.parametrize("method", METHODS[1:])
def test_synapses_stay_together_and_draws_can_be_repeated(make, method):
    made = make()
    null = made.shuffle(method, rng=3, draw=2)
    assert bag(null) == bag(made)
    assert null.row_ids.tolist() == made.row_ids.tolist()
    assert null.cells.equals(made.cells)
    assert null.count.has_canonical_format
    assert_equal(null, made.shuffle(method, rng=3, draw=2))
    assert_equal(null, list(made.shuffles(3, method, rng=3))[2])
    assert null.to_frame().values.tolist() != made.to_frame().values.tolist()
    others = [made.shuffle(method, rng=seed).to_frame() for seed in (3, 4)]
    assert not others[0].equals(others[1])
    if method != "label":
        assert self_pairs(null) == self_pairs(made)


@pytest.mark.parametrize("make", [random, rectangular, typed])
def test_degrees_are_kept(degree, make):
    made = make()
    null = made.shuffle("degree", rng=3, draw=1)
    assert bag(null) == bag(made)
    assert self_pairs(null) == self_pairs(made)
    for name in made.types or (None,):
        before, after = (m if name is None else m.of_type(name) for m in (made, null))
        for axis in (0, 1):
            degrees = [(m.count.toarray() > 0).sum(axis=axis).tolist() for m in (before, after)]
            assert degrees[0] == degrees[1]
        # Synapses go with their presynaptic cell.
        strengths = [m.count.toarray().sum(axis=1).tolist() for m in (before, after)]
        assert strengths[0] == strengths[1]
    assert not null.to_frame().equals(made.to_frame())
    assert_equal(null, list(made.shuffles(2, "degree", rng=3, threads=1))[1])
    assert_equal(null, list(made.shuffles(4, "degree", rng=3, threads=3))[1])


def test_degrees_of_undirected_connections_are_kept(degree):
    made = random(density=0.15, seed=2).symmetrized()
    null = made.shuffle("degree", directed=False)
    count, psd = null.count.toarray(), null.psd.toarray()
    np.testing.assert_array_equal(count, count.T)
    np.testing.assert_array_equal(psd, psd.T)
    assert ((count > 0).sum(axis=0) == (made.count.toarray() > 0).sum(axis=0)).all()
    assert bag(null) == bag(made)
    assert not null.to_frame().equals(made.to_frame())


# --- blocks ---------------------------------------------------------------------------------------


@given(st.integers(0, 100), st.floats(0, 1), st.booleans())
def test_blocks_keep_their_pairs(seed, density, directed):
    made = random(density=density, seed=seed)
    if not directed:
        made = made.symmetrized()
    null = made.shuffle("block", rng=seed, blocks="layer", directed=directed)
    layers = made.cells["layer"].to_numpy()
    off = ~np.eye(12, dtype=bool)
    for a in "L2", "L4", "L5":
        for b in "L2", "L4", "L5":
            block = np.outer(layers == a, layers == b) & off
            before, after = (m.count.toarray()[block] for m in (made, null))
            assert sorted(before) == sorted(after)
    if not directed:
        np.testing.assert_array_equal(null.psd.toarray(), null.psd.toarray().T)


@pytest.mark.parametrize("n_edges", [2, 9])  # by drawing until all differ; by listing all pairs
@pytest.mark.parametrize("directed", [True, False])
def test_pairs_of_a_block_are_equally_likely(n_edges, directed):
    dense = np.zeros((4, 4), dtype=int)
    places = np.argwhere(~np.eye(4, dtype=bool) if directed else np.triu(np.ones((4, 4)), 1))
    n_edges = n_edges if directed else min(n_edges, 5)
    for a, b in places[:n_edges]:
        dense[a, b] = 1
        if not directed:
            dense[b, a] = 1
    made = Connectome.from_matrix(dense)
    total = np.zeros((4, 4))
    n = 600
    for null in made.shuffles(n, "block", rng=1, directed=directed):
        total += null.count.toarray()
    observed = total[tuple(places.T)]
    expected = n * n_edges / len(places)
    spread = expected * (1 - n_edges / len(places))
    # Draws without replacement: chi-squared with one degree of freedom less.
    statistic = ((observed - expected) ** 2).sum() / spread * (1 - 1 / len(places))
    assert stats.chi2.sf(statistic, len(places) - 1) > 1e-3


def test_blocks_by_array_and_mapping():
    made = random()
    layers = made.cells["layer"]
    by_name = made.shuffle("block", blocks="layer")
    assert_equal(by_name, made.shuffle("block", blocks=layers.to_numpy()))
    assert_equal(by_name, made.shuffle("block", blocks=layers.to_dict()))


# --- weights and labels ---------------------------------------------------------------------------


@pytest.mark.parametrize("directed", [True, False])
def test_weights_are_dealt_within_blocks(directed):
    made = random(density=0.6).symmetrized() if not directed else random(density=0.6)
    null = made.shuffle("weight", blocks="layer", directed=directed)
    np.testing.assert_array_equal(null.count.indices, made.count.indices)
    np.testing.assert_array_equal(null.count.indptr, made.count.indptr)
    layers = made.cells["layer"].to_numpy()
    for a in "L2", "L4", "L5":
        for b in "L2", "L4", "L5":
            block = np.outer(layers == a, layers == b) & ~np.eye(12, dtype=bool)
            assert sorted(made.psd.toarray()[block]) == sorted(null.psd.toarray()[block])
    if not directed:
        np.testing.assert_array_equal(null.psd.toarray(), null.psd.toarray().T)
    assert not np.array_equal(null.psd.toarray(), made.psd.toarray())


@pytest.mark.parametrize("make", [random, rectangular])
def test_labels_move_the_wiring_as_a_whole(make):
    made = make()
    null = made.shuffle("label", rng=2)
    a, b = (m.count.toarray() for m in (made, null))
    assert sorted(np.sort(a, axis=1).tolist()) == sorted(np.sort(b, axis=1).tolist())
    assert sorted(np.sort(a.T, axis=1).tolist()) == sorted(np.sort(b.T, axis=1).tolist())
    own_a, own_b = (sorted(v[0] for v in self_pairs(m).values()) for m in (made, null))
    assert own_a == own_b


def test_labels_stay_within_their_block():
    made = random(density=0.5)
    null = made.shuffle("label", blocks="layer")
    layers = made.cells["layer"].to_numpy()
    for a in "L2", "L4", "L5":
        degrees = [(m.count.toarray() > 0).sum(axis=1)[layers == a] for m in (made, null)]
        assert sorted(degrees[0]) == sorted(degrees[1])


# --- edges and errors -----------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS[1:])
def test_empty_and_full_connectomes_are_shuffled(method):
    for dense in (np.zeros((0, 0)), np.zeros((3, 3)), np.eye(3), np.ones((3, 3)), [[1]]):
        made = Connectome.from_matrix(dense)
        assert_equal(made.shuffle(method), made)
    assert list(random().shuffles(0, method)) == []


def test_a_generator_is_asked_for_a_seed():
    made = random()
    rng = np.random.default_rng(0)
    first, second = (made.shuffle("block", rng) for _ in range(2))
    assert not first.to_frame().equals(second.to_frame())
    assert_equal(first, made.shuffle("block", np.random.default_rng(0)))


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"method": "edges"}, InvalidArgumentError, "method must be one of 'degree', 'block'"),
        ({"method": "degree", "blocks": "layer"}, InvalidArgumentError, "blocks go with"),
        ({"method": "block", "blocks": "kind"}, MissingDataError, "no column 'kind'.*has: layer"),
        ({"method": "block", "blocks": [1, 2]}, InvalidArgumentError, "each of the 12 cells"),
        ({"method": "block", "directed": False}, InvalidArgumentError, "take symmetrized"),
        ({"method": "block", "rng": -1}, InvalidArgumentError, "rng"),
        ({"method": "block", "rng": "x"}, InvalidTypeError, "rng"),
        ({"method": "block", "draw": -1}, InvalidArgumentError, "draw"),
    ],
)
def test_wrong_shuffles_are_explained(options, error, message):
    with pytest.raises(error, match=message):
        random().shuffle(**options)


def test_only_square_connections_are_undirected():
    with pytest.raises(InvalidArgumentError, match="same cells as rows and columns"):
        rectangular().shuffle("weight", directed=False)
    uneven = Connectome.from_matrix([[0, 1], [1, 0]], psd=[[0, 1.0], [2.0, 0]])
    with pytest.raises(InvalidArgumentError, match="pre 0, post 1 has 1 and the way back 2"):
        uneven.shuffle("weight", directed=False)
