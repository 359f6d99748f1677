import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as peer

import cofire as cf
from cofire import structure
from cofire.errors import InvalidArgumentError, InvalidTypeError, JoinError, MissingDataError
from cofire.structure._battery import COLUMNS
from cofire.structure._two_paths import _list_paths, _row_sums, two_path_sums
from cofire.structure.classes import CLASSES
from reference import structure as reference
from structure_made import made_wiring

graphs = st.integers(0, 10_000).map(lambda seed: random_case(seed))


def random_case(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 11))
    size = np.where(rng.random((n, n)) < rng.uniform(0, 0.8), rng.integers(1, 9, (n, n)), 0) / 4
    labels = [set(rng.choice(4, rng.integers(0, 3), replace=False).tolist()) for _ in range(n)]
    known = rng.random(n) < 0.8
    known[0] = True
    membership = {i: labels[i] for i in range(n) if known[i]}
    middle = np.flatnonzero(rng.random(n) < 0.7)
    return size, membership, middle


def connectome(size):
    return cf.Connectome.from_matrix((size > 0).astype(int), psd=size)


def values(result, quantity, name):
    table = result.cells
    chosen = table[(table["quantity"] == quantity) & (table["class"] == name)]
    return dict(zip(chosen["cell"], chosen["value"], strict=True))


# --- direct connections ---------------------------------------------------------------------------


@settings(max_examples=25)
@given(graphs)
def test_direct_connections_equal_the_definition(case):
    size, membership, _ = case
    wiring = connectome(size)
    classes = structure.pair_classes(membership, wiring)
    result = structure.monosynaptic(wiring, classes, contrasts=("shared", "disjoint"))
    for name in CLASSES:
        for side in ("out", "in"):
            b, w = reference.per_cell(size, membership, name, side)
            assert values(result, f"B_{side}", name) == pytest.approx(b)
            assert values(result, f"W_{side}", name) == pytest.approx(w)


@settings(max_examples=25)
@given(graphs)
def test_pairs_and_shares_add_up(case):
    size, membership, _ = case
    wiring = connectome(size)
    classes = structure.pair_classes(membership, wiring)
    result = structure.monosynaptic(wiring, classes)
    known = sorted(membership)
    inner = size[np.ix_(known, known)] * ~np.eye(len(known), dtype=bool)
    assert result.pairs["value"].sum() == pytest.approx(inner.sum())
    assert result.shares["n_connected"][:5].sum() == (inner > 0).sum()
    assert result.binary()["value"].sum() == (inner > 0).sum()
    assert len(result.binary()) == len(known) * (len(known) - 1)
    assert (result.binary().merge(result.pairs, on=["pre", "post"])["value_x"] == 1).all()


def test_tests_equal_scipy_on_the_long_tables():
    wiring, membership, _ = made_wiring(40, excess=1.5)
    result = structure.monosynaptic(
        wiring, structure.pair_classes(membership, wiring), contrasts=("shared", "disjoint")
    )
    a, b = (result.pairs.loc[result.pairs["class"] == c, "value"] for c in ("shared", "disjoint"))
    theirs = peer.ranksums(a, b, alternative="greater")
    ours = result.test("W", "rank_sum")
    np.testing.assert_allclose([ours["statistic"], ours["p"]], theirs, rtol=1e-10)
    first, second = (pd.Series(values(result, "W_in", c)) for c in ("shared", "disjoint"))
    both = first.index.intersection(second.index)
    theirs = peer.wilcoxon(first[both], second[both], alternative="greater")
    ours = result.test("W_in", "signed_rank", ("shared", "disjoint"))
    np.testing.assert_allclose([ours["statistic"], ours["p"]], theirs, rtol=1e-10)
    table = result.contingency.pivot(index="class", columns="outcome", values="observed")
    theirs = peer.chi2_contingency(table)
    ours = result.test("B", "chi_squared")
    np.testing.assert_allclose([ours["statistic"], ours["p"]], theirs[:2], rtol=1e-10)
    assert tuple(result.tests.columns) == COLUMNS
    assert (result.tests["low"] <= result.tests["effect"]).all()
    assert (result.tests["effect"] <= result.tests["high"]).all()


