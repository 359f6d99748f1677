"""Odors, mixtures, concentrations, noise and shuffled wirings are what the study says."""

from __future__ import annotations

import numpy as np
import pytest

from cofire.errors import (
    FileFormatError,
    InvalidArgumentError,
    InvalidTypeError,
    MissingDataError,
    RecordingError,
)
from cofire.studies.larval_olfaction import (
    CONDITIONS,
    Material,
    OdorPanel,
    OlfactionConfig,
    Setup,
    at_concentration,
    draw_odors,
    load_panel,
    mix,
    noisy_inputs,
    read_panel,
    shuffled_counts,
)
from cofire.studies.larval_olfaction.data import all_pairs, random_triplets
from cofire.studies.larval_olfaction.wiring import SINGLE, SUMMED

RNG = np.random.default_rng(0)


@pytest.fixture
def panel():
    values = RNG.uniform(0.05, 0.9, (5, 21)).astype(np.float32)
    return OdorPanel(values, tuple("abcde"), tuple(f"Or{k}" for k in range(21)))


@pytest.fixture(scope="module")
def folder(shared):
    return shared / "data" / "larval_olfaction"


def write_panel(path, panel, *, scale=1.0, offset=0.0, order=None):
    names = list(panel.receptors) if order is None else [panel.receptors[i] for i in order]
    rows = [",".join(["odor", *names])]
    for odor, values in zip(panel.odors, panel.responses, strict=True):
        own = dict(zip(panel.receptors, values * scale + offset, strict=True))
        rows.append(",".join([odor, *(f"{own[n]:.9g}" for n in names)]))
    path.write_text("\n".join(rows) + "\n")
    return path


# --- panels ---------------------------------------------------------------------------------------


def test_the_published_panel_has_the_golden_responses(folder, shared):
    panel = load_panel(folder)
    with np.load(shared / "golden" / "olfactory_seed42.npz") as golden:
        np.testing.assert_array_equal(panel.responses, golden["or_input"].astype(np.float32))
    assert (panel.n_odors, panel.odors[0], len(panel.receptors)) == (28, "sfr", 21)


def test_a_missing_data_folder_is_an_error_that_names_it(tmp_path):
    with pytest.raises(RecordingError, match="nowhere"):
        load_panel(tmp_path / "nowhere")


def test_columns_of_an_own_panel_may_come_in_any_order(panel, tmp_path):
    file = write_panel(tmp_path / "own.csv", panel, order=RNG.permutation(21))
    found = read_panel(file, panel.receptors, units="normalized")
    np.testing.assert_allclose(found.responses, panel.responses, rtol=1e-6)
    assert found.odors == panel.odors


def test_firing_rates_are_normalized(panel, tmp_path):
    file = write_panel(tmp_path / "hz.csv", panel, scale=350.0, offset=-50.0)
    found = read_panel(file, panel.receptors, units="hz")
    np.testing.assert_allclose(found.responses, panel.responses, atol=1e-6)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("odor,A\nx,0.1\n", "missing: B; unknown: none"),
        ("odor,A,B,C\nx,0.1,0.2,0.3\n", "unknown: C"),
        ("odor,A,B\nx,0.1,what\ny,0.1,0.2\n", "not a table"),
        ("odor,A,B\nx,0.1,\ny,0.1,0.2\n", "finite"),
        ("odor,A,B\nx,0.1,0.2\n", "at least one odor"),
        ("odor,A,B\nx,0.1,0.2\nx,0.1,0.2\n", "name of its own"),
        ("odor,A,B\nx,0.1,0.2\ny,150,0.2\n", r"'y', A: 150 is out of range.*units"),
    ],
)
def test_wrong_panels_are_explained(tmp_path, text, message):
    file = tmp_path / "wrong.csv"
    file.write_text(text)
    with pytest.raises(FileFormatError, match=message):
        read_panel(file, ("A", "B"), units="normalized")


def test_a_panel_that_does_not_exist_is_an_error(tmp_path):
    with pytest.raises(MissingDataError, match=r"absent\.csv does not exist"):
        read_panel(tmp_path / "absent.csv", ("A",), units="normalized")


