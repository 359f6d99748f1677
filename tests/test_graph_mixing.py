"""Assortativity."""

from __future__ import annotations

import math

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from cofire import errors
from cofire.graph import assortativity
from graph_goldens import assert_golden, each_golden
from graph_networks import as_networkx, directed, random_network, relabelled, seeds, undirected
from reference import graph_local as reference

DIRECTED = ("out_in", "in_out", "out_out", "in_in")  # flags 1 to 4
kinds, forms_of = st.sampled_from(DIRECTED), st.sampled_from(["bct", "pearson"])
flags = st.booleans()
STAR = np.array([[0, 1, 1, 1], [1, 0, 0, 0], [1, 0, 0, 0], [1, 0, 0, 0.0]])


@each_golden
def test_goldens(golden, forms):
    assert_golden(assortativity(forms["BU"]), golden, "assort_bin_flag0")
    assert_golden(assortativity(forms["BU"], form="pearson"), golden, "nx_assort_und")
    assert_golden(assortativity(forms["WU"], weighted=True), golden, "assort_wei_flag0")
    for flag, kind in enumerate(DIRECTED, start=1):
        assert_golden(assortativity(golden["A"], kind=kind), golden, f"assort_bin_flag{flag}")
        weighted = assortativity(golden["A"], kind=kind, weighted=True)
        assert_golden(weighted, golden, f"assort_wei_flag{flag}")
        pearson = assortativity(golden["A"], kind=kind, form="pearson")
        assert_golden(pearson, golden, f"nx_assort_{kind}")


def same(found, expected):
    """Degenerate ends have no correlation; the formulas divide by a rounding error there."""
    if math.isnan(found):
        return not math.isfinite(expected) or abs(expected) > 1 + 1e-9
    return found == pytest.approx(expected, rel=1e-9, abs=1e-9)


@given(directed, kinds, forms_of, flags)
@pytest.mark.filterwarnings("ignore:.*(invalid value|divide by zero|Mean of empty|Degrees of)")
def test_assortativity_equals_the_definition(adjacency, kind, form, weighted):
    found = assortativity(adjacency, kind=kind, form=form, weighted=weighted)
    expected = reference.assortativity(adjacency, kind, form, weighted)
    assert same(found, expected)
    assert math.isnan(found) or -1 <= found <= 1


@given(undirected, forms_of, flags)
@pytest.mark.filterwarnings("ignore:.*(invalid value|divide by zero|Mean of empty|Degrees of)")
def test_undirected_forms_and_all_directed_kinds_are_one(adjacency, form, weighted):
    found = assortativity(adjacency, form=form, weighted=weighted)
    assert same(found, reference.assortativity(adjacency, "und", "bct", weighted))
    for kind in DIRECTED:
        other = assortativity(adjacency, kind=kind, form=form, weighted=weighted)
        np.testing.assert_allclose(other, found, rtol=1e-12, atol=1e-12)


@given(directed, kinds, forms_of, seeds)
def test_order_of_nodes_and_unit_of_weights_do_not_matter(adjacency, kind, form, seed):
    found = assortativity(adjacency, kind=kind, form=form, weighted=True)
    other, _ = relabelled(adjacency, seed)
    for changed in (other, 1e6 * adjacency):
        again = assortativity(changed, kind=kind, form=form, weighted=True)
        np.testing.assert_allclose(again, found, rtol=1e-9, atol=1e-9)


@given(directed, forms_of)
def test_backwards_in_and_out_change_places(adjacency, form):
    for kind, backwards in (("out_in", "out_in"), ("in_out", "in_out"), ("in_in", "out_out")):
        found = assortativity(adjacency, kind=kind, form=form)
        other = assortativity(adjacency.T, kind=backwards, form=form)
        np.testing.assert_allclose(other, found, rtol=1e-9, atol=1e-9)


def test_pearson_equals_networkx():
    adjacency = random_network(60, 0.1, 1)
    graph = as_networkx(adjacency, directed=True)
    for kind in DIRECTED:
        x, y = kind.split("_")
        expected = nx.degree_pearson_correlation_coefficient(graph, x, y)
        assert assortativity(adjacency, kind=kind, form="pearson") == pytest.approx(expected)


def test_a_star_is_as_disassortative_as_can_be_and_a_regular_network_has_no_value():
    assert assortativity(STAR) == assortativity(STAR, form="pearson") == -1.0
    ring = np.roll(np.eye(5), 1, axis=1)
    for kind in DIRECTED:
        assert math.isnan(assortativity(ring, kind=kind))
        assert math.isnan(assortativity(0.1 * ring, kind=kind, form="pearson", weighted=True))


def test_rounding_is_no_difference_between_ends():
    """Three weights of 0.1 or one of 0.3: strengths that differ in the last digit."""
    a = np.zeros((4, 4))
    a[0, 1:] = 0.1
    a[1, 2] = a[2, 3] = a[3, 1] = 0.3
    strengths = a.sum(axis=1)
    assert np.ptp(strengths) > 0
    assert math.isnan(assortativity(a, kind="out_out", form="pearson", weighted=True))


def test_negative_weights_are_added_with_their_sign():
    a = np.array([[0, 2.0, -1.0], [0, 0, 3.0], [1.0, -4.0, 0]])
    expected = reference.assortativity(a, "out_in", "pearson", True)
    found = assortativity(a, kind="out_in", form="pearson", weighted=True)
    assert found == pytest.approx(expected)


@pytest.mark.parametrize("n", [0, 1, 3])
@pytest.mark.parametrize("kind", ["und", *DIRECTED])
def test_networks_without_edges_have_no_value(n, kind):
    assert math.isnan(assortativity(np.eye(n), kind=kind))
    assert math.isnan(assortativity(np.eye(n), kind=kind, form="pearson", weighted=True))


def test_loops_and_isolated_nodes_do_not_count():
    larger = np.zeros((6, 6))
    larger[:4, :4] = STAR + 7 * np.eye(4)
    assert assortativity(larger, weighted=True) == -1.0


def test_any_layout_of_memory():
    adjacency = random_network(9, 0.5, 6)
    expected = assortativity(adjacency, kind="out_in", weighted=True)
    read_only = adjacency.copy()
    read_only.flags.writeable = False
    strided = np.kron(adjacency, np.ones((2, 2)))[::2, ::2]
    for form in (read_only, strided, np.asfortranarray(adjacency), sparse.csc_array(adjacency)):
        assert assortativity(form, kind="out_in", weighted=True) == expected


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: assortativity(STAR, kind="out"), "kind must be one of 'und', 'out_in'"),
        (lambda: assortativity(STAR, form="newman"), "form must be one of 'bct', 'pearson'"),
        (lambda: assortativity(np.triu(STAR)), "symmetric"),
        (lambda: assortativity(np.ones((2, 3))), "square"),
    ],
)
def test_errors_name_what_is_wrong(call, message):
    with pytest.raises(errors.InvalidArgumentError, match=message):
        call()