def test_a_pair_with_many_synapses_is_one_connection_of_their_summed_size():
    table = {"pre": [1, 1, 1, 1], "post": [2, 2, 2, 1], "size": [2.0, 3.0, 5.0, 7.0]}
    wiring = cf.Connectome.from_synapses(table, rows=[1, 2])
    result = structure.monosynaptic(wiring, structure.pair_classes({1: "a", 2: "a"}, wiring))
    assert result.pairs[["class", "count", "value"]].values.tolist() == [["shared", 1, 10.0]]


def test_no_partner_is_no_row_and_no_connection_is_a_zero():
    wiring = cf.Connectome.from_matrix(np.zeros((3, 3), dtype=int), psd=np.zeros((3, 3)))
    classes = structure.pair_classes({0: "a", 1: "a", 2: ""}, wiring)
    result = structure.monosynaptic(wiring, classes)
    assert values(result, "B_out", "shared") == {0: 0.0, 1: 0.0}
    assert values(result, "B_out", "disjoint") == {}
    assert values(result, "B_out", "shared_no_a") == {}
    assert values(result, "W_out", "shared") == {}
    assert not len(result.pairs)
    row = result.test("W", "rank_sum")
    assert np.isnan(row["p"])
    assert (row["n1"], row["n2"]) == (0, 0)


def test_equal_values_in_the_signed_rank_have_p_1():
    full = 1 - np.eye(6, dtype=int)
    for matrix in (full, full * 0):
        wiring = cf.Connectome.from_matrix(matrix)
        classes = structure.pair_classes({i: str(i % 2) for i in range(6)}, wiring)
        row = structure.monosynaptic(wiring, classes).test("B_out", "signed_rank")
        assert (row["statistic"], row["p"], row["effect"]) == (0.0, 1.0, 0.0)


def test_rectangular_connectomes_have_other_cells_on_each_side():
    wiring = cf.Connectome.from_matrix(
        [[0, 1, 1], [1, 0, 0]], ids=[1, 2], columns=[2, 3, 4], psd=[[0, 2.0, 3.0], [1.0, 0, 0]]
    )
    classes = structure.pair_classes({1: "a", 2: "a", 3: "a", 4: "b"}, wiring)
    result = structure.monosynaptic(wiring, classes)
    assert values(result, "B_out", "shared") == {1: 0.5, 2: 0.0}
    assert values(result, "W_in", "disjoint") == {4: 3.0}


def test_long_format_keeps_ids_exact():
    wiring, membership, _ = made_wiring(12)
    result = structure.monosynaptic(wiring, structure.pair_classes(membership, wiring))
    table = result.to_frame()
    assert set(table["quantity"]) == {"B", "W", "B_out", "W_out", "B_in", "W_in"}
    assert set(table["pre"].dropna()) <= set(wiring.row_ids.tolist())
    assert str(table["cell"].dtype) == "Int64"
    assert (table["cell"].isna() == table["pre"].notna()).all()


def test_without_sizes_there_are_only_binary_quantities():
    wiring = cf.Connectome.from_matrix(1 - np.eye(4, dtype=int))
    classes = structure.pair_classes({0: "a", 1: "a", 2: "b", 3: ""}, wiring)
    result = structure.chains(wiring, classes, "any")
    assert not result.has_sizes
    assert set(result.cells["quantity"]) == {"B_out", "B_in"}
    assert set(result.to_frame()["quantity"]) == {"B", "B_out", "B_in"}


def test_corrections_count_all_tests_of_the_table():
    wiring, membership, _ = made_wiring(30)
    classes = structure.pair_classes(membership, wiring)
    plain = structure.monosynaptic(wiring, classes).tests
    np.testing.assert_array_equal(plain["p"], plain["p_adjusted"])
    strict = structure.monosynaptic(wiring, classes, adjust="bonferroni").tests
    made = plain["p"].notna()
    expected = np.minimum(plain.loc[made, "p"] * made.sum(), 1)
    np.testing.assert_allclose(strict.loc[made, "p_adjusted"], expected)


