"""Rich club, k-core and s-core."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from cofire import errors
from cofire.graph import RichClub, clubs, core_number, rich_club, s_core
from graph_goldens import assert_golden, each_golden
from graph_networks import (
    as_networkx,
    directed,
    random_network,
    relabelled,
    seeds,
    undirected,
    without_compilation,
)
from reference import graph_local as reference

flags = st.booleans()
TAIL = np.array([[0, 1, 1, 1], [1, 0, 1, 0], [1, 1, 0, 0], [1, 0, 0, 0.0]])


def table(club):
    return np.column_stack([club.k, club.R, club.n_k, club.E_k])


@each_golden
def test_goldens(golden, forms):
    for form in ("bu", "bd"):
        club = rich_club(forms[form.upper()], directed=form == "bd")
        for k, values in enumerate((club.R, club.n_k, club.E_k)):
            assert_golden(values, golden, f"rich_{form}.{k}")
    for form in ("wu", "wd"):
        club = rich_club(forms[form.upper()], directed=form == "wd", weighted=True)
        assert_golden(club.R, golden, f"rich_{form}")
    core = core_number(forms["BU"], directed=False)
    assert_golden(core, golden, "core_bu.0")
    # Sizes of the cores of order 0, 1, 2, ...; nodes without an edge are in none.
    sizes = [(core >= max(k, 1)).sum() for k in range(len(golden["core_bu.1"]))]
    assert_golden(sizes, golden, "core_bu.1")
    assert_golden(core, golden, "nx_core_und")
    assert_golden(core_number(golden["A"]), golden, "nx_core_dir_total")


@given(directed, flags)
def test_rich_club_equals_the_definition(adjacency, weighted):
    found = table(rich_club(adjacency, weighted=weighted))
    expected = reference.rich_club(adjacency, True, weighted)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@given(undirected, flags)
def test_undirected_rich_club_equals_the_definition(adjacency, weighted):
    found = table(rich_club(adjacency, directed=False, weighted=weighted))
    expected = reference.rich_club(adjacency, False, weighted)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@given(directed, seeds, flags)
def test_clubs_shrink_and_do_not_depend_on_the_order_of_nodes(adjacency, seed, weighted):
    club = rich_club(adjacency, weighted=weighted)
    assert (np.diff(club.n_k) <= 0).all()
    assert (np.diff(club.E_k) <= 0).all()
    defined = club.R[~np.isnan(club.R)]
    assert (defined >= 0).all()
    assert (defined <= 1 + 1e-12).all()
    other, order = relabelled(adjacency, seed)
    np.testing.assert_allclose(table(rich_club(other, weighted=weighted)), table(club), rtol=1e-12)
    np.testing.assert_array_equal(core_number(other), core_number(adjacency)[order])
    np.testing.assert_array_equal(s_core(other, 3.0), s_core(adjacency, 3.0)[order])


def test_rich_club_equals_networkx():
    adjacency = random_network(80, 0.1, 2, undirected=True)
    expected = nx.rich_club_coefficient(as_networkx(adjacency, False), normalized=False)
    club = rich_club(adjacency, directed=False)
    found = dict(zip(club.k.tolist(), club.R, strict=True))
    for k, coefficient in expected.items():
        if k > 0:
            assert found[k] == pytest.approx(coefficient)


def test_levels_can_be_chosen():
    adjacency = random_network(30, 0.3, 2)
    everything = rich_club(adjacency)
    few, many = rich_club(adjacency, k_max=3), rich_club(adjacency, k_max=100)
    np.testing.assert_array_equal(table(few), table(everything)[:3])
    np.testing.assert_array_equal(table(many)[: len(everything.k)], table(everything))
    assert many.n_k[-1] == 0
    assert np.isnan(many.R[-1])


def test_results_as_table_and_in_one_line():
    club = rich_club(TAIL, directed=False, weighted=True)
    assert repr(club) == "RichClub(weighted, 3 levels)"
    frame = club.to_frame()
    assert list(frame.columns) == ["k", "R", "n_k", "E_k"]
    assert frame.n_k.tolist() == [4, 3, 1]
    assert frame.E_k.tolist() == [8, 6, 0]


@given(directed)
def test_core_numbers_equal_the_definition(adjacency):
    found = core_number(adjacency)
    np.testing.assert_array_equal(found, reference.core_number(adjacency, True))
    graph = as_networkx(adjacency, directed=True)
    assert found.tolist() == [nx.core_number(graph)[i] for i in range(len(adjacency))]


@given(undirected)
def test_directed_cores_of_a_symmetric_matrix_have_twice_the_order(adjacency):
    found = core_number(adjacency, directed=False)
    np.testing.assert_array_equal(found, reference.core_number(adjacency, False))
    np.testing.assert_array_equal(core_number(adjacency), 2 * found)


def test_core_numbers_equal_networkx_on_larger_networks():
    for seed in range(3):
        adjacency = random_network(150, 0.06, seed)
        expected = nx.core_number(as_networkx(adjacency, True))
        assert core_number(adjacency).tolist() == [expected[i] for i in range(150)]


def test_nodes_that_no_edge_leads_to_are_in_cores():
    """bctpy's directed coreness leaves them out."""
    transitive = np.triu(np.ones((4, 4)), 1)
    assert core_number(transitive).tolist() == [3, 3, 3, 3]


