"""Shuffles, power of the tests, communities against assemblies."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as peer

import cofire as cf
from cofire import structure
from cofire.errors import InvalidArgumentError
from cofire.structure._battery import Options
from cofire.structure._differences import QUANTITIES, _class_differences, words_of
from cofire.structure._records import array_records
from cofire.structure._sums import Links
from cofire.structure.agreement import partition_agreement
from cofire.structure.chains import chain_links
from cofire.structure.monosynaptic import direct_links
from cofire.structure.nulls import differences, label_order
from cofire.structure.power import plant, wilson
from structure_made import made_wiring

CONTRAST = ("shared", "disjoint")


def case(seed, n=18):
    wiring, membership, _ = made_wiring(n, seed)
    return wiring, structure.pair_classes(membership, wiring)


def by_tables(result):
    """The six differences from the long tables."""
    shares = result.shares.set_index("class")["share"]
    logs = np.log10(result.pairs["value"]).groupby(result.pairs["class"]).mean()
    cells = result.cells.set_index(["quantity", "class"])["value"]
    out = [shares["shared"] - shares["disjoint"], logs["shared"] - logs["disjoint"]]
    for side in ("out", "in"):
        b = [cells[f"B_{side}", name].mean() for name in CONTRAST]
        w = [np.log10(cells[f"W_{side}", name]).mean() for name in CONTRAST]
        out += [b[0] - b[1], w[0] - w[1]]
    return out


@settings(max_examples=15)
@given(st.integers(0, 1000))
def test_differences_equal_those_of_the_tables(seed):
    wiring, classes = case(seed)
    own = np.arange(len(classes.cell_ids))[None]
    direct = differences(classes, direct_links(wiring, classes), CONTRAST, own)[0]
    expected = by_tables(structure.monosynaptic(wiring, classes))
    np.testing.assert_allclose(direct, expected, rtol=1e-10, atol=1e-13)
    links = chain_links(wiring, classes, wiring.row_ids)
    chained = differences(classes, links, CONTRAST, own)[0]
    expected = by_tables(structure.chains(wiring, classes, "any"))
    np.testing.assert_allclose(chained, expected, rtol=1e-10, atol=1e-13)


@settings(max_examples=15)
@given(st.integers(0, 1000), st.integers(0, 50))
def test_a_shuffle_is_the_same_as_other_labels(seed, k):
    wiring, classes = case(seed)
    order = label_order(classes, seed, k)
    assert sorted(order) == list(range(len(order)))
    links = direct_links(wiring, classes)
    there = differences(classes, links, CONTRAST, order[None])[0]
    moved = classes.with_member(classes.member[order])
    own = np.arange(len(order))[None]
    np.testing.assert_array_equal(there, differences(moved, links, CONTRAST, own)[0])


def test_null_is_the_same_for_any_number_of_threads_and_more_shuffles():
    wiring, classes = case(1)
    options = {"rng": 5, "alternative": "two-sided"}
    one = structure.permutation_null(wiring, classes, n=150, threads=1, **options)
    two = structure.permutation_null(wiring, classes, n=150, threads=2, **options)
    few = structure.permutation_null(wiring, classes, n=70, threads=2, **options)
    np.testing.assert_array_equal(one.null, two.null)
    np.testing.assert_array_equal(one.null[:70], few.null)
    assert one.quantities == QUANTITIES
    assert len(one.to_frame()) == 6
    other = structure.permutation_null(wiring, classes, n=70, rng=6)
    assert not np.array_equal(other.null, few.null)


def test_the_kernel_runs_without_compilation_and_beyond_64_assemblies():
    member = np.zeros((5, 130), dtype=bool)
    member[[0, 1], 129] = member[2, 63] = True
    words = words_of(member)
    assert words.shape == (5, 3)
    parts = (
        words,
        np.arange(5)[None],
        np.arange(5),
        np.arange(5),
        np.array([0, 1, -1, -1, -1]),
        np.array([0, 1, 2, 3, 3, 3]),
        np.array([1, 2, 0]),
        np.ones(3),
        np.array([2.0, 1.0, 0.5]),
        True,
    )
    plain, compiled = np.empty((1, 6)), np.empty((1, 6))
    _class_differences._function(*parts, plain)
    _class_differences(*parts, compiled)
    np.testing.assert_allclose(plain, compiled)
    assert plain[0, 0] == pytest.approx(1 / 2 - 2 / 4)


def test_progress_is_told_up_to_the_last_shuffle():
    wiring, classes = case(2)
    told = []
    structure.permutation_null(
        wiring, classes, n=130, progress=lambda done, total: told.append((done, total))
    )
    assert told[-1] == (130, 130)
    assert told == sorted(told)


def test_p_of_shuffled_labels_is_uniform_without_an_excess():
    p = []
    for seed in range(80):
        wiring, membership, _ = made_wiring(24, seed)
        classes = structure.pair_classes(membership, wiring)
        p.append(structure.permutation_null(wiring, classes, n=99, rng=seed).p)
    for column in np.array(p).T:
        made = column[~np.isnan(column)]  # in a few, no cell has a connection in both classes
        assert len(made) > 70
        assert peer.kstest(made, "uniform").pvalue > 0.005
    assert (np.array(p) <= 0.05).mean() < 0.09


def test_a_planted_excess_lies_beyond_the_null():
    wiring, membership, _ = made_wiring(50, 3, density=0.15, excess=2.5)
    classes = structure.pair_classes(membership, wiring)
    null = structure.permutation_null(wiring, classes, n=199)
    assert null.p[0] == pytest.approx(1 / 200)
    assert null.z[0] > 3
    less = structure.permutation_null(wiring, classes, n=199, alternative="less")
    assert less.p[0] > 0.9


@pytest.mark.parametrize("shuffle", ["wiring", "weight", "block"])
def test_wiring_can_be_shuffled_instead(shuffle):
    if not hasattr(cf.Connectome, "shuffles"):
        pytest.skip("no shuffles of connectomes yet")
    wiring, membership, _ = made_wiring(40, 3, excess=2.5)
    classes = structure.pair_classes(membership, wiring)
    null = structure.permutation_null(wiring, classes, shuffle=shuffle, n=30, rng=1)
    assert null.null.shape == (30, 6)
    if shuffle != "weight":  # which leaves who is connected as it is
        assert null.p[0] < 0.1
    chained = structure.permutation_null(wiring, classes, "any", shuffle=shuffle, n=5)
    assert np.isfinite(chained.null).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"contrast": ("shared", "a_to_any")}, "without a common pair"),
        ({"shuffle": "all"}, "shuffle must be"),
        ({"alternative": "x"}, "alternative"),
        ({"n": 0}, "n must be at least 1"),
        ({"adjust": "x"}, "adjust"),
    ],
)
def test_bad_options_of_shuffles_are_named(options, message):
    wiring, classes = case(0)
    with pytest.raises(InvalidArgumentError, match=message):
        structure.permutation_null(wiring, classes, **options)


# --- power ----------------------------------------------------------------------------------------


@settings(max_examples=15)
@given(st.integers(0, 1000))
def test_records_from_arrays_equal_those_from_tables(seed):
    wiring, classes = case(seed)
    rows = array_records(chain_links(wiring, classes, wiring.row_ids), classes.codes, Options())
    table = structure.chains(wiring, classes, "any").tests
    for name in ("quantity", "test", "n1", "n2"):
        assert [row[name] for row in rows] == table[name].tolist()
    for name in ("statistic", "p", "effect", "low", "high"):
        np.testing.assert_allclose([row[name] for row in rows], table[name], rtol=1e-9, atol=1e-12)


@given(st.floats(0.2, 5), st.integers(0, 100))
def test_planting_changes_the_share_by_the_excess(excess, seed):
    rng = np.random.default_rng(seed)
    linked = rng.random((60, 60)) < 0.1
    rows, columns = np.nonzero(linked)
    links = Links(rows, columns, np.ones(len(rows), dtype=np.int64), np.ones(len(rows)), 1)
    inside = np.zeros((60, 60), dtype=bool)
    inside[:30] = True
    planted = plant(links, inside, excess, np.random.default_rng(seed))
    pairs = list(zip(planted.rows.tolist(), planted.columns.tolist(), strict=True))
    assert len(set(pairs)) == len(pairs)
    own = inside[planted.rows, planted.columns]
    expected = linked[:30].sum() * excess
    assert abs(own.sum() - expected) < 6 * np.sqrt(expected) + 1
    assert (~own).sum() == linked[30:].sum()
    np.testing.assert_allclose(planted.strength[own], excess)
    np.testing.assert_allclose(planted.strength[~own], 1.0)


def test_power_grows_with_the_excess_and_false_alarms_are_rare():
    wiring, membership, _ = made_wiring(40, 5, density=0.15)
    classes = structure.pair_classes(membership, wiring)
    found = structure.power(wiring, classes, excess=[1, 1.5, 3], n=40, threads=1)
    table = found.table.set_index(["quantity", "test", "excess"])["power"]
    assert table["B", "chi_squared", 1.0] <= 0.15
    assert table["B", "chi_squared", 3.0] == 1.0
    assert table["W", "rank_sum", 3.0] == 1.0
    assert found.smallest("B", "chi_squared", 0.99) <= 3
    assert np.isnan(found.smallest("B", "t"))
    again = structure.power(wiring, classes, excess=[1, 1.5, 3], n=40, threads=2).table
    assert again.equals(found.table)
    assert (found.table["low"] <= found.table["power"]).all()
    assert (found.table["power"] <= found.table["high"]).all()


def test_interval_of_a_share_equals_scipy():
    theirs = peer.binomtest(7, 40).proportion_ci(method="wilson")
    np.testing.assert_allclose(wilson(7, 40), (theirs.low, theirs.high), rtol=1e-10)
    assert np.isnan(wilson(0, 0)).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"excess": [0]}, "excess must be positive"),
        ({"alpha": 1}, "alpha must lie"),
        ({"n": 0}, "n must be"),
        ({"contrast": ("x", "y")}, "contrasts"),
    ],
)
def test_bad_options_of_power_are_named(options, message):
    wiring, classes = case(0)
    with pytest.raises(InvalidArgumentError, match=message):
        structure.power(wiring, classes, **options)


# --- communities ----------------------------------------------------------------------------------

labelings = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3)), min_size=2, max_size=40)


@given(labelings)
def test_agreement_equals_scikit_learn(pairs):
    from sklearn.metrics import mutual_info_score, normalized_mutual_info_score

    a, b = (np.unique(x, return_inverse=True)[1] for x in np.array(pairs).T)
    nmi, vi = partition_agreement(a, b)
    assert nmi == pytest.approx(normalized_mutual_info_score(a, b), abs=1e-9)
    entropy = [peer.entropy(np.bincount(x)) for x in (a, b)]
    expected = (sum(entropy) - 2 * mutual_info_score(a, b)) / np.log(len(a))
    assert vi == pytest.approx(max(expected, 0), abs=1e-9)
    assert partition_agreement(b, a) == pytest.approx((nmi, vi))
    assert 0 <= vi <= 1 + 1e-12


def planted_communities(seed=0):
    rng = np.random.default_rng(seed)
    group = np.arange(60) // 15
    chance = np.where(group[:, None] == group[None], 0.5, 0.05)
    linked = (rng.random((60, 60)) < chance) & ~np.eye(60, dtype=bool)
    return cf.Connectome.from_matrix(linked.astype(int)), group


def test_communities_that_are_the_assemblies_agree():
    wiring, group = planted_communities()
    classes = structure.pair_classes({i: str(group[i]) for i in range(0, 60, 2)}, wiring)
    found = structure.community_agreement(wiring, classes, communities=group, n_null=199)
    assert (found.nmi, found.vi) == (pytest.approx(1), 0.0)
    assert found.p_nmi == found.p_vi == pytest.approx(1 / 200)
    assert (found.by_assembly["p"] < 0.05).all()
    assert found.n_communities == found.n_groups == 4
    assert len(found.cells) == 30
    assert len(found.to_frame()) == 2
    by_id = structure.community_agreement(
        wiring, classes, communities=dict(enumerate(group.tolist())), n_null=199
    )
    np.testing.assert_array_equal(by_id.null, found.null)


def test_communities_are_found_if_none_are_given():
    pytest.importorskip("cofire.graph.communities")
    wiring, group = planted_communities()
    classes = structure.pair_classes({i: str(group[i]) for i in range(60)}, wiring)
    found = structure.community_agreement(wiring, classes, n_null=20)
    assert found.nmi > 0.9
    assert found.modularity > 0.3


def test_unrelated_communities_do_not_agree():
    wiring, group = planted_communities()
    p = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        labels = {i: str(rng.integers(4)) for i in range(60)}
        classes = structure.pair_classes(labels, wiring)
        found = structure.community_agreement(
            wiring, classes, communities=group, n_null=99, rng=seed
        )
        p.append(found.p_nmi)
    assert peer.kstest(p, "uniform").pvalue > 0.01


def test_overlapping_assemblies_become_a_partition():
    wiring, group = planted_communities()
    labels = {0: "a", 1: "a;b", 2: "a", 3: "b", 4: "", 5: "a;b"}
    classes = structure.pair_classes(labels, wiring)
    largest = structure.community_agreement(wiring, classes, communities=group, n_null=1)
    assert largest.cells["group"].tolist() == ["a", "a", "a", "b", "a"]
    combined = structure.community_agreement(
        wiring, classes, communities=group, assign="combination", with_none=True, n_null=1
    )
    assert combined.cells["group"].tolist() == ["a", "a;b", "a", "b", "none", "a;b"]


@pytest.mark.parametrize(
    ("labels", "options", "message"),
    [
        ({0: ""}, {"communities": np.zeros(60)}, "no cell is in an assembly"),
        ({0: "a"}, {"communities": [1, 2]}, "each of 60 rows"),
        ({0: "a"}, {"communities": {0: 1}}, r"none for cells \[1"),
        ({0: "a"}, {"assign": "x"}, "assign must be"),
    ],
)
def test_bad_communities_are_named(labels, options, message):
    wiring, _ = planted_communities()
    classes = structure.pair_classes(labels, wiring)
    with pytest.raises(InvalidArgumentError, match=message):
        structure.community_agreement(wiring, classes, **options)