def test_breakdown_tests_each_assembly_alone():
    wiring, membership, _ = made_wiring(30)
    classes = structure.pair_classes(membership, wiring)
    result = structure.monosynaptic(wiring, classes, by="assembly")
    assert set(result.breakdown["assembly"]) == set(classes.assemblies)
    own = structure.monosynaptic(wiring, classes.of_assembly("2")).tests
    part = result.breakdown[result.breakdown["assembly"] == "2"].drop(columns="assembly")
    pd.testing.assert_frame_equal(part.reset_index(drop=True), own)
    with pytest.raises(InvalidArgumentError, match="by must be one of"):
        structure.monosynaptic(wiring, classes, by="layer")


# --- chains ---------------------------------------------------------------------------------------


@given(graphs)
def test_chains_equal_the_definition(case):
    size, membership, middle = case
    if not len(middle):
        return
    wiring = connectome(size)
    classes = structure.pair_classes(membership, wiring)
    result = structure.chains(wiring, classes, middle, voxel=0.5)
    count, total = reference.chains(size, middle.tolist())
    known = [(j, i) for j in membership for i in membership if count[j, i]]
    ours = result.pairs.set_index(["pre", "post"])
    assert sorted(ours.index) == sorted(known)
    for pair in known:
        assert ours.loc[pair, "count"] == count[pair]
        assert ours.loc[pair, "value"] == pytest.approx(total[pair])
    for name in ("shared", "a_to_any"):
        for side in ("out", "in"):
            _, w = reference.per_cell(total, membership, name, side, count)
            expected = {cell: value / 0.25 for cell, value in w.items()}
            assert values(result, f"W_{side}", name) == pytest.approx(expected)


@given(graphs)
def test_shares_of_chains_count_middle_cells_other_than_the_pair(case):
    size, membership, middle = case
    if not len(middle):
        return
    wiring = connectome(size)
    classes = structure.pair_classes(membership, wiring)
    result = structure.chains(wiring, classes, middle)
    count, _ = reference.chains(size, middle.tolist())
    table = result.cells[(result.cells["quantity"] == "B_out")]
    for _, row in table.iterrows():
        j = row["cell"]
        partners = classes.post_ids[classes.mask(row["class"])[classes.pre_ids == j][0]]
        possible = sum(len(set(middle.tolist()) - {j, i}) for i in partners.tolist())
        found = sum(count[j, i] for i in partners)
        assert row["value"] == pytest.approx(found / possible)


def test_excitatory_and_inhibitory_chains_are_all_chains():
    wiring, membership, _ = made_wiring(30)
    classes = structure.pair_classes(membership, wiring)
    kinds = ("excitatory", "inhibitory", "any")
    sums = [structure.chains(wiring, classes, kind).pairs["value"].sum() for kind in kinds]
    assert sums[0] + sums[1] == pytest.approx(sums[2])
    renamed = wiring.cells.rename(columns={"classification_system": "sort"})
    other = cf.Connectome.from_matrix(wiring.count, wiring.row_ids, psd=wiring.psd, cells=renamed)
    again = structure.chains(other, classes, "excitatory", sign_column="sort")
    assert again.pairs["value"].sum() == sums[0]


def test_a_chain_never_uses_a_cell_twice():
    matrix = np.ones((3, 3), dtype=int)
    wiring = cf.Connectome.from_matrix(matrix)
    classes = structure.pair_classes({0: "a", 1: "a", 2: "a"}, wiring)
    assert structure.chains(wiring, classes, "any").pairs["count"].tolist() == [1] * 6
    assert len(structure.two_paths(matrix)) == 6


@given(graphs)
def test_two_paths_equal_three_loops(case):
    size, _, middle = case
    mask = np.isin(np.arange(len(size)), middle)
    count, _ = reference.chains(size, middle.tolist())
    paths = structure.two_paths(size, middle=mask)
    assert len(paths) == count.sum()
    assert (np.lexsort(paths.T[::-1]) == np.arange(len(paths))).all()
    found = np.zeros_like(count)
    np.add.at(found, (paths[:, 0], paths[:, 2]), 1)
    np.testing.assert_array_equal(found, count)


@given(graphs)
def test_sums_over_two_paths_equal_a_sparse_product(case):
    from scipy import sparse

    size, _, _ = case
    matrix = sparse.csr_array(size)
    same = np.full(len(size), -1)
    indptr, indices, count, weight = two_path_sums(matrix, matrix, same)
    ours = sparse.csr_array((weight, indices, indptr), shape=matrix.shape)
    np.testing.assert_allclose(ours.toarray(), (matrix @ matrix).toarray(), atol=1e-12)
    assert count.sum() == ((size > 0).astype(int) @ (size > 0).astype(int)).sum()


