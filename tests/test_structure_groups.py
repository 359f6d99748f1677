"""Centralities, tails of sizes and positions of cells of assemblies against others."""

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as peer

import cofire as cf
from cofire import structure
from cofire.errors import InvalidArgumentError, InvalidTypeError, JoinError, MissingDataError
from cofire.structure._logistic import logistic
from cofire.structure.distance import match_by_distance
from structure_made import made_wiring

# --- centralities ---------------------------------------------------------------------------------


def networkx_measures(matrix):
    graph = nx.from_numpy_array((matrix > 0).astype(int), create_using=nx.DiGraph)
    graph.remove_edges_from(list(nx.selfloop_edges(graph)))
    return {
        "out_degree": nx.out_degree_centrality(graph),
        "in_degree": nx.in_degree_centrality(graph),
        "betweenness": nx.betweenness_centrality(graph),
        "closeness": nx.closeness_centrality(graph),
    }


def test_centralities_equal_networkx():
    pytest.importorskip("cofire.graph.brandes")
    pytest.importorskip("cofire.graph.degrees")
    wiring, membership, size = made_wiring(30, density=0.08)
    classes = structure.pair_classes(membership, wiring)
    found = structure.centralities(wiring, classes)
    for name, values in networkx_measures(size).items():
        np.testing.assert_allclose(found.table[name], list(values.values()), rtol=1e-10)
    assert found.measures == structure.centrality.MEASURES
    assert len(found.to_frame()) == 4 * 30
    assert set(found.table["group"]) == {"assembly", "no_assembly"}
    pd.testing.assert_frame_equal(
        structure.centralities(wiring, classes, threads=2).table, found.table
    )


def test_groups_may_be_any_mapping_of_ids():
    pytest.importorskip("cofire.graph.degrees")
    wiring, _, _ = made_wiring(12)
    ids = wiring.row_ids.tolist()
    groups = {i: "abc"[k % 3] for k, i in enumerate(ids[:9])} | {ids[10]: None}
    found = structure.centralities(wiring, groups, measures=["in_degree"])
    assert len(found.table) == 9
    assert found.tests[["first", "second"]].values.tolist() == [["a", "b"], ["a", "c"], ["b", "c"]]
    series = structure.centralities(wiring, pd.Series(groups), measures=["in_degree"])
    pd.testing.assert_frame_equal(series.table, found.table)
    frame = pd.DataFrame({"cell": list(groups), "group": list(groups.values())})
    again = structure.centralities(wiring, frame, measures=["in_degree"])
    pd.testing.assert_frame_equal(again.table, found.table)


def test_groups_are_compared_as_scipy_does():
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"group": ["a"] * 9 + ["b"] * 7, "x": rng.normal(size=16)})
    row = structure.compare_groups(table, alternative="two-sided").iloc[0]
    theirs = peer.ranksums(table["x"][:9], table["x"][9:])
    np.testing.assert_allclose([row["statistic"], row["p"]], theirs, rtol=1e-12)


def test_an_empty_group_gives_nan():
    table = {"group": ["assembly", "assembly", None], "x": [1.0, 2.0, 3.0]}
    row = structure.compare_groups(table).iloc[0]
    assert (row["n1"], row["n2"]) == (2, 0)
    assert np.isnan(row["p"])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda w: structure.centralities(w, {99: "a"}), JoinError, r"\[99\]"),
        (lambda w: structure.centralities(w, {}), InvalidArgumentError, "at least one cell"),
        (lambda w: structure.centralities(w, 3), InvalidTypeError, "groups must be"),
        (lambda w: structure.centralities(w, {0: "a"}, measures="x"), InvalidArgumentError, "x"),
        (
            lambda w: structure.centralities(w.subset([0], [0, 1]), {0: "a"}),
            InvalidArgumentError,
            "same cells as rows and columns",
        ),
        (
            lambda w: structure.centralities(w, pd.DataFrame({"x": [1]})),
            MissingDataError,
            "no column 'group'",
        ),
        (lambda w: structure.compare_groups({"x": [1.0]}), MissingDataError, "'group'"),
        (
            lambda w: structure.compare_groups({"group": ["a"]}, values=["y"]),
            MissingDataError,
            "'y'",
        ),
        (
            lambda w: structure.compare_groups({"group": ["a"]}, contrasts=("a", "z")),
            InvalidArgumentError,
            "contrasts",
        ),
    ],
)
def test_bad_groups_are_named(call, error, message):
    wiring = cf.Connectome.from_matrix(1 - np.eye(3, dtype=int))
    with pytest.raises(error, match=message):
        call(wiring)


# --- tails ----------------------------------------------------------------------------------------

components = st.tuples(
    st.floats(0.1, 0.9), st.floats(-4, 0), st.floats(0.5, 3), st.floats(0.1, 1), st.floats(0.1, 1)
)