@given(directed, flags, st.sampled_from([0.5, 1.0, 3.0, 6.0, 11.0]))
def test_s_core_equals_the_definition(adjacency, is_directed, s):
    matrix = adjacency if is_directed else adjacency + adjacency.T
    found = s_core(matrix, s, directed=is_directed)
    np.testing.assert_array_equal(found, reference.peel(matrix, is_directed, s))


@given(undirected, st.integers(1, 6))
def test_without_weights_the_s_core_is_the_k_core(adjacency, k):
    binary = (adjacency != 0).astype(float)
    expected = core_number(binary, directed=False) >= k
    np.testing.assert_array_equal(s_core(binary, k, directed=False), expected)


def test_a_strength_of_s_is_enough_whatever_the_rounding():
    a = np.zeros((3, 3))
    a[0, 1], a[0, 2] = 0.7, 0.6
    # Without node 2, node 0 has a strength of 0.7, of which rounding left a little less.
    assert (0.7 + 0.6) - 0.6 < 0.7
    assert s_core(a + a.T, 0.7, directed=False).tolist() == [True, True, False]
    assert s_core(a, 0.7).tolist() == [True, True, False]
    assert s_core(a, 0.7 + 1e-9).tolist() == [False, False, False]


@pytest.mark.parametrize("n", [0, 1, 3])
@pytest.mark.parametrize("is_directed", [True, False])
def test_networks_without_edges(n, is_directed):
    for weighted in (True, False):
        club = rich_club(np.eye(n), directed=is_directed, weighted=weighted)
        assert isinstance(club, RichClub)
        assert club.k.shape == club.R.shape == club.n_k.shape == club.E_k.shape == (0,)
    assert core_number(np.eye(n), directed=is_directed).tolist() == [0] * n
    assert s_core(np.eye(n), 0.1, directed=is_directed).tolist() == [False] * n


def test_any_layout_of_memory():
    adjacency = random_network(9, 0.5, 6)
    read_only = adjacency.copy()
    read_only.flags.writeable = False
    strided = np.kron(adjacency, np.ones((2, 2)))[::2, ::2]
    for form in (read_only, strided, np.asfortranarray(adjacency), sparse.coo_array(adjacency)):
        np.testing.assert_array_equal(core_number(form), core_number(adjacency))
        np.testing.assert_array_equal(s_core(form, 3.0), s_core(adjacency, 3.0))
        np.testing.assert_array_equal(table(rich_club(form)), table(rich_club(adjacency)))


@pytest.mark.parametrize("is_directed", [True, False])
def test_kernels_run_without_compilation(is_directed, monkeypatch):
    adjacency = random_network(14, 0.3, 7, undirected=not is_directed)
    core = core_number(adjacency, directed=is_directed)
    mask = s_core(adjacency, 4.0, directed=is_directed)
    without_compilation(monkeypatch, clubs)
    np.testing.assert_array_equal(core_number(adjacency, directed=is_directed), core)
    np.testing.assert_array_equal(s_core(adjacency, 4.0, directed=is_directed), mask)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: rich_club(-TAIL, weighted=True), r"strongest.*adjacency\[0, 1\] is -1"),
        (lambda: rich_club(np.triu(TAIL), directed=False), "symmetric"),
        (lambda: rich_club(TAIL, k_max=0), "k_max must be at least 1, got 0"),
        (lambda: core_number(np.triu(TAIL), directed=False), "symmetric"),
        (lambda: core_number(np.ones((1, 2))), "square"),
        (lambda: s_core(TAIL, 0.0), "s must be positive, got 0"),
        (lambda: s_core(-TAIL, 1.0), "must not strengthen others"),
    ],
)
def test_errors_name_what_is_wrong(call, message):
    with pytest.raises(errors.InvalidArgumentError, match=message):
        call()