@pytest.mark.parametrize("density", [0.001, 0.02, 0.3])
def test_sums_over_two_paths_do_not_depend_on_blocks_and_threads(density, monkeypatch):
    from scipy import sparse

    matrix = sparse.random_array((300, 300), density=density, rng=0, format="csr")
    same = np.arange(300)
    one = two_path_sums(matrix, matrix, same, threads=1)
    monkeypatch.setattr("cofire.structure._two_paths._BLOCK_PAIRS", 500)
    for threads in (1, 2, 3):
        for a, b in zip(one, two_path_sums(matrix, matrix, same, threads), strict=True):
            np.testing.assert_array_equal(a, b)
    product = (matrix @ matrix).toarray()
    np.fill_diagonal(product, 0)
    ours = sparse.csr_array((one[3], one[1], one[0]), shape=matrix.shape)
    np.testing.assert_allclose(ours.toarray(), product, atol=1e-12)


def test_kernels_run_without_compilation():
    size = random_case(3)[0]
    from scipy import sparse

    matrix = sparse.csr_array(size)
    parts = (matrix.indptr.astype(np.int64), matrix.indices.astype(np.int32), matrix.data)
    same = np.arange(len(size))
    outs = []
    for fill in (_row_sums._function, _row_sums):
        out = (np.empty(len(size), np.int64), np.empty(999, np.int32), np.empty(999, np.int64))
        weight = np.empty(999)
        n = fill(*parts, *parts, same, len(size), 0, len(size), *out, weight)
        outs.append((out[0], *(each[:n] for each in (*out[1:], weight))))
    for plain, compiled in zip(*outs, strict=True):
        np.testing.assert_array_equal(plain, compiled)
    every = np.ones(len(size), dtype=bool)
    none = np.empty((0, 3), dtype=np.int32)
    assert _list_paths._function(*parts[:2], *parts[:2], every, none) == len(
        structure.two_paths(size)
    )


# --- errors, edges --------------------------------------------------------------------------------


def test_one_cell_and_read_only_input():
    matrix = np.zeros((1, 1), dtype=int)
    matrix.setflags(write=False)
    wiring = cf.Connectome.from_matrix(matrix)
    classes = structure.pair_classes({0: "a"}, wiring)
    for result in (
        structure.monosynaptic(wiring, classes),
        structure.chains(wiring, classes, "any"),
    ):
        assert not len(result.pairs)
        assert np.isnan(result.tests["p"]).all()
    assert structure.two_paths(matrix).shape == (0, 3)
    assert structure.two_paths(np.zeros((0, 0))).shape == (0, 3)
    strided = np.ones((8, 8))[::2, ::2]
    assert len(structure.two_paths(strided)) == 24


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda w, c: structure.monosynaptic(np.eye(3), c), InvalidTypeError, "must be a cofire"),
        (lambda w, c: structure.monosynaptic(w, {1: 2}), InvalidTypeError, "from pair_classes"),
        (lambda w, c: structure.monosynaptic(w.subset([0, 1]), c), JoinError, r"\[2, 3\]"),
        (
            lambda w, c: structure.monosynaptic(w, c, contrasts=("x", "y")),
            InvalidArgumentError,
            "x",
        ),
        (
            lambda w, c: structure.monosynaptic(w, c, alternative="more"),
            InvalidArgumentError,
            "alternative",
        ),
        (lambda w, c: structure.monosynaptic(w, c, ranks="t"), InvalidArgumentError, "ranks"),
        (lambda w, c: structure.monosynaptic(w, c, adjust="x"), InvalidArgumentError, "adjust"),
        (lambda w, c: structure.monosynaptic(w, c, confidence=2), InvalidArgumentError, "between"),
        (lambda w, c: structure.chains(w, c), MissingDataError, "sign_column"),
        (lambda w, c: structure.chains(w, c, "x"), InvalidArgumentError, "middle must be"),
        (lambda w, c: structure.chains(w, c, []), InvalidArgumentError, "no such cell"),
        (lambda w, c: structure.chains(w, c, [9]), JoinError, "middle cell must send"),
        (
            lambda w, c: structure.chains(w, c, np.array([True])),
            InvalidArgumentError,
            "each of 4 rows",
        ),
        (lambda w, c: structure.chains(w, c, "any", voxel=0), InvalidArgumentError, "voxel"),
        (
            lambda w, c: structure.chains(w, c, "excitatory", sign_column="s"),
            MissingDataError,
            "no column 's'",
        ),
        (lambda w, c: structure.two_paths(np.ones((2, 3))), InvalidArgumentError, "square"),
        (
            lambda w, c: structure.two_paths(np.ones((2, 2)), middle=[True]),
            InvalidArgumentError,
            "each of 2 nodes",
        ),
        (
            lambda w, c: structure.monosynaptic(w, c).test("B", "t"),
            InvalidArgumentError,
            "quantities: B",
        ),
        (
            lambda w, c: structure.compare_classes({"class": ["x"], "value": [1]}),
            InvalidArgumentError,
            "class 'x'",
        ),
        (
            lambda w, c: structure.compare_classes({"class": ["shared"]}),
            MissingDataError,
            "no column 'value'",
        ),
        (
            lambda w, c: structure.compare_classes(
                cells={"class": ["shared"] * 2, "cell": [5, 5], "value": [1.0, 2.0]}
            ),
            InvalidArgumentError,
            "cell 5 occurs twice",
        ),
        (
            lambda w, c: structure.compare_classes(counts={"shared": (3, 2)}),
            InvalidArgumentError,
            r"got \(3, 2\)",
        ),
    ],
)
def test_bad_input_is_named(call, error, message):
    wiring = cf.Connectome.from_matrix(1 - np.eye(4, dtype=int))
    classes = structure.pair_classes(dict.fromkeys(range(4), "a"), wiring)
    with pytest.raises(error, match=message):
        call(wiring, classes)