@given(components)
def test_the_boundary_has_equal_posterior_density(parts):
    w, mean, gap, sd, other_sd = parts
    fit = ([w, 1 - w], [mean, mean - gap], [sd, other_sd])
    try:
        at = structure.mixture_boundary(*fit)
    except InvalidArgumentError:
        x = np.linspace(mean - gap - 3, mean + 3, 2001)
        a, b = (w * peer.norm.pdf(x, m, s) for w, m, s in zip(*fit, strict=True))
        assert (a > b).all() or (b > a).all()
        return
    a, b = (np.log(w) + peer.norm.logpdf(at, m, s) for w, m, s in zip(*fit, strict=True))
    assert a == pytest.approx(b, abs=1e-6)


@given(components)
def test_the_published_boundary_is_that_of_exchanged_weights(parts):
    w, mean, gap, sd, other_sd = parts
    shape = ([mean, mean - gap], [sd, other_sd])
    try:
        published = structure.mixture_boundary([w, 1 - w], *shape, kind="published")
    except InvalidArgumentError:
        with pytest.raises(InvalidArgumentError):
            structure.mixture_boundary([1 - w, w], *shape)
        return
    assert published == pytest.approx(structure.mixture_boundary([1 - w, w], *shape))


def test_boundary_of_equal_widths_is_a_single_root():
    assert structure.mixture_boundary([0.5, 0.5], [1, 0], [0.3, 0.3]) == pytest.approx(0.5)


def test_mixture_recovers_planted_components():
    rng = np.random.default_rng(0)
    logs = np.concatenate([rng.normal(-2, 0.25, 3000), rng.normal(-3.2, 0.3, 2000)])
    mixture = structure.tail_mixture(10**logs)
    np.testing.assert_allclose(mixture.weights, [0.6, 0.4], atol=0.03)
    np.testing.assert_allclose(mixture.means, [-2, -3.2], atol=0.05)
    np.testing.assert_allclose(mixture.sds, [0.25, 0.3], atol=0.03)
    assert mixture.n_tail == mixture.in_tail(10**logs).sum()
    assert mixture.density([mixture.boundary]).sum() > 0
    assert mixture.density([mixture.boundary])[0] == pytest.approx(
        mixture.density([mixture.boundary])[1]
    )
    assert len(mixture.to_frame()) == 2


def test_mixture_takes_the_sizes_of_a_result():
    wiring, membership, _ = made_wiring(30)
    result = structure.monosynaptic(wiring, structure.pair_classes(membership, wiring))
    mixture = structure.tail_mixture(result, boundary="published")
    assert mixture.n == len(result.pairs)
    test = structure.tail_test(result, mixture)
    assert test.observed.sum() <= (result.pairs["class"].isin(["shared", "disjoint"])).sum()
    by_hand = result.pairs[np.log10(result.pairs["value"]) >= mixture.boundary]["class"]
    assert test.observed.tolist() == [(by_hand == c).sum() for c in ("shared", "disjoint")]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: structure.tail_mixture([1.0, 2.0, 0.0, 3.0]), r"sizes\[2\] is 0"),
        (lambda: structure.tail_mixture([1.0, 1.0, 2.0, 2.0]), "at least four different"),
        (lambda: structure.tail_mixture([1.0, 2.0], boundary="x"), "boundary must be"),
        (lambda: structure.mixture_boundary([1, 1], [0, 0], [1, 1]), "no boundary"),
        (lambda: structure.mixture_boundary([1, 0], [0, 1], [1, 1]), "two values"),
        (lambda: structure.tail_test({"class": ["shared"]}, 0.0), "columns class and value"),
        (
            lambda: structure.tail_test(pd.DataFrame({"class": ["shared"], "value": [1.0]}), 0.0),
            "'disjoint' has no connected pair",
        ),
    ],
)
def test_bad_sizes_are_named(call, message):
    with pytest.raises((InvalidArgumentError, InvalidTypeError), match=message):
        call()


# --- distance -------------------------------------------------------------------------------------


def test_logistic_regression_equals_scikit_learn():
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(0)
    x = np.column_stack([np.ones(400), rng.normal(size=(400, 2))])
    y = (rng.random(400) < 1 / (1 + np.exp(-(x @ [-0.5, 1.0, -0.7])))).astype(float)
    ours = logistic(x, y, ["one", "a", "b"], 0.95)
    theirs = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(x[:, 1:], y)
    np.testing.assert_allclose(ours["coefficient"][1:], theirs.coef_[0], rtol=1e-4)
    np.testing.assert_allclose(ours["coefficient"][0], theirs.intercept_[0], rtol=1e-4)
    p = 1 / (1 + np.exp(-(x @ ours["coefficient"].to_numpy())))
    information = (x * (p * (1 - p))[:, None]).T @ x
    np.testing.assert_allclose(
        ours["standard_error"], np.sqrt(np.diag(np.linalg.inv(information))), rtol=1e-6
    )


def test_separated_data_have_no_estimate():
    x = np.column_stack([np.ones(6), np.arange(6.0)])
    table = logistic(x, np.array([0, 0, 0, 1, 1, 1.0]), ["one", "a"], 0.95)
    assert table["p"].isna().all()