def test_odors_are_chosen_by_name_and_the_baseline_stays(folder):
    config = OlfactionConfig(odors=("pentyl acetate", "ethyl butyrate"))
    assert Material.load(folder, config).panel.odors == ("sfr", "pentyl acetate", "ethyl butyrate")


def test_an_unknown_odor_is_an_error_that_lists_the_panel(folder):
    with pytest.raises(InvalidArgumentError, match=r"'vinegar' is not in the panel; it has sfr"):
        Material.load(folder, OlfactionConfig(odors=("vinegar",)))


# --- task complexity ------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [7, 14])
def test_small_tasks_are_subsets_in_the_order_of_the_panel(folder, n):
    panel = load_panel(folder)
    drawn = draw_odors(panel, n, 42)
    order = [panel.odors.index(odor) for odor in drawn.odors]
    assert order == sorted(np.random.RandomState(2042).choice(28, n, replace=False).tolist())
    np.testing.assert_array_equal(drawn.responses, panel.responses[order])


def test_large_tasks_add_synthetic_odors_with_three_to_eight_strong_receptors(folder):
    panel = load_panel(folder)
    drawn = draw_odors(panel, 56, 42)
    assert drawn.n_odors == 56
    np.testing.assert_array_equal(drawn.responses[:28], panel.responses)
    made = drawn.responses[28:].astype(float)
    assert ((made >= 0) & (made <= 1)).all()
    assert len(np.unique(made, axis=0)) == 28
    weak = 0.2 * (panel.responses.mean(axis=0) + 4 * np.maximum(panel.responses.std(axis=0), 0.05))
    assert ((made > weak).sum(axis=1) <= 8).all()
    np.testing.assert_array_equal(draw_odors(panel, 56, 42).responses, drawn.responses)
    assert (draw_odors(panel, 56, 43).responses[28:] != drawn.responses[28:]).any()


def test_a_task_needs_two_odors(panel):
    with pytest.raises(InvalidArgumentError, match="n_odors"):
        draw_odors(panel, 1, 42)


# --- noise, concentration, mixtures ---------------------------------------------------------------


def test_noise_is_relative_and_never_negative(panel):
    trials = noisy_inputs(panel.responses, 4000, 0.3, np.random.default_rng(1))
    assert trials.shape == (5, 4000, 21)
    assert trials.dtype == np.float32
    assert (trials >= 0).all()
    np.testing.assert_allclose(trials.mean(axis=1), panel.responses, rtol=0.03)
    np.testing.assert_allclose(trials.std(axis=1) / panel.responses, 0.3, rtol=0.06)


def test_additive_noise_has_the_same_sd_everywhere(panel):
    trials = noisy_inputs(panel.responses + 2, 4000, 0.3, np.random.default_rng(1), additive=True)
    np.testing.assert_allclose(trials.std(axis=1), 0.3, rtol=0.06)


def test_concentration_one_is_the_panel(panel):
    np.testing.assert_allclose(at_concentration(panel, 1.0), panel.responses[1:], rtol=1e-6)


@pytest.mark.parametrize("c", [0.03, 0.5, 5.0])
def test_concentration_moves_odors_away_from_the_baseline(panel, c):
    base = panel.responses[0]
    expected = np.maximum(base + (panel.responses[1:] - base) * 2 * c / (1 + c), 0)
    np.testing.assert_allclose(at_concentration(panel, c), expected, rtol=1e-5, atol=1e-7)


def test_a_steeper_hill_curve_separates_concentrations_more(panel):
    def spread(hill):
        low, high = (at_concentration(panel, c, hill=hill).sum() for c in (0.3, 3.0))
        return abs(high - low)

    assert spread(3.0) > spread(1.0)


def test_mixtures_are_clipped_sums(panel):
    members = np.array([[1, 2], [3, 4]])
    expected = np.clip(panel.responses[members].sum(axis=1), 0, 1)
    np.testing.assert_allclose(mix(panel, members), expected, rtol=1e-6)


def test_members_of_mixtures_must_be_odors(panel):
    with pytest.raises(InvalidArgumentError, match="below 5"):
        mix(panel, np.array([[1, 5]]))


def test_there_are_351_pairs_of_27_odors():
    pairs = all_pairs(range(1, 28))
    assert len(pairs) == len(np.unique(pairs, axis=0)) == 351
    assert (pairs[:, 0] < pairs[:, 1]).all()