def test_a_column_that_does_not_say_signs_is_refused():
    cells = pd.DataFrame({"sort": ["KC", "MBON"]}, index=[0, 1])
    wiring = cf.Connectome.from_matrix([[0, 1], [1, 0]], cells=cells)
    classes = structure.pair_classes({0: "a", 1: "a"}, wiring)
    with pytest.raises(InvalidArgumentError, match="must say excitatory or inhibitory"):
        structure.chains(wiring, classes, sign_column="sort")


# --- statistics -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def null_tests():
    """Tests of 120 connectomes whose wiring has nothing to do with the assemblies."""
    tables = []
    for seed in range(120):
        wiring, membership, _ = made_wiring(40, seed, density=0.2)
        classes = structure.pair_classes(membership, wiring)
        tables.append(
            structure.monosynaptic(
                wiring, classes, contrasts=("shared", "disjoint"), ranks="normal"
            ).tests.assign(seed=seed)
        )
    return pd.concat(tables)


@pytest.mark.parametrize(
    ("quantity", "test"),
    [
        ("W", "rank_sum"),
        ("W_in", "rank_sum"),
        ("W_out", "signed_rank"),
        ("B_out", "signed_rank"),
    ],
)
def test_p_is_uniform_without_an_excess(null_tests, quantity, test):
    chosen = (null_tests["quantity"] == quantity) & (null_tests["test"] == test)
    p = null_tests.loc[chosen, "p"]
    assert len(p) == 120
    assert peer.kstest(p, "uniform").pvalue > 0.01
    assert (p <= 0.05).mean() < 0.11


def test_chi_squared_with_yates_is_not_liberal_without_an_excess(null_tests):
    """The correction makes p a little too large, never too small."""
    p = null_tests.loc[null_tests["test"] == "chi_squared", "p"]
    assert peer.kstest(p, "uniform", alternative="greater").pvalue > 0.01
    assert (p <= 0.05).mean() < 0.1


def test_a_planted_excess_is_found():
    found = 0
    for seed in range(20):
        wiring, membership, _ = made_wiring(60, seed, density=0.15, excess=2.0)
        classes = structure.pair_classes(membership, wiring)
        tests = structure.monosynaptic(wiring, classes)
        found += tests.test("B", "chi_squared")["p"] < 0.05
        assert tests.test("B", "chi_squared")["effect"] > 1
    assert found >= 18
