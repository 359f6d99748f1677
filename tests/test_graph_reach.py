"""Connected components."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from cofire import errors
from cofire.graph import Components, components
from graph_goldens import assert_golden, each_golden
from graph_networks import as_networkx, directed, random_network, relabelled, seeds
from reference import graph_local as reference

flags = st.booleans()


def pieces(found):
    return {frozenset(np.flatnonzero(found.labels == c).tolist()) for c in range(len(found.sizes))}


@each_golden
def test_goldens(golden, forms):
    labels, sizes = components(forms["BU"])
    assert_golden(labels + 1, golden, "components_bu.0")
    assert_golden(sizes, golden, "components_bu.1")
    for strong, key in ((True, "nx_scc_sizes"), (False, "nx_wcc_sizes")):
        found = components(golden["A"], strong=strong)
        assert_golden(found.sizes[::-1], golden, key)


@given(directed, flags)
def test_components_equal_the_definition(adjacency, strong):
    found = components(adjacency, strong=strong)
    assert pieces(found) == reference.components(adjacency, strong)
    np.testing.assert_array_equal(
        np.bincount(found.labels, minlength=len(found.sizes)), found.sizes
    )


@given(directed, flags)
def test_components_are_ordered_by_size_then_by_first_node(adjacency, strong):
    found = components(adjacency, strong=strong)
    first = [int(np.flatnonzero(found.labels == c)[0]) for c in range(found.n_components)]
    keys = list(zip(found.sizes.tolist(), first, strict=True))
    assert keys == sorted(keys)


@given(directed, seeds, flags)
def test_the_pieces_follow_the_order_of_nodes(adjacency, seed, strong):
    found = components(adjacency, strong=strong)
    other, order = relabelled(adjacency, seed)
    renamed = components(other, strong=strong)
    np.testing.assert_array_equal(renamed.sizes, found.sizes)
    assert {frozenset(order[list(p)].tolist()) for p in pieces(renamed)} == pieces(found)


@given(directed)
def test_strong_pieces_lie_within_weak_ones_and_are_equal_without_directions(adjacency):
    weak, strong = components(adjacency), components(adjacency, strong=True)
    assert strong.n_components >= weak.n_components
    for piece in pieces(strong):
        assert len(set(weak.labels[list(piece)])) == 1
    both = adjacency + adjacency.T
    np.testing.assert_array_equal(components(both, strong=True).labels, weak.labels)


def test_components_equal_networkx_on_larger_networks():
    adjacency = random_network(300, 0.004, 1)
    graph = as_networkx(adjacency, directed=True)
    strong = {frozenset(c) for c in nx.strongly_connected_components(graph)}
    weak = {frozenset(c) for c in nx.weakly_connected_components(graph)}
    assert len(weak) < len(strong) < 300
    assert pieces(components(adjacency, strong=True)) == strong
    assert pieces(components(adjacency)) == weak


def test_negative_weights_join_nodes_like_others():
    assert components([[0, -1.0], [0, 0]]).n_components == 1


def test_results_unpack_and_are_described_in_one_line():
    found = components([[0, 0, 1], [0, 0, 0], [0, 0, 0]], strong=True)
    assert repr(found) == "Components(3 nodes, 3 strong components, the largest of 1)"
    labels, sizes = found
    assert labels.tolist() == [0, 1, 2]
    assert sizes.tolist() == [1, 1, 1]
    assert found.to_frame()["size"].tolist() == [1, 1, 1]


@pytest.mark.parametrize("strong", [True, False])
@pytest.mark.parametrize("n", [0, 1, 3])
def test_networks_without_edges_fall_into_single_nodes(n, strong):
    found = components(np.eye(n), strong=strong)
    assert isinstance(found, Components)
    assert found.labels.tolist() == list(range(n))
    assert found.sizes.tolist() == [1] * n
    assert found.labels.dtype == found.sizes.dtype == np.int64


def test_any_layout_of_memory():
    adjacency = random_network(40, 0.03, 6)
    expected = components(adjacency, strong=True)
    read_only = adjacency.copy()
    read_only.flags.writeable = False
    strided = np.kron(adjacency, np.ones((2, 2)))[::2, ::2]
    for form in (read_only, strided, np.asfortranarray(adjacency), sparse.csc_array(adjacency)):
        np.testing.assert_array_equal(components(form, strong=True).labels, expected.labels)


def test_errors_name_what_is_wrong():
    with pytest.raises(errors.InvalidArgumentError, match="square"):
        components(np.ones((2, 3)))
    with pytest.raises(errors.InvalidArgumentError, match=r"finite: adjacency\[0, 1\] is nan"):
        components([[0, np.nan], [0, 0]])