def test_triplets_differ():
    triplets = random_triplets(range(1, 28), 50, np.random.default_rng(0))
    assert len(np.unique(triplets, axis=0)) == 50
    assert all(len(set(t)) == 3 for t in triplets.tolist())
    assert len(random_triplets(range(4), 50, np.random.default_rng(0))) == 4


# --- shuffled wiring ------------------------------------------------------------------------------


def degrees(matrix):
    return sorted((matrix > 0).sum(axis=1)), sorted((matrix > 0).sum(axis=0))


def test_shuffling_keeps_degrees_and_contacts_and_moves_both_sides(folder):
    counts = Material.load(folder).counts
    shuffled = shuffled_counts(counts, 42)
    for name in SINGLE:
        assert degrees(shuffled[name]) == degrees(counts[name]), name
        assert sorted(shuffled[name].ravel()) == sorted(counts[name].ravel())
        if name != "pn_to_kc_aa":
            assert (shuffled[name] != counts[name]).any(), name
    for pair in SUMMED:
        before, after = (
            sum(c[f"{pair}_{t}"].astype(int) for t in ("aa", "da", "dd"))
            for c in (counts, shuffled)
        )
        assert degrees(after) == degrees(before)


def test_shuffles_depend_on_the_seed_only(folder):
    counts = Material.load(folder).counts
    a, b, c = (shuffled_counts(counts, seed)["orn_to_pn_ad"] for seed in (42, 42, 43))
    assert (a == b).all()
    assert (a != c).any()


def test_the_older_shuffle_touches_gaps_and_graded_matrices_only(folder):
    counts = Material.load(folder).counts
    shuffled = shuffled_counts(counts, 42, kind="older")
    changed = {name for name in counts if (shuffled[name] != counts[name]).any()}
    assert changed <= {
        "kc_to_kc_dd", "kc_to_kc_da", "kc_to_apl_ad", "kc_to_apl_da", "apl_to_kc_ad",
    }  # fmt: skip
    config = OlfactionConfig(shuffle="older")
    material = Material.load(folder, config)
    canonical, older = (
        Setup.make(material, CONDITIONS[name], 42, config).network().network.plan
        for name in ("canonical", "shuffled")
    )
    for name in ("gap_ln", "gap_pn", "gap_eln_pn"):
        before, after = (plan.pathway(name).weights.toarray() for plan in (canonical, older))
        assert (before != after).any()
        assert degrees(before) == degrees(after)


# --- settings -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        ({"epoch": 3}, InvalidArgumentError, "did you mean 'epochs'"),
        ({"epochs": 0}, InvalidArgumentError, "epochs must be at least 1"),
        ({"learning_rate": -1.0}, InvalidArgumentError, "learning_rate must be positive"),
        ({"input_noise": -0.1}, InvalidArgumentError, "input_noise must not be negative"),
        ({"protocol": "new"}, InvalidArgumentError, "protocol must be one of"),
        ({"seeds": ()}, InvalidTypeError, "seeds must be a list"),
        ({"seeds": (1, 1)}, InvalidArgumentError, "seeds must differ"),
        ({"concentrations": (0.1, 2.0)}, InvalidArgumentError, "hold 1"),
        ({"concentrations": (1.0, 0.1)}, InvalidArgumentError, "increase"),
        ({"registered": 1}, InvalidTypeError, "registered must be true or false"),
        ({"odors": "sfr"}, InvalidTypeError, "odors must be a list of names"),
        ({"panel": ""}, InvalidTypeError, "panel must be the path"),
    ],
)
def test_wrong_settings_are_explained(values, error, message):
    with pytest.raises(error, match=message):
        OlfactionConfig.from_mapping(values)


def test_settings_are_read_from_toml(tmp_path):
    file = tmp_path / "study.toml"
    file.write_text('[larval_olfaction]\nepochs = 7\nseeds = [1, 2]\nprotocol = "older"\n')
    config = OlfactionConfig.from_toml(file, epochs=8)
    assert (config.epochs, config.seeds, config.protocol) == (8, (1, 2), "older")
    assert OlfactionConfig.from_mapping(config.to_dict()) == config
