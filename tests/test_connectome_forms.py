"""Connectomes from edges, networkx and GraphML and back; symmetric, thresholded, labelled."""

from __future__ import annotations

import io

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cofire as cf
from cofire.connectome import Connectome
from cofire.errors import (
    ConnectomeError,
    DuplicateIdError,
    FileFormatError,
    IdPrecisionError,
    InvalidArgumentError,
    InvalidTypeError,
    JoinError,
    MissingDataError,
    RecordingNotFoundError,
)

BIG = 864_691_135_302_123_457

matrices = st.integers(0, 6).flatmap(
    lambda n: st.lists(
        st.lists(st.integers(0, 3), min_size=n, max_size=n), min_size=n, max_size=n
    ).map(lambda rows: np.array(rows, dtype=np.int64).reshape(n, n))
)


def wired(dense: np.ndarray) -> Connectome:
    ids = BIG + np.arange(len(dense)) * 7
    cells = pd.DataFrame({"kind": (["E", "I", "E"] * 2)[: len(ids)]}, index=ids)
    return Connectome.from_matrix(dense, ids, psd=dense * 0.25, cells=cells)


def typed() -> Connectome:
    counts = {"aa": [[1, 2], [0, 0]], "ad": [[0, 1], [3, 0]]}
    return Connectome.from_matrix(counts, ids=["u", "v"])


def assert_same(a: Connectome, b: Connectome) -> None:
    assert a.row_ids.tolist() == b.row_ids.tolist()
    assert a.column_ids.tolist() == b.column_ids.tolist()
    assert a.types == b.types
    np.testing.assert_array_equal(a.count.toarray(), b.count.toarray())
    assert a.has_psd == b.has_psd
    if a.has_psd:
        np.testing.assert_array_equal(a.psd.toarray(), b.psd.toarray())


# --- edges ----------------------------------------------------------------------------------------


@given(matrices, st.sampled_from(["csv", "memory"]))
def test_edges_go_out_and_come_back(dense, form):
    made = wired(dense)
    table = made.to_frame()
    assert len(table) == made.count.nnz
    if form == "csv":
        table = pd.read_csv(io.StringIO(table.to_csv(index=False)))
        table = table.astype({"pre": "int64", "post": "int64"})
    assert_same(Connectome.from_edges(table, made.row_ids, cells=made.cells), made)


def test_edge_types_go_out_and_come_back():
    made = typed()
    back = Connectome.from_edges(made.to_frame(), ["u", "v"], edge_type="edge_type")
    assert_same(back, made)
    assert back.of_type("ad").count.toarray().tolist() == [[0, 1], [3, 0]]


def test_edges_are_lists_of_pairs_or_triples():
    assert Connectome.from_edges([(1, 2), (2, 1), (1, 2)]).count.toarray().tolist() == [
        [0, 2],
        [1, 0],
    ]
    made = Connectome.from_edges(np.array([[BIG, BIG + 1, 4], [BIG, BIG, 2]]))
    assert made.count.toarray().tolist() == [[2, 4], [0, 0]]
    assert made.ids.tolist() == [BIG, BIG + 1]
    assert Connectome.from_edges([]).shape == (0, 0)
    dropped = Connectome.from_edges([(1, 1, 5), (1, 2, 3)], autapses="drop")
    assert dropped.dropped == {"autapses": 5, "other_cells": 0}


def test_weights_that_are_no_counts_are_sizes():
    table = {"pre": [1, 2], "post": [2, 1], "weight": [0.5, 2.0]}
    with pytest.raises(ConnectomeError, match=r"row 0 \(pre 1, post 2\) holds 0.5.*psd='weight'"):
        Connectome.from_edges(table)
    made = Connectome.from_edges(table, psd="weight", psd_scale=2.0)
    assert made.psd.toarray().tolist() == [[0, 1], [4, 0]]
    assert made.count.toarray().tolist() == [[0, 1], [1, 0]]


def test_edges_of_count_0_are_none():
    made = Connectome.from_edges([(1, 2, 0), (1, 2, 2), (3, 1, 0)], rows=[1, 2, 3])
    assert made.count.nnz == 1
    assert made.n_synapses == 2


