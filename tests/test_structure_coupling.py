import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as peer

import cofire as cf
from cofire import structure
from cofire.errors import InvalidArgumentError, JoinError, MissingDataError
from cofire.structure._predictors import compressed, predictor_matrices
from cofire.structure.coupling import _without_nan
from reference import structure as reference
from structure_made import made_wiring

SIMPLE = ["direct", "excitatory_chains", "inhibitory_chains", "common_input", "distance"]


def noise(n, seed):
    made = np.random.default_rng(seed).normal(size=(n, n))
    return (made + made.T) / 2


@settings(max_examples=15)
@given(st.integers(0, 1000))
def test_predictors_equal_their_definitions(seed):
    wiring, _, size = made_wiring(14, seed)
    xyz = wiring.cells[["x", "y", "z"]].to_numpy()
    found = predictor_matrices(wiring, wiring.row_ids, SIMPLE, xyz, None)
    signs = wiring.cells["classification_system"].to_numpy()
    raw = {"direct": size + size.T, "common_input": size.T @ size}
    for sign in ("excitatory", "inhibitory"):
        total = reference.chains(size, np.flatnonzero(signs == sign).tolist())[1]
        raw[f"{sign}_chains"] = total + total.T
    for name, matrix in raw.items():
        np.fill_diagonal(matrix, 0)
        np.testing.assert_allclose(found[name], compressed(matrix), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found["distance"][2, 5], np.linalg.norm(xyz[2] - xyz[5]))


@settings(max_examples=15)
@given(st.integers(0, 1000))
def test_coefficients_equal_least_squares(seed):
    wiring, _, _ = made_wiring(20, seed)
    coupling = noise(20, seed)
    model = structure.explain_coupling(wiring, coupling, predictors=SIMPLE, n_null=0)
    xyz = wiring.cells[["x", "y", "z"]].to_numpy()
    matrices = predictor_matrices(wiring, wiring.row_ids, SIMPLE, xyz, None)
    upper = np.triu_indices(20, 1)
    x = np.stack([peer.zscore(m[upper]) for m in matrices.values()], axis=1)
    y = peer.zscore(coupling[upper])
    design = np.column_stack([np.ones(len(y)), x])
    beta, rss = np.linalg.lstsq(design, y, rcond=None)[:2]
    np.testing.assert_allclose(model.coefficients["coefficient"], beta[1:], rtol=1e-8, atol=1e-10)
    assert model.r2 == pytest.approx(1 - rss[0] / len(y))
    variance = rss[0] / (len(y) - 6) * np.linalg.inv(design.T @ design)
    t = (beta / np.sqrt(np.diag(variance)))[1:]
    np.testing.assert_allclose(model.coefficients["t"], t, rtol=1e-8, atol=1e-10)
    assert (model.coefficients["r2_without"] <= model.r2 + 1e-12).all()
    assert np.isnan(model.p)


@settings(max_examples=10)
@given(st.integers(0, 1000), st.randoms(use_true_random=False))
def test_the_fit_does_not_depend_on_the_order_of_cells(seed, random):
    wiring, _, _ = made_wiring(16, seed)
    coupling = pd.DataFrame(noise(16, seed), wiring.row_ids, wiring.row_ids)
    order = wiring.row_ids.tolist()
    random.shuffle(order)
    one = structure.explain_coupling(wiring, coupling, predictors=SIMPLE, n_null=0)
    other = structure.explain_coupling(
        wiring, coupling.loc[order, order], predictors=SIMPLE, n_null=0
    )
    np.testing.assert_allclose(
        one.coefficients["coefficient"], other.coefficients["coefficient"], rtol=1e-6, atol=1e-9
    )


def test_planted_coupling_is_explained_by_its_cause_alone():
    wiring, _, _ = made_wiring(50, 1, density=0.1)
    xyz = wiring.cells[["x", "y", "z"]].to_numpy()
    direct = predictor_matrices(wiring, wiring.row_ids, ["direct"], xyz, None)["direct"]
    coupling = direct + noise(50, 0) * 0.4
    model = structure.explain_coupling(wiring, coupling, predictors=SIMPLE, n_null=199)
    table = model.coefficients.set_index("predictor")
    assert table.loc["direct", "p"] == pytest.approx(1 / 200)
    assert (table.drop("direct")["p"] > 0.02).all()
    assert model.r2 > 0.3
    assert model.r2_held_out > 0.2
    assert model.p == pytest.approx(1 / 200)
    assert len(model.to_frame()) == 5


def test_unrelated_coupling_has_uniform_p_and_no_held_out_r2():
    p, model_p, held_out = [], [], []
    for seed in range(60):
        wiring, _, _ = made_wiring(16, seed)
        found = structure.explain_coupling(
            wiring, noise(16, seed + 999), predictors=SIMPLE, n_null=99, rng=seed
        )
        p.append(found.coefficients["p"])
        model_p.append(found.p)
        held_out.append(found.r2_held_out)
    for column in np.array(p).T:
        assert peer.kstest(column, "uniform").pvalue > 0.003
    assert peer.kstest(model_p, "uniform").pvalue > 0.01
    assert np.median(held_out) < 0


