"""Statistics of Wagner-Carena et al. that the published tables allow, to the printed digits."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import cofire as cf
from cofire import structure
from cofire.stats import chi_squared, goodness_of_fit
from cofire.structure._sums import Links, cell_table

VOXEL = 3.645e-6  # µm³
VERSUS = ("shared", "disjoint")
NONE = ("shared", "shared_no_a")


@pytest.fixture(scope="module")
def v1dd(shared):
    return shared / "data" / "v1dd"


@pytest.fixture(scope="module")
def golden_v1dd(shared):
    return shared / "golden" / "v1dd"


@pytest.fixture(scope="module")
def cells(v1dd):
    return pd.read_csv(v1dd / "cells.csv.gz")


@pytest.fixture(scope="module")
def classes(v1dd):
    """The 80 co-registered proofread cells, in assemblies or in none."""
    path = v1dd / "assembly_membership_coregistered.csv"
    return structure.pair_classes(path, path)


@pytest.fixture(scope="module")
def pyramidal(v1dd):
    with np.load(v1dd / "pyr_proofread_connectome.npz") as file:
        ids, pre, post = file["pt_root_id"], file["pre"], file["post"]
    matrix = np.zeros((len(ids), len(ids)), dtype=np.int64)
    matrix[pre, post] = 1
    return cf.Connectome.from_matrix(matrix, ids=ids)


@pytest.fixture(scope="module")
def excitatory_chains(pyramidal, classes):
    return structure.chains(pyramidal, classes, "any")


@pytest.fixture(scope="module")
def golden_chain_pairs(golden_v1dd):
    table = pd.read_csv(golden_v1dd / "chain_excitatory_pairwise.csv.gz")
    return table.rename(columns={"W": "value"})


@pytest.fixture(scope="module")
def golden_chain_cells(golden_v1dd):
    table = pd.read_csv(golden_v1dd / "chain_excitatory_per_cell.csv")
    names = {
        "B_chain_out": "B_out",
        "B_chain_in": "B_in",
        "W_nonzero_chain_out": "W_out",
        "W_nonzero_chain_in": "W_in",
    }
    table["quantity"] = table["quantity"].map(names)
    return table.rename(columns={"pt_root_id": "cell"})


def one(tests, quantity, test, contrast=VERSUS):
    chosen = tests[
        (tests["quantity"] == quantity)
        & (tests["test"] == test)
        & (tests["first"] == contrast[0])
        & (tests["second"] == contrast[1])
    ]
    assert len(chosen) == 1
    return chosen.iloc[0]


def printed(value, text):
    """Whether a value prints as published: as many decimals, or as many digits with an exponent."""
    if "e" in text:
        return f"{value:.{len(text.split('e')[0].replace('.', '').lstrip('-')) - 1}e}" == (
            f"{float(text):.{len(text.split('e')[0].replace('.', '').lstrip('-')) - 1}e}"
        )
    decimals = len(text.split(".")[1]) if "." in text else 0
    return round(value, decimals) == float(text)


def check(row, statistic, p):
    assert printed(row["statistic"], statistic), (row["statistic"], statistic)
    assert printed(row["p"], p), (row["p"], p)


# --- 3.1 ------------------------------------------------------------------------------------------


def test_counts_of_cells_are_the_published_ones(v1dd, cells, classes, pyramidal):
    proofread = cells[cells["status_axon"] == "extended"]
    by_class = proofread["classification_system"].value_counts()
    assert len(cells) == 8806
    assert (len(proofread), by_class["excitatory"], by_class["inhibitory"]) == (852, 459, 393)
    matched = pd.read_csv(v1dd / "coregistration_449.csv")["pt_root_id"]
    known = cells.set_index("pt_root_id").reindex(matched[matched.isin(cells["pt_root_id"])])
    assert len(matched.unique()) == 449
    assert len(known) == 400
    assert (known["classification_system"] == "excitatory").all()
    assert (known["status_axon"] == "extended").sum() == 90
    assert (len(classes.cell_ids), classes.in_assembly.sum()) == (80, 61)
    assert pyramidal.count.nnz == 3977


# --- 3.3 ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("table", "statistic", "p"),
    [
        ({"shared": (107, 4945), "disjoint": (161, 8475)}, ".982", ".3217"),
        ({"shared": (38, 1233), "disjoint": (56, 2207)}, ".69", ".406"),
        ({"shared": (239, 1610), "disjoint": (307, 2050)}, ".004", ".949"),
        ({"shared": (1608, 1610), "disjoint": (2049, 2050)}, ".044", ".834"),
    ],
    ids=["monosynaptic", "frozen run", "excitatory chains", "inhibitory chains"],
)
def test_chi_squared_of_connected_pairs(table, statistic, p):
    check(one(structure.compare_classes(counts=table), "B", "chi_squared"), statistic, p)


@pytest.mark.parametrize(
    ("side", "z", "p", "n", "w", "signed_p"),
    [
        ("out", "-.2647", ".6044", (39, 53), "266", ".6043"),
        ("in", "-.1347", ".5536", (71, 103), "431", ".288"),
    ],
)
def test_monosynaptic_sizes_per_cell(golden_v1dd, side, z, p, n, w, signed_p):
    table = pd.read_csv(golden_v1dd / f"mono_W_nonzero_{side}.csv")
    tests = structure.compare_classes(cells=table.rename(columns={"pt_root_id": "cell"}))
    row = one(tests, "value", "rank_sum")
    check(row, z, p)
    assert (row["n1"], row["n2"]) == n
    check(one(tests, "value", "signed_rank"), w, signed_p)


def test_sizes_of_the_first_40_cells_are_the_published_ones(v1dd, golden_v1dd):
    pairs = pd.read_csv(v1dd / "pair_psd_first40.csv")
    pre, post = np.sort(pairs["pre"].unique()), np.sort(pairs["post"].unique())
    at = np.searchsorted(pre, pairs["pre"]), np.searchsorted(post, pairs["post"])
    size = np.zeros((len(pre), len(post)))
    size[at] = pairs["summed_psd_um3"]
    wiring = cf.Connectome.from_matrix((size > 0).astype(np.int64), ids=pre, columns=post, psd=size)
    # Classes of pairs are given here, not derivable: assemblies of most post cells are not known.
    known = structure.pair_classes(dict.fromkeys(wiring.ids.tolist(), ""), wiring)
    codes = np.full(size.shape, -1, dtype=np.int8)
    codes[at] = [structure.classes.BASIC.index(name) for name in pairs["class"]]
    given = structure.PairClasses(
        known.cell_ids, (), known.member, known.pre, known.post, codes, known.dropped
    )
    ours = structure.monosynaptic(wiring, given).cells
    ours = ours[(ours["quantity"] == "W_out") & ours["class"].isin(structure.classes.BASIC)]
    table = pd.read_csv(golden_v1dd / "mono_W_nonzero_out.csv")
    expected = table.set_index(["class", "pt_root_id"])["value"]
    keys = pd.MultiIndex.from_frame(ours[["class", "cell"]])
    np.testing.assert_allclose(ours["value"], expected.reindex(keys), rtol=1e-15)
    of_these = expected[expected.index.get_level_values(1).isin(pre)]
    basic = of_these.index.get_level_values(0).isin(structure.classes.BASIC)
    assert len(ours) == basic.sum() > 50


def test_boundary_of_the_published_mixture():
    fit = ([0.6316, 0.3684], [-2.0014, -2.6911], [0.2359, 0.2789])
    # The parameters are printed with four decimals, which leaves three to the boundary.
    assert structure.mixture_boundary(*fit, kind="published") == pytest.approx(-2.2817, abs=2e-4)
    assert structure.mixture_boundary(*fit) == pytest.approx(-2.3837, abs=2e-4)


def test_goodness_of_fit_of_the_tail():
    test = goodness_of_fit([60, 93], [107, 161])
    assert printed(test.statistic, ".0321")
    assert printed(test.p, ".858")


def test_mixture_of_the_known_half_resembles_the_published_one(v1dd):
    """The other 235 of the 456 sizes are not public."""
    mixture = structure.tail_mixture(pd.read_csv(v1dd / "pair_psd_first40.csv")["summed_psd_um3"])
    np.testing.assert_allclose(mixture.means, [-2.0014, -2.6911], atol=0.08)
    np.testing.assert_allclose(mixture.sds, [0.2359, 0.2789], atol=0.06)
    assert mixture.n == 221


# --- 3.4 ------------------------------------------------------------------------------------------


def test_two_paths_of_the_pyramidal_graph(pyramidal, golden_v1dd):
    with np.load(golden_v1dd / "pyr_two_paths.npz") as file:
        expected = file["paths"]
    assert len(expected) == 34_310
    np.testing.assert_array_equal(structure.two_paths(pyramidal), expected)


def test_excitatory_chains_connect_the_published_pairs(excitatory_chains, golden_chain_pairs):
    ours = excitatory_chains.binary().set_index(["pre", "post"])
    theirs = golden_chain_pairs.set_index(["pre", "post"])
    ours = ours.reindex(theirs.index)
    assert len(ours) == 6320
    assert (ours["value"] == theirs["connected"]).all()
    assert (ours["class"] == theirs["class"]).all()


def test_excitatory_chains_per_cell_are_bit_exact(excitatory_chains, golden_chain_cells):
    theirs = golden_chain_cells[golden_chain_cells["quantity"].str.startswith("B")]
    keys = ["quantity", "class", "cell"]
    ours = excitatory_chains.cells.set_index(keys)["value"]
    assert len(ours) == len(theirs) == 680
    np.testing.assert_array_equal(
        ours.reindex(pd.MultiIndex.from_frame(theirs[keys])), theirs["value"]
    )


def test_published_sizes_of_chains_per_cell_are_in_voxels(
    excitatory_chains, golden_chain_pairs, golden_chain_cells
):
    classes = excitatory_chains.classes
    linked = golden_chain_pairs[golden_chain_pairs["connected"] == 1]
    counts = excitatory_chains.pairs.set_index(["pre", "post"])["count"]
    number = counts.reindex(pd.MultiIndex.from_frame(linked[["pre", "post"]]))
    links = Links(
        pd.Index(classes.pre_ids).get_indexer(linked["pre"]),
        pd.Index(classes.post_ids).get_indexer(linked["post"]),
        number.to_numpy(dtype=np.int64),
        linked["value"].to_numpy(),
        457,
    )
    ours = cell_table(links, classes.codes, classes.pre_ids, classes.post_ids, VOXEL**2)
    keys = ["quantity", "class", "cell"]
    theirs = golden_chain_cells[
        golden_chain_cells["quantity"].str.startswith("W")
        & golden_chain_cells["class"].isin(structure.classes.BASIC)
    ]
    found = ours.set_index(keys)["value"].reindex(pd.MultiIndex.from_frame(theirs[keys]))
    np.testing.assert_allclose(found, theirs["value"], rtol=1e-12)


def test_excitatory_chain_tests_of_pairs(excitatory_chains, golden_chain_pairs):
    row = one(excitatory_chains.tests, "B", "chi_squared")
    check(row, ".004", ".949")
    assert (row["n1"], row["n2"]) == (1610, 2050)
    observed = excitatory_chains.contingency["observed"].tolist()
    assert observed == [239, 1371, 307, 1743, 239, 1371, 24, 318]
    check(one(excitatory_chains.tests, "B", "chi_squared", NONE), "14.16", "1.7e-4")
    tests = structure.compare_classes(golden_chain_pairs)
    check(one(tests, "W", "rank_sum"), ".338", ".368")
    check(one(tests, "W", "rank_sum", NONE), "1.42", ".078")


@pytest.mark.parametrize(
    ("quantity", "z", "p", "w", "signed_p"),
    [("B_out", "-.365", ".643", "829", ".581"), ("B_in", "-.340", ".633", "607", ".878")],
)
def test_excitatory_chain_tests_of_cells(excitatory_chains, quantity, z, p, w, signed_p):
    check(one(excitatory_chains.tests, quantity, "rank_sum"), z, p)
    check(one(excitatory_chains.tests, quantity, "signed_rank"), w, signed_p)


@pytest.mark.parametrize(
    ("quantity", "z", "p", "w", "signed_p", "n"),
    [
        ("W_out", ".050", ".480", "596", ".470", 48),
        ("W_in", ".726", ".234", "502", ".571", 45),
        ("B_out", "-.365", ".643", "829", ".581", 60),
        ("B_in", "-.340", ".633", "607", ".878", 60),
    ],
)
def test_published_tables_of_chains_give_the_published_tests(
    golden_chain_cells, quantity, z, p, w, signed_p, n
):
    tests = structure.compare_classes(cells=golden_chain_cells)
    check(one(tests, quantity, "rank_sum"), z, p)
    row = one(tests, quantity, "signed_rank")
    check(row, w, signed_p)
    assert row["n1"] == n


def test_inhibitory_chains_of_assembly_against_none():
    counts = {"shared": (1608, 1610), "shared_no_a": (338, 342)}
    test = chi_squared([[1608, 2], [338, 4]])
    check(one(structure.compare_classes(counts=counts), "B", "chi_squared", NONE), "6.94", ".0084")
    assert printed(test.statistic, "6.94")


# --- 3.5, 3.6 -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("measure", "z", "p"),
    [
        ("outdegree", "1.860", ".0315"),
        ("indegree", "1.747", ".0403"),
        ("betweenness", "2.719", ".0033"),
        ("closeness", "1.413", ".0788"),
    ],
)
def test_centralities_of_all_proofread_cells(golden_v1dd, measure, z, p):
    table = pd.read_csv(golden_v1dd / "centrality_all_cells.csv")
    tests = structure.compare_groups(table)
    row = tests[tests["quantity"] == measure].iloc[0]
    check(row, z, p)
    assert (row["n1"], row["n2"]) == (61, 19)


@pytest.mark.parametrize(
    ("measure", "z", "p"),
    [
        ("out_degree", "1.899", ".0288"),
        ("in_degree", "1.538", ".0621"),
        ("betweenness", "1.894", ".0291"),
        ("closeness", ".842", ".1998"),
    ],
)
def test_centralities_of_pyramidal_cells(pyramidal, classes, measure, z, p):
    pytest.importorskip("cofire.graph.brandes")
    found = structure.centralities(pyramidal, classes, measures=[measure])
    assert found.n_nodes == 459
    check(found.tests.iloc[0], z, p)


def test_distance_from_the_centroid(cells, classes):
    proofread = (cells["status_axon"] == "extended").to_numpy()
    control = structure.distance_control(classes, cells, reference=proofread)
    np.testing.assert_array_equal(control.centroid.round(1), [-34745.3, 361853.1, -19676.3])
    expected = [("1.475", ".140"), ("-.277", ".782"), (".910", ".363")]
    for (_, row), numbers in zip(control.axes.iterrows(), expected, strict=True):
        check(row, *numbers)
        assert (row["n1"], row["n2"]) == (19, 61)