@pytest.mark.parametrize(
    ("edges", "options", "error", "message"),
    [
        ([(1, 2, 3, 4)], {}, InvalidArgumentError, "got 4 values"),
        ([(1.0, float(BIG))], {}, IdPrecisionError, r"column 'post': row 0"),
        ([(1, 2, -1)], {}, ConnectomeError, "holds -1"),
        ([(1, 2, np.nan)], {}, ConnectomeError, "row 0 .*holds nan"),
        ({"pre": [1], "post": [2]}, {"count": "n"}, MissingDataError, "no column 'n'"),
        ({"pre": [1]}, {}, MissingDataError, "no column 'post'"),
        (
            {"pre": [1, 1], "post": [2, 2], "t": ["a", None]},
            {"edge_type": "t"},
            ConnectomeError,
            "row 1 holds",
        ),
        ({"pre": [1], "post": [2], "t": [3]}, {"edge_type": "t"}, ConnectomeError, "are names"),
        (3, {}, InvalidTypeError, "edges must be"),
        ([(1, 2)], {"psd_scale": 0}, InvalidArgumentError, "psd_scale"),
    ],
)
def test_bad_edges_are_named(edges, options, error, message):
    with pytest.raises(error, match=message):
        Connectome.from_edges(edges, **options)


# --- networkx and GraphML -------------------------------------------------------------------------


@given(matrices)
def test_networkx_goes_out_and_comes_back(dense):
    made = wired(dense)
    graph = made.to_networkx()
    assert graph.number_of_edges() == made.count.nnz
    back = Connectome.from_networkx(graph)
    if made.count.nnz:
        assert_same(back, made)
    if len(dense):
        pd.testing.assert_frame_equal(back.cells, made.cells, check_dtype=False)
    np.testing.assert_array_equal(nx.to_numpy_array(graph, nodelist=made.ids.tolist()), dense)


@pytest.mark.parametrize("make", [typed, lambda: wired(np.arange(9).reshape(3, 3) % 4)])
def test_graphml_goes_out_and_comes_back(make, tmp_path):
    made = make()
    made.to_graphml(tmp_path / "w.graphml")
    back = Connectome.from_graphml(tmp_path / "w.graphml")
    assert_same(back, made)
    assert back.ids.dtype == made.ids.dtype
    assert back.cells.to_dict() == made.cells.to_dict()


def test_missing_and_odd_values_of_cells_in_graphml(tmp_path):
    cells = pd.DataFrame(
        {"layer": ["L4", None], "at": pd.to_datetime(["2020-01-01", None]), "x": [1.5, np.nan]},
        index=[1, 2],
    )
    made = Connectome.from_matrix([[0, 1], [0, 0]], [1, 2], cells=cells)
    made.to_graphml(tmp_path / "w.graphml")
    back = Connectome.from_graphml(tmp_path / "w.graphml").cells
    assert back.loc[1].tolist() == ["L4", "2020-01-01 00:00:00", 1.5]
    assert back.loc[2].isna().all()


def test_networkx_graphs_of_all_kinds():
    undirected = nx.Graph([("a", "b"), ("b", "b")])
    assert Connectome.from_networkx(undirected).count.toarray().tolist() == [[0, 1], [1, 1]]
    multi = nx.MultiDiGraph()
    multi.add_edge(1, 2, weight=2)
    multi.add_edge(1, 2, weight=3)
    assert Connectome.from_networkx(multi).count.toarray().tolist() == [[0, 5], [0, 0]]
    named = nx.DiGraph()
    named.add_node("n0", name="AVAL", kind="inter")
    named.add_node("n1", name="AVBL")
    named.add_edge("n0", "n1", syn=2, area=0.5)
    made = Connectome.from_networkx(named, cell_id="name", count="syn", psd="area")
    assert made.row_ids.tolist() == ["AVAL", "AVBL"]
    assert (made.n_synapses, made.psd.sum()) == (2, 0.5)
    assert made.cells["kind"].tolist()[0] == "inter"
    assert Connectome.from_networkx(nx.DiGraph()).shape == (0, 0)


def test_a_rectangular_connectome_as_a_graph():
    made = Connectome.from_matrix([[0, 2, 1]], [1], [2, 3, 1])
    graph = made.to_networkx()
    assert sorted(graph.nodes) == [1, 2, 3]
    assert dict(graph.edges) == {(1, 3): {"count": 2, "weight": 2},
                                 (1, 1): {"count": 1, "weight": 1}}  # fmt: skip