@given(st.integers(0, 200), st.integers(1, 12))
def test_matched_samples_have_as_many_in_every_bin(seed, n_bins):
    rng = np.random.default_rng(seed)
    a, b = rng.random(rng.integers(0, 40)), rng.random(rng.integers(0, 40)) ** 2
    of_a, of_b, lost = match_by_distance(a, b, n_bins, seed)
    assert len(of_a) == len(of_b) == len(set(of_a)) == len(set(of_b))
    assert len(of_a) + lost == len(a)
    if len(of_a):
        edges = np.quantile(np.concatenate([a, b]), np.linspace(0, 1, n_bins + 1)[1:-1])
        bins = (np.searchsorted(edges, x[k]) for x, k in ((a, of_a), (b, of_b)))
        assert np.array_equal(*(np.sort(each) for each in bins))


def close_assemblies(seed=0, n=80):
    """Assemblies are neighborhoods, and neighbors are connected: no effect of assemblies."""
    rng = np.random.default_rng(seed)
    xyz = rng.uniform(0, 100, (n, 3))
    member = {i: f"{int(xyz[i, 0] // 25)}" for i in range(n)}
    far = np.linalg.norm(xyz[:, None] - xyz[None], axis=2)
    linked = (rng.random((n, n)) < 0.6 * np.exp(-far / 20)) & ~np.eye(n, dtype=bool)
    cells = pd.DataFrame(xyz, columns=["x", "y", "z"])
    return cf.Connectome.from_matrix(linked.astype(int), cells=cells), member


def test_distance_explains_what_distance_made():
    wiring, member = close_assemblies()
    classes = structure.pair_classes(member, wiring)
    plain = structure.monosynaptic(wiring, classes).test("B", "chi_squared")
    control = structure.distance_control(classes, wiring, connectome=wiring)
    assert plain["p"] < 1e-6
    table = control.logistic.set_index("term")
    assert table.loc["shared against disjoint", "p"] > 0.01
    assert table.loc["distance (sd)", "coefficient"] < -0.5
    assert control.matched["p"].iloc[0] > plain["p"] * 1e3
    assert control.n_matched > 100
    assert len(control.to_frame()) == 4
    shared, disjoint = control.distances.set_index("class")["mean"][["shared", "disjoint"]]
    assert shared < disjoint


def test_axes_do_not_depend_on_the_form_of_positions():
    wiring, member = close_assemblies()
    member |= dict.fromkeys(range(0, 80, 5), "")
    classes = structure.pair_classes(member, wiring)
    xyz = wiring.cells.to_numpy()
    forms = [
        wiring,
        wiring.cells,
        {i: xyz[i] for i in range(80)},
        wiring.cells.rename_axis("cell_id").reset_index(),
    ]
    p = [structure.distance_control(classes, form).axes["p"].tolist() for form in forms]
    assert p == [p[0]] * 4
    some = structure.distance_control(classes, wiring, reference=[0, 1, 2])
    np.testing.assert_allclose(some.centroid, xyz[:3].mean(axis=0))
    renamed = wiring.cells.rename(columns={"x": "a", "y": "b", "z": "c"})
    again = structure.distance_control(classes, renamed, columns=("a", "b", "c"))
    assert again.axes["p"].tolist() == p[0]


@pytest.mark.parametrize(
    ("positions", "options", "error", "message"),
    [
        ({0: (0, 0, 0)}, {}, MissingDataError, r"no row for 1 of 2 cells: \[1\]"),
        ({0: (0, 0, 0), 1: (np.nan, 0, 0)}, {}, InvalidArgumentError, r"not finite: \[1\]"),
        (pd.DataFrame({"x": [1, 2]}, index=[0, 1]), {}, MissingDataError, "no columns x, y, z"),
        (
            pd.DataFrame({"x": [1, 2]}, index=[0, 1]),
            {"columns": ("x", "y", "z")},
            MissingDataError,
            "'y', 'z'",
        ),
        (
            {0: (0, 0, 0), 1: (1, 0, 0)},
            {"reference": np.array([True])},
            InvalidArgumentError,
            "each of 2 rows",
        ),
        (
            {0: (0, 0, 0), 1: (1, 0, 0)},
            {"reference": np.array([False, False])},
            InvalidArgumentError,
            "names no cell",
        ),
        ({0: (0, 0, 0), 1: (1, 0, 0)}, {"contrast": ("a", "b")}, InvalidArgumentError, "contrasts"),
    ],
)
def test_bad_positions_are_named(positions, options, error, message):
    classes = structure.pair_classes({0: "a", 1: ""}, [0, 1])
    with pytest.raises(error, match=message):
        structure.distance_control(classes, positions, **options)


def test_classes_with_common_pairs_cannot_be_controlled():
    wiring, member = close_assemblies(n=10)
    classes = structure.pair_classes(member, wiring)
    with pytest.raises(InvalidArgumentError, match="without a common pair"):
        structure.distance_control(
            classes, wiring, connectome=wiring, contrast=("shared", "a_to_any")
        )
