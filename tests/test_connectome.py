"""Connectome: what goes in, what survives a selection, what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

import cofire as cf
from cofire.connectome import Connectome, Edges
from cofire.errors import (
    ConnectomeError,
    DuplicateIdError,
    IdPrecisionError,
    InvalidArgumentError,
    InvalidTypeError,
    JoinError,
    MissingDataError,
)
from reference.connectome import aggregate

BIG = 864_691_135_302_123_457  # an id that no double holds

cell = st.integers(0, 6).map(lambda i: BIG + i)
synapse = st.tuples(cell, cell, st.integers(0, 50))
synapses = st.lists(synapse, max_size=40)
matrices = st.integers(0, 6).flatmap(
    lambda n: st.lists(
        st.lists(st.integers(0, 3), min_size=n, max_size=n), min_size=n, max_size=n
    ).map(lambda rows: np.array(rows, dtype=np.int64).reshape(n, n))
)


def frame(rows) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["pre", "post", "size"])
    return table.astype({"pre": "int64", "post": "int64", "size": "float64"})


def three() -> Connectome:
    table = {"pre": [7, 7, 9, 9, 8], "post": [8, 8, 7, 9, 7], "size": [2.0, 3.0, 1.0, 4.0, 0.0]}
    cells = pd.DataFrame({"kind": ["E", "I", "E"]}, index=[9, 8, 7])
    return Connectome.from_synapses(table, cells=cells)


def typed() -> Connectome:
    counts = {"aa": [[1, 2], [0, 0]], "ad": [[0, 1], [3, 0]], "dd": [[0, 0], [0, 0]]}
    return Connectome.from_matrix(counts, ids=["u", "v"])


# --- from synapses: against the plain way ---------------------------------------------------------


@given(synapses, st.sampled_from(["drop", "keep"]), st.integers(1, 50))
def test_synapses_are_counted_and_their_sizes_summed(rows, autapses, chunk_rows):
    made = Connectome.from_synapses(
        frame(rows), size_scale=0.5, autapses=autapses, chunk_rows=chunk_rows
    )
    pre, post, size = zip(*rows, strict=True) if rows else ((), (), ())
    ids = sorted({*pre, *post})
    assert made.ids.tolist() == ids
    assert made.ids.dtype == np.int64
    count, psd = aggregate(pre, post, size, ids, ids, autapses=autapses, size_scale=0.5)
    np.testing.assert_array_equal(made.count.toarray(), count)
    np.testing.assert_array_equal(made.psd.toarray(), psd)
    assert made.n_synapses + sum(made.dropped.values()) == len(rows)


@given(synapses, st.permutations(range(7)), st.permutations(range(9)), st.data())
def test_rows_and_columns_choose_and_order(rows, row_order, column_order, data):
    row_ids = [BIG + i for i in row_order[: data.draw(st.integers(0, 7))]]
    column_ids = [BIG + i for i in column_order[: data.draw(st.integers(0, 9))]]
    made = Connectome.from_synapses(frame(rows), row_ids, column_ids)
    pre, post, size = zip(*rows, strict=True) if rows else ((), (), ())
    count, psd = aggregate(pre, post, size, row_ids, column_ids)
    np.testing.assert_array_equal(made.count.toarray(), count)
    np.testing.assert_array_equal(made.psd.toarray(), psd)
    assert made.dropped["autapses"] == sum(a == b for a, b, _ in rows)
    assert made.n_synapses + sum(made.dropped.values()) == len(rows)


@given(synapses, st.permutations(range(7)))
def test_other_names_give_the_same_wiring(rows, order):
    ids = [BIG + i for i in range(7)]
    names = {BIG + i: f"cell {k}" for i, k in enumerate(order)}
    renamed = frame(rows).replace({"pre": names, "post": names})
    if not rows:
        renamed = renamed.astype({"pre": object, "post": object})
    made = Connectome.from_synapses(renamed, [names[i] for i in ids])
    assert made.row_ids.tolist() == [names[i] for i in ids]
    np.testing.assert_array_equal(
        made.count.toarray(), Connectome.from_synapses(frame(rows), ids).count.toarray()
    )


def test_columns_default_to_the_rows_and_rows_to_what_occurs():
    table = frame([(1, 2, 1), (1, 3, 1), (4, 2, 1)])
    assert Connectome.from_synapses(table, [2, 1]).count.toarray().tolist() == [[0, 0], [1, 0]]
    onto = Connectome.from_synapses(table, columns=[3, 2])
    assert onto.row_ids.tolist() == [1, 4]
    assert onto.count.toarray().tolist() == [[1, 1], [0, 1]]
    assert onto.ids.tolist() == [1, 4, 3, 2]
    assert not onto.is_square
    assert repr(onto) == "Connectome(2 x 2 cells, 3 synapses in 3 pairs; PSD)"


def test_cells_give_the_rows_and_keep_cells_without_synapses():
    cells = pd.DataFrame({"id": [5, 2, 1], "kind": ["E", "I", "E"]})
    made = Connectome.from_synapses(frame([(1, 2, 1), (1, 3, 1)]), cells=cells)
    assert made.row_ids.tolist() == [5, 2, 1]
    assert made.cells["kind"].to_dict() == {5: "E", 2: "I", 1: "E"}
    assert made.cells.index.name == "cell_id"
    assert made.dropped == {"autapses": 0, "other_cells": 1}
    some = Connectome.from_synapses(frame([(1, 2, 1)]), [1, 2], cells=cells)
    assert some.cells["kind"].tolist() == ["E", "I"]


def test_an_autapse_keeps_its_cell():
    made = Connectome.from_synapses({"pre": [3], "post": [3]})
    assert made.ids.tolist() == [3]
    assert made.count.nnz == 0
    assert not made.has_psd


def test_columns_can_be_named():
    table = {"source": [1], "target": [2], "voxels": [10], "size": [1]}
    made = Connectome.from_synapses(table, pre="source", post="target", size="voxels")
    assert made.psd.toarray().max() == 10


# --- from matrices --------------------------------------------------------------------------------


@given(matrices)
def test_every_form_of_a_matrix_gives_the_same(dense):
    expected = Connectome.from_matrix(dense)
    np.testing.assert_array_equal(expected.count.toarray(), dense)
    assert expected.count.dtype == np.int64
    for form in (
        dense.astype(float),
        sparse.csc_array(dense),
        sparse.coo_matrix(dense),
        pd.DataFrame(dense),
    ):
        np.testing.assert_array_equal(Connectome.from_matrix(form).count.toarray(), dense)


def test_the_source_of_a_matrix_is_left_alone():
    source = sparse.csr_array(np.array([[0.0, 2.0], [1.0, 0.0]]))
    made = Connectome.from_matrix(source)
    assert source.dtype == float
    source.data[:] = 9
    assert made.count.toarray().tolist() == [[0, 2], [1, 0]]


@given(matrices, st.randoms(use_true_random=False))
def test_labels_align_edge_types(dense, random):
    ids = [BIG + i for i in range(len(dense))]
    order = random.sample(range(len(dense)), len(dense))
    here = pd.DataFrame(dense, index=ids, columns=[str(i) for i in ids])
    there = here.iloc[order, order[::-1]]
    made = Connectome.from_matrix({"a": here, "b": there})
    np.testing.assert_array_equal(made.count.toarray(), 2 * dense)
    assert made.row_ids.tolist() == ids
    backward = Connectome.from_matrix(here, ids=ids[::-1])
    np.testing.assert_array_equal(backward.count.toarray(), dense[::-1, ::-1])


@given(matrices)
def test_sizes_go_with_their_pairs(dense):
    sizes = np.where(dense > 1, dense * 0.5, 0.0)
    made = Connectome.from_matrix(dense, psd=sizes)
    np.testing.assert_array_equal(made.psd.toarray(), sizes)
    assert made.psd.nnz == made.count.nnz


def test_rectangular_matrices_need_names_of_both():
    made = Connectome.from_matrix(np.ones((2, 3)), [1, 2], [2, 3, 4])
    assert made.shape == (2, 3)
    assert made.ids.tolist() == [1, 2, 3, 4]
    assert Connectome.from_matrix(pd.DataFrame([[1, 2]], ["a"], ["b", "c"])).shape == (1, 2)
    with pytest.raises(InvalidArgumentError, match="columns="):
        Connectome.from_matrix(np.ones((2, 3)))


# --- edge types -----------------------------------------------------------------------------------


def test_edge_types_sum_to_the_whole():
    made = typed()
    assert made.types == ("aa", "ad", "dd")
    assert repr(made) == "Connectome(2 cells, 7 synapses in 3 pairs; types aa, ad, dd)"
    assert made.count.toarray().tolist() == [[1, 3], [3, 0]]
    assert made.of_type("ad", "dd").count.toarray().tolist() == [[0, 1], [3, 0]]
    assert made.of_type("dd").n_synapses == 0
    assert made.subset(["v"]).types == made.types
    with pytest.raises(InvalidArgumentError, match="no edge type da; there are aa, ad, dd"):
        made.of_type("da")
    with pytest.raises(InvalidArgumentError, match="there are none: from_matrix"):
        three().of_type("aa")
    with pytest.raises(InvalidArgumentError, match="no edge type"):
        made.of_type()


def test_sizes_of_edge_types_are_summed():
    made = Connectome.from_matrix(
        {"a": [[0, 1], [0, 0]], "b": [[0, 2], [1, 0]]},
        psd={"a": [[0, 0.5], [0, 0]], "b": [[0, 0.25], [2.0, 0]]},
    )
    assert made.psd.toarray().tolist() == [[0, 0.75], [2, 0]]
    assert made.of_type("b").psd.toarray().tolist() == [[0, 0.25], [2, 0]]


# --- selection ------------------------------------------------------------------------------------


@given(matrices, st.data())
def test_a_subset_is_fancy_indexing(dense, data):
    n = len(dense)
    ids = np.arange(n) * 3 + BIG
    sizes = dense * 0.25
    made = Connectome.from_matrix(dense, ids, psd=sizes, cells=pd.DataFrame({"k": ids}, index=ids))
    rows = data.draw(st.permutations(range(n)))[: data.draw(st.integers(0, n))]
    columns = data.draw(st.permutations(range(n)))[: data.draw(st.integers(0, n))]
    part = made.subset(ids[rows], columns=ids[columns])
    np.testing.assert_array_equal(part.count.toarray(), dense[np.ix_(rows, columns)])
    np.testing.assert_array_equal(part.psd.toarray(), sizes[np.ix_(rows, columns)])
    assert part.count.has_canonical_format
    assert part.cells.index.tolist() == part.ids.tolist()
    assert part.cells["k"].tolist() == part.ids.tolist()
    square = made.subset(ids[rows])
    np.testing.assert_array_equal(square.count.toarray(), dense[np.ix_(rows, rows)])
    mask = np.isin(np.arange(n), rows)
    np.testing.assert_array_equal(made.subset(mask).count.toarray(), dense[mask][:, mask])


@given(matrices)
def test_parts_of_a_partition_sum_to_the_whole(dense):
    made = Connectome.from_matrix(dense)
    even = made.ids % 2 == 0
    parts = [made.subset(a, columns=b) for a in (even, ~even) for b in (even, ~even)]
    assert sum(part.n_synapses for part in parts) == made.n_synapses == dense.sum()


def test_a_query_selects_cells():
    made = three()
    assert made.subset("kind == 'E'").row_ids.tolist() == [9, 7]
    onto = made.subset("kind == 'I'", columns="cell_id > 7 and kind == 'E'")
    assert (onto.row_ids.tolist(), onto.column_ids.tolist()) == ([8], [9])
    assert made.subset(7).row_ids.tolist() == [7]
    assert made.subset(columns=[7]).count.toarray().tolist() == [[1], [1], [0]]


def test_a_subset_of_a_rectangular_connectome():
    made = Connectome.from_matrix([[1, 2, 3], [4, 5, 6]], [1, 2], [2, 3, 1])
    assert made.subset([2, 1]).count.toarray().tolist() == [[4, 6], [1, 3]]
    assert made.subset(made.row_ids[:1], made.column_ids).count.toarray().tolist() == [[1, 2, 3]]
    part = Connectome.from_matrix([[1, 2]], [1], [2, 3])
    with pytest.raises(InvalidArgumentError, match=r"columns has ids that do not exist: \[1\]"):
        part.subset([1])


@pytest.mark.parametrize(
    ("selector", "error", "message"),
    [
        ([7, 1], InvalidArgumentError, r"ids has ids that do not exist: \[1\]; row_ids has \[9"),
        ([7, 7], DuplicateIdError, r"named twice: \[7\]"),
        ([True, False], InvalidArgumentError, r"a mask over cells must have shape \(3,\)"),
        ("color == 3", InvalidArgumentError, "failed on the cell table.*columns: kind, cell_id"),
        (slice(0, 2), InvalidTypeError, r"a query, got slice.*for positions pass row_ids\[a:b\]"),
        ([[7, 8]], InvalidTypeError, "ids must be a mask, a list of cell ids or a query"),
        ([float(BIG)], IdPrecisionError, r"2\*\*53"),
    ],
)
def test_wrong_selections_are_explained(selector, error, message):
    with pytest.raises(error, match=message):
        three().subset(selector)


# --- frozen, stored -------------------------------------------------------------------------------


def test_nothing_can_be_changed_in_place():
    made = three()
    with pytest.raises(AttributeError):
        made.row_ids = np.arange(3)
    with pytest.raises(ValueError, match="read-only"):
        made.count.data[0] = 5
    with pytest.raises(ValueError, match="read-only"):
        made.ids[0] = 5
    total = typed().of_type("aa").count
    total.data = np.zeros_like(total.data)
    assert three().n_synapses == made.n_synapses


def test_without_sizes_psd_says_how_to_get_them():
    with pytest.raises(MissingDataError, match="size="):
        typed().psd  # noqa: B018


@pytest.mark.parametrize("make", [three, typed])
def test_save_and_load(make, tmp_path):
    made = make()
    cf.save(made, tmp_path / "wiring")
    found = cf.load(tmp_path / "wiring")
    assert repr(found) == repr(made)
    assert found.types == made.types
    assert found.dropped == made.dropped
    np.testing.assert_array_equal(found.ids, made.ids)
    assert found.ids.dtype == made.ids.dtype
    np.testing.assert_array_equal(found.count.toarray(), made.count.toarray())
    pd.testing.assert_frame_equal(found.cells, made.cells)


def test_an_empty_connectome_is_legal():
    made = Connectome.from_synapses(frame([]))
    assert repr(made) == "Connectome(0 cells, 0 synapses in 0 pairs; PSD)"
    assert Connectome.from_matrix(np.zeros((0, 0))).subset([]).shape == (0, 0)


@pytest.mark.parametrize(
    ("part", "message"),
    [
        (Edges("", np.array([0, 2]), np.array([0, 1]), np.ones(2, np.int64), None), "no matrix"),
        (Edges("", np.array([0, 2]), np.array([0, 0]), np.ones(2, np.int64), None), "ascending"),
        (Edges("", np.array([0, 1]), np.array([0]), np.zeros(1, np.int64), None), "at least one"),
        (Edges("", np.array([0, 1]), np.array([0]), np.ones(1, np.int64), np.array([-1.0])), "psd"),
    ],
)
def test_parts_that_do_not_fit_are_refused(part, message):
    with pytest.raises(ConnectomeError, match=message):
        Connectome([1], [1], None, (part,))


def test_a_table_with_a_cell_twice_is_refused():
    table = pd.DataFrame({"kind": ["E", "I"]}, index=[1, 1])
    with pytest.raises(DuplicateIdError, match=r"index of cells must be unique; repeated: \[1\]"):
        Connectome([1], [1], table, Connectome.from_matrix([[0]], [1]).edges)


def test_edges_need_different_types():
    with pytest.raises(ConnectomeError, match="edge type each"):
        Connectome([1], [1], None, ())


# --- errors ---------------------------------------------------------------------------------------

GOOD = {"pre": [1, 2], "post": [2, 1], "size": [1.0, 2.0]}


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"pre": [1.0, float(BIG)]}, IdPrecisionError, r"row 1 .*2\*\*53.*as integers"),
        ({"pre": [1.0, 2.5]}, ConnectomeError, "row 1 holds 2.5, which is no id"),
        ({"pre": [1.0, np.nan]}, ConnectomeError, "column 'pre': row 1 has no id; drop"),
        ({"pre": ["a", None]}, ConnectomeError, "row 1 has no id"),
        ({"pre": pd.array([1, pd.NA], "Int64")}, ConnectomeError, "row 1 has no id"),
        ({"pre": [True, False]}, InvalidTypeError, "truth values"),
        ({"pre": np.array([1, 2**64 - 1], np.uint64)}, ConnectomeError, "row 1 .*beyond 64 bits"),
        ({"pre": np.array([1, 2**70], object)}, ConnectomeError, "row 1 .*beyond 64 bits"),
        ({"pre": np.array([1, (2,)], object)}, ConnectomeError, "row 1 .*neither an integer"),
        ({"pre": np.array(["a", 2], object)}, ConnectomeError, "row 1 holds 2 among text"),
        ({"pre": ["a", "b"]}, InvalidTypeError, "'pre' are text, of 'post' integers"),
        ({"size": [1.0, np.nan]}, ConnectomeError, r"row 1 \(pre 2, post 1\) holds nan"),
        ({"size": [-1.0, 2.0]}, ConnectomeError, r"row 0 \(pre 1, post 2\) holds -1.0"),
        ({"size": ["1", "big"]}, ConnectomeError, "row 1 .*holds big"),
    ],
)
def test_bad_synapses_are_named(change, error, message):
    with pytest.raises(error, match=f"table.*{message}"):
        Connectome.from_synapses(GOOD | change)


def test_rows_are_counted_through_the_pieces():
    table = {"pre": [1] * 9 + [None], "post": [2] * 10}
    with pytest.raises(ConnectomeError, match="row 9 has no id"):
        Connectome.from_synapses(pd.DataFrame(table, dtype="Int64"), chunk_rows=4)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        (
            {"rows": [1, 1]},
            DuplicateIdError,
            r"rows must be unique; repeated: \[1\].*rows \[0, 1\]",
        ),
        ({"rows": [[1, 2]]}, InvalidArgumentError, "rows must be 1-D"),
        ({"columns": [1.0, float(BIG)]}, IdPrecisionError, "columns: row 1"),
        ({"rows": ["a"]}, InvalidTypeError, "integers, but rows ids that are text"),
        ({"pre": "from"}, MissingDataError, "no column 'from'.*columns: pre, post, size"),
        ({"autapses": "no"}, InvalidArgumentError, "autapses"),
        ({"size_scale": 0.0}, InvalidArgumentError, "size_scale"),
        ({"chunk_rows": 0}, InvalidArgumentError, "chunk_rows"),
        ({"cells": {"id": [1, 1]}}, DuplicateIdError, r"'id' must be unique; repeated: \[1\]"),
        ({"cells": {"name": [1, 2]}}, MissingDataError, "cell_id="),
        (
            {"cells": pd.DataFrame({"k": [1]}, index=[1]), "rows": [1, 2]},
            JoinError,
            r"cells has no row for 1 of 2 ids: \[2\]",
        ),
        ({"cells": 3}, InvalidTypeError, "cells must be a DataFrame"),
    ],
)
def test_wrong_options_are_explained(options, error, message):
    with pytest.raises(error, match=message):
        Connectome.from_synapses(GOOD, **options)


def test_missing_columns_are_listed():
    with pytest.raises(MissingDataError, match=r"no column 'pre' or .*pre=.*columns: a, b"):
        Connectome.from_synapses({"a": [1], "b": [2]})


@pytest.mark.parametrize(
    ("matrix", "options", "error", "message"),
    [
        ([[0, np.nan], [1, 0]], {}, ConnectomeError, "pre 5, post 6 holds nan"),
        ([[0, 1], [np.inf, 0]], {}, ConnectomeError, "pre 6, post 5 holds inf"),
        ([[0, 0.5], [1, 0]], {}, ConnectomeError, "pre 5, post 6 holds 0.5 .*as psd"),
        ([[0, 1], [-2, 0]], {}, ConnectomeError, "pre 6, post 5 holds -2 .*not signed"),
        ([[0, 1e300], [1, 0]], {}, ConnectomeError, "pre 5, post 6"),
        ([["a", "b"], ["c", "d"]], {}, InvalidTypeError, "must hold numbers"),
        (np.ones((2, 3)), {}, InvalidArgumentError, r"shape \(2, 2\).*got \(2, 3\)"),
        ([1, 2], {}, InvalidArgumentError, "1-D"),
        ({}, {}, InvalidArgumentError, "edge types"),
        ({3: [[1]]}, {}, InvalidArgumentError, "edge types"),
        (
            [[0, 1], [0, 0]],
            {"psd": [[0, 1], [1, 0]]},
            ConnectomeError,
            "pre 6, post 5 .*no synapse",
        ),
        ([[0, 1], [0, 0]], {"psd": [[0, -1], [0, 0]]}, ConnectomeError, "psd: pre 5, post 6"),
        ({"a": [[0, 1], [1, 0]]}, {"psd": {"b": [[0, 1], [1, 0]]}}, InvalidArgumentError, "got b"),
        (pd.DataFrame([[0, 1], [1, 0]]), {}, JoinError, r"index of matrix .*missing \[5, 6\]"),
    ],
)
def test_bad_matrices_are_named(matrix, options, error, message):
    with pytest.raises(error, match=message):
        Connectome.from_matrix(matrix, [5, 6], **options)


def test_text_digits_and_integers_are_different_ids():
    table = pd.DataFrame({"pre": ["1", "2"], "post": ["2", "1"]})
    assert Connectome.from_synapses(table).row_ids.tolist() == ["1", "2"]