def test_bad_graphs_are_explained(tmp_path):
    with pytest.raises(InvalidTypeError, match="networkx graph, got ndarray"):
        Connectome.from_networkx(np.eye(2))
    with pytest.raises(ConnectomeError, match=r"nodes of graph: row 0 .*neither an integer"):
        Connectome.from_networkx(nx.DiGraph([((1, 2), (3, 4))]))
    graph = nx.DiGraph()
    graph.add_edge("a", "b", psd=1.0)
    graph.add_edge("b", "a")
    with pytest.raises(ConnectomeError, match=r"\(pre b, post a\) holds"):
        Connectome.from_networkx(graph)
    with pytest.raises(MissingDataError, match=r"no edge has the attribute 'n'.*there are: psd"):
        Connectome.from_networkx(graph, count="n")
    with pytest.raises(MissingDataError, match="2 of 2 nodes have no attribute 'name'"):
        Connectome.from_networkx(graph, cell_id="name")
    nx.set_node_attributes(graph, "x", "name")
    with pytest.raises(DuplicateIdError, match="nodes of graph must be unique"):
        Connectome.from_networkx(graph, cell_id="name")
    with pytest.raises(ConnectomeError, match="nodes of graph: row 1 holds 2 among text"):
        Connectome.from_networkx(nx.DiGraph([("a", 2)]))
    with pytest.raises(RecordingNotFoundError, match=r"no\.graphml"):
        Connectome.from_graphml(tmp_path / "no.graphml")
    (tmp_path / "cut.graphml").write_text("<graphml><graph")
    (tmp_path / "other.graphml").write_text("<svg></svg>")
    for name in ("cut", "other"):
        with pytest.raises(FileFormatError, match=rf"{name}\.graphml is no readable GraphML"):
            Connectome.from_graphml(tmp_path / f"{name}.graphml")


def test_only_numbers_written_plainly_are_integers(tmp_path):
    nx.write_graphml(nx.DiGraph([("007", "8")]), tmp_path / "w.graphml")
    assert Connectome.from_graphml(tmp_path / "w.graphml").ids.tolist() == ["007", "8"]


# --- symmetric, thresholded -----------------------------------------------------------------------


@given(matrices, st.sampled_from(["sum", "max", "min"]))
def test_symmetrized_combines_both_directions(dense, how):
    made = wired(dense).symmetrized(how)
    combine = {"sum": np.add, "max": np.maximum, "min": np.minimum}[how]
    expected = combine(dense, dense.T)
    np.fill_diagonal(expected, np.diag(dense))
    np.testing.assert_array_equal(made.count.toarray(), expected)
    np.testing.assert_array_equal(made.psd.toarray(), expected * 0.25)
    assert_same(made.symmetrized("max"), made)


def test_only_square_connectomes_are_symmetrized():
    with pytest.raises(InvalidArgumentError, match=r"1 x 2 cells.*subset"):
        Connectome.from_matrix([[0, 2]], [1], [1, 2]).symmetrized()
    with pytest.raises(InvalidArgumentError, match="how"):
        typed().symmetrized("mean")


@given(matrices, st.integers(0, 4), st.floats(0, 1), st.sampled_from(["count", "psd"]))
def test_threshold_keeps_the_strong_pairs(dense, least, share, by):
    made = wired(dense)
    strong = made.threshold(least)
    np.testing.assert_array_equal(strong.count.toarray(), np.where(dense >= least, dense, 0))
    assert strong.n_synapses + strong.dropped["below_threshold"] == made.n_synapses
    assert_same(made.threshold(min_psd=least * 0.25), strong)
    some = made.threshold(proportion=share, by=by)
    kept, gone = some.count.data, made.count - some.count
    assert len(kept) == round(share * made.count.nnz)
    gone.eliminate_zeros()
    assert not len(kept) or not gone.nnz or kept.min() >= gone.data.max()


def test_threshold_looks_at_all_edge_types_together():
    made = typed().threshold(3)
    assert made.count.toarray().tolist() == [[0, 3], [3, 0]]
    assert made.of_type("aa").count.toarray().tolist() == [[0, 2], [0, 0]]
    assert made.dropped == {"below_threshold": 1}