def test_node_effects_do_not_make_p_small():
    """Coupling that goes with the cells, not the pairs: p of ordinary regression would be tiny."""
    p = []
    for seed in range(60):
        wiring, _, _ = made_wiring(20, seed)
        cell = np.random.default_rng(seed + 77).normal(size=20)
        coupling = cell[:, None] + cell[None] + 0.1 * noise(20, seed)
        found = structure.explain_coupling(
            wiring, coupling, predictors=["distance"], n_null=99, rng=seed
        )
        p.append(found.coefficients["p"][0])
    assert (np.array(p) <= 0.05).mean() <= 0.13


def test_the_null_is_the_same_for_any_number_of_threads():
    wiring, _, _ = made_wiring(20)
    options = {"predictors": SIMPLE, "n_null": 50, "rng": 3}
    one = structure.explain_coupling(wiring, noise(20, 1), threads=1, **options)
    two = structure.explain_coupling(wiring, noise(20, 1), threads=2, **options)
    np.testing.assert_array_equal(one.r2_null, two.r2_null)
    pd.testing.assert_frame_equal(one.coefficients, two.coefficients)


def test_what_the_connectome_cannot_tell_is_left_out_by_default():
    wiring = cf.Connectome.from_matrix(
        (np.random.default_rng(0).random((12, 12)) < 0.3) * (1 - np.eye(12, dtype=int))
    )
    with pytest.raises(MissingDataError, match="sign_column"):
        structure.explain_coupling(wiring, noise(12, 0), predictors=["excitatory_chains"])
    with pytest.raises(MissingDataError, match="no columns x, y, z"):
        structure.explain_coupling(wiring, noise(12, 0), predictors=["distance"])
    where = {i: (i, 0, 0) for i in range(12)}
    model = structure.explain_coupling(
        wiring, noise(12, 0), predictors=["direct", "distance"], positions=where, n_null=5
    )
    assert model.coefficients["predictor"].tolist() == ["direct", "distance"]


def test_all_predictors_with_communicability():
    pytest.importorskip("cofire.graph.spectral")
    wiring, membership, _ = made_wiring(20)
    classes = structure.pair_classes(membership, wiring)
    model = structure.explain_coupling(wiring, noise(20, 0), n_null=9)
    assert len(model.coefficients) == 6
    assert model.agreement is None
    if hasattr(cf.graph, "louvain"):
        pytest.importorskip("cofire.graph.communities")
        found = structure.explain_coupling(wiring, noise(20, 0), n_null=9, classes=classes)
        assert 0 <= found.agreement.nmi <= 1


def test_cells_without_coupling_are_dropped_and_named():
    wiring, _, _ = made_wiring(20)
    coupling = noise(20, 0)
    coupling[3] = coupling[:, 3] = np.nan
    coupling[5, 6] = coupling[6, 5] = np.nan
    model = structure.explain_coupling(wiring, coupling, predictors=["direct"], n_null=5)
    assert model.n_cells == 18
    assert model.dropped["cell_id"].iloc[0] == wiring.row_ids[3]
    assert len(model.dropped) == 2
    assert model.n_pairs == 18 * 17 // 2


@given(st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=12))
def test_what_remains_without_missing_values_has_none(pairs):
    values = np.zeros((8, 8))
    for a, b in pairs:
        values[a, b] = values[b, a] = np.nan
    keep = _without_nan(values)
    assert np.isfinite(values[np.ix_(keep, keep)]).all()
    assert (~keep).sum() <= len({frozenset(pair) for pair in pairs})


@pytest.mark.parametrize(
    ("coupling", "options", "error", "message"),
    [
        (np.ones((20, 3)), {}, InvalidArgumentError, "square"),
        (np.ones((3, 3)), {}, InvalidArgumentError, "3 cells but there are 20 ids"),
        (np.triu(np.ones((20, 20))), {}, InvalidArgumentError, "must be symmetric: cells"),
        (np.ones((20, 20)), {}, InvalidArgumentError, "coupling is the same for all pairs"),
        (np.full((20, 20), np.nan), {}, InvalidArgumentError, "at least four cells"),
        (np.ones((4, 4)), {"ids": [1, 2, 3, 4]}, JoinError, r"\[1, 2, 3, 4\]"),
        (noise(20, 0), {"predictors": ["x"]}, InvalidArgumentError, "predictors must be"),
        (noise(20, 0), {"predictors": []}, InvalidArgumentError, "at least one"),
        (noise(20, 0), {"n_folds": 1}, InvalidArgumentError, "n_folds"),
    ],
)
def test_bad_coupling_is_named(coupling, options, error, message):
    wiring, _, _ = made_wiring(20)
    with pytest.raises(error, match=message):
        structure.explain_coupling(wiring, coupling, **{"predictors": ["direct"], **options})