def test_threshold_by_mean_size():
    made = Connectome.from_matrix([[0, 2], [1, 0]], psd=[[0, 2.0], [1.5, 0]])
    assert made.mean_psd.toarray().tolist() == [[0, 1], [1.5, 0]]
    assert made.threshold(min_mean_psd=1.2).count.toarray().tolist() == [[0, 0], [1, 0]]
    top = made.threshold(proportion=0.5, by="mean_psd")
    assert top.count.toarray().tolist() == [[0, 0], [1, 0]]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"proportion": 1.5}, InvalidArgumentError, r"proportion must lie in \[0, 1\]"),
        ({"by": "size"}, InvalidArgumentError, "by must be one of"),
        ({"min_count": 1.5}, InvalidTypeError, "min_count"),
        ({"min_psd": 1.0}, MissingDataError, "no synapse sizes"),
        ({"proportion": 0.5, "by": "psd"}, MissingDataError, "no synapse sizes"),
    ],
)
def test_wrong_thresholds_are_explained(options, error, message):
    with pytest.raises(error, match=message):
        typed().threshold(**options)


# --- cells ----------------------------------------------------------------------------------------


def test_more_is_said_of_the_cells():
    made = typed().with_cells({"cell_id": ["v", "w", "u"], "layer": [4, 1, 2]})
    assert made.cells["layer"].to_dict() == {"u": 2, "v": 4}
    made = made.with_cells(
        area="V1", depth=[1.0, 2.0], side={"v": "left"}, size=pd.Series([5, 6], index=["v", "u"])
    )
    assert made.cells.loc["v"].tolist() == [4, "V1", 2.0, "left", 5]
    assert pd.isna(made.cells.loc["u", "side"])
    assert "layer" not in typed().cells
    assert made.with_cells(layer=9).cells["layer"].tolist() == [9, 9]
    with pytest.raises(InvalidArgumentError, match=r"depth must have a value for each of the 2"):
        typed().with_cells(depth=[1, 2, 3])
    with pytest.raises(JoinError, match="side has none of the 2 cells"):
        typed().with_cells(side={"x": 1})
    with pytest.raises(JoinError, match="side names cells twice"):
        typed().with_cells(side=pd.Series([1, 2], index=["u", "u"]))
    with pytest.raises(JoinError, match=r"cells has no row for 1 of 2 ids: \['v'\]"):
        typed().with_cells({"cell_id": ["u"], "layer": [2]})


def test_excitatory_and_inhibitory_cells():
    assert typed().with_ei(["Exc", "inhibitory "]).ei.to_dict() == {
        "u": "excitatory",
        "v": "inhibitory",
    }
    made = typed().with_cells(nt=["acetylcholine", "gaba"])
    labelled = made.with_ei("nt", excitatory="acetylcholine", inhibitory=["gaba", "glutamate"])
    assert labelled.ei.tolist() == ["excitatory", "inhibitory"]
    some = made.with_ei("nt", inhibitory="gaba").ei
    assert some.isna().tolist() == [True, False]
    assert made.with_cells(classification_system=["excitatory", None]).ei.isna().tolist() == [
        False,
        True,
    ]
    assert labelled.subset("ei == 'inhibitory'").row_ids.tolist() == ["v"]
    with pytest.raises(InvalidArgumentError, match=r"cell u is 'acetylcholine', neither.*with_ei"):
        made.with_ei("nt")
    with pytest.raises(MissingDataError, match=r"no column 'kind'; it has: nt"):
        made.with_ei("kind")
    with pytest.raises(MissingDataError, match="with_ei"):
        made.ei  # noqa: B018
    with pytest.raises(InvalidArgumentError, match="'gaba' is in both"):
        made.with_ei("nt", excitatory="gaba", inhibitory="gaba")


@pytest.mark.parametrize("make", [typed, lambda: wired(np.eye(3, k=1, dtype=np.int64))])
def test_what_is_made_can_be_stored(make, tmp_path):
    made = make().with_cells(ei=["excitatory"] * len(make().ids)).threshold(1)
    cf.save(made, tmp_path / "w")
    assert_same(cf.load(tmp_path / "w"), made)
