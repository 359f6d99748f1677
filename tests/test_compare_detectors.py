import warnings
from functools import lru_cache

import numpy as np
import pytest

import cofire as cf
from cofire.assemblies import (
    CORE,
    FIM,
    ICA,
    SGC,
    SVD,
    PromaxCS,
    PromaxMP,
    best_match,
    compare_detectors,
)
from cofire.errors import InvalidArgumentError, InvalidTypeError
from reference import detectors as reference

# BestMatch on the made recording of seed 0 (v=5, K=5, T=1800 s), to two digits, and a bound for
# seeds 0 and 1 below it. CORE on seed 1, SVD and, with its published level, ICA-MP on 91 units
# find little: that is what they are.
REACHED = {"sgc": (0.95, 0.8), "ica-mp": (0.31, 0.2), "ica-cs": (0.77, 0.6),
           "promax-mp": (0.98, 0.85), "promax-cs": (0.91, 0.75), "core": (0.91, 0.2),
           "svd": (0.42, 0.3), "fim": (0.79, 0.6)}  # fmt: skip


@lru_cache(maxsize=2)
def recording(seed):
    return cf.datasets.make_calcium_recording(5, 5, 1800.0, rng=seed)


@lru_cache(maxsize=2)
def comparison(seed):
    models = {
        "sgc": SGC(steps=300),
        "ica-mp": ICA(),
        "ica-cs": ICA("cs", n_shuffles=100),
        "promax-mp": PromaxMP(n_random=300),
        "promax-cs": PromaxCS(n_shuffles=100, n_random=300),
        "core": CORE(),
        "svd": SVD(),
        "fim": FIM(n_surrogates=100),
    }
    return compare_detectors(recording(seed), detectors=models)


@pytest.mark.parametrize("name", REACHED)
def test_detectors_reach_their_scores_on_a_made_recording(name):
    reached, bound = REACHED[name]
    for seed in (0, 1):
        found = comparison(seed)
        score = found.score[found.detectors.index(name)]
        assert score > bound
        assert score > found.chance[found.detectors.index(name)]
        if seed == 0:
            assert score == pytest.approx(reached, abs=0.03)


def test_scores_and_agreement_are_best_matches():
    found, truth = comparison(0), recording(0).assemblies
    n = len(found.detectors)
    for i in range(n):
        expected = reference.best_match(found.assemblies[i], truth)
        np.testing.assert_allclose(found.score[i], expected)
        for j in range(n):
            expected = reference.best_match(found.assemblies[i], found.assemblies[j])
            np.testing.assert_allclose(found.agreement[i, j], expected)
    np.testing.assert_array_equal(found.agreement, found.agreement.T)
    np.testing.assert_array_equal(np.diag(found.agreement), 1)


def test_tables_hold_everything():
    found = comparison(0)
    table = found.to_frame()
    assert table.index.tolist() == list(REACHED)
    assert table["ran"].all()
    assert table["n_assemblies"].tolist() == [len(a) for a in found.assemblies]
    assert (table["seconds"] > 0).all()
    assert found.agreement_frame().loc["sgc", "core"] == found.agreement[0, 5]
    members = found.members_frame()
    sgc = members[members["detector"] == "sgc"]
    assert sorted(sgc["unit"]) == sorted(u for a in found.assemblies[0] for u in a)
    assert "sgc 5, ica-mp 1" in repr(found)


class Nothing:
    def fit(self, dff):
        self.assemblies_ = []
        return self


class Refuses:
    def fit(self, dff):
        raise InvalidArgumentError("too short")


class Breaks:
    def fit(self, dff):
        raise ZeroDivisionError


def test_not_run_is_not_the_same_as_nothing_found():
    dff = np.random.default_rng(0).normal(size=(50, 60))
    found = compare_detectors(
        dff,
        detectors={"nothing": Nothing(), "refuses": Refuses(), "out": None, "ica": ICA("cs")},
        truth=[[0, 1]],
    )
    assert found.assemblies == ((), None, None, None)
    assert found.ran.tolist() == [True, False, False, False]
    assert found.reasons[:3] == ("", "too short", "left out")
    assert "at least as many frames as units" in found.reasons[3]
    assert np.isnan(found.score).all()
    assert np.isnan(found.agreement).all()
    table = found.to_frame()
    assert table["n_assemblies"].isna().tolist() == [False, True, True, True]
    assert table.loc["nothing", "n_assemblies"] == 0
    assert np.isnan(table["seconds"]).tolist() == [False, True, True, True]
    assert "nothing 0, refuses not run" in repr(found)


def test_nothing_found_has_its_reason():
    found = compare_detectors(np.zeros((30, 4)), detectors="sgc, ica-cs,fim", rate=2.0)
    assert found.assemblies == ((), (), ())
    assert all(reason.startswith("no assembly") for reason in found.reasons)


def test_detectors_that_need_the_frame_rate_are_not_run_without():
    dff = recording(0).dff[:300]
    found = compare_detectors(dff, detectors=["core", "ica"])
    assert found.detectors == ("core", "ica-mp")
    assert found.ran.tolist() == [False, True]
    assert "depends on the frame rate" in found.reasons[0]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert compare_detectors(dff, detectors=["core"], rate=2.0).ran.all()


def test_only_what_a_detector_says_on_purpose_is_caught():
    with pytest.raises(ZeroDivisionError):
        compare_detectors(np.zeros((5, 2)), detectors={"breaks": Breaks()})


def test_recordings_traces_and_arrays_give_the_same():
    made = recording(1)
    plain = compare_detectors(made.dff, detectors="ica-cs", truth=made.assemblies, rate=2.0)
    for given in (made, made.traces):
        found = compare_detectors(given, detectors="ica-cs")
        for a, b in zip(found.assemblies[0], plain.assemblies[0], strict=True):
            np.testing.assert_array_equal(a, b)
    assert compare_detectors(made, detectors="ica-cs").score == plain.score
    assert found.truth is None


def test_frames_with_nan_are_counted_and_progress_is_told():
    dff = recording(0).dff[:400].copy()
    dff[7, 3] = np.nan
    told = []
    found = compare_detectors(
        dff, detectors="ica-mp,ica-cs", progress=lambda *args: told.append(args)
    )
    assert found.n_dropped == 1
    assert found.n_frames == 399
    assert told == [("ica-mp", 0, 2), ("ica-cs", 1, 2), ("", 2, 2)]


@pytest.mark.parametrize(
    ("detectors", "error", "message"),
    [
        ("sgc,none", InvalidArgumentError, "detectors must be out of sgc, ica-mp.*got 'none'"),
        ([], InvalidArgumentError, "detectors is empty"),
        ({"mine": 3}, InvalidTypeError, r"detectors\['mine'\] has no fit method"),
    ],
)
def test_unknown_detectors_are_refused(detectors, error, message):
    with pytest.raises(error, match=message):
        compare_detectors(np.zeros((5, 2)), detectors=detectors)


def test_bad_recordings_are_refused():
    with pytest.raises(InvalidArgumentError, match="dff must have shape"):
        compare_detectors(np.zeros(5))
    with pytest.raises(InvalidArgumentError, match="an assembly has unit 9"):
        compare_detectors(np.zeros((5, 2)), detectors="sgc", truth=[[9]])


def test_agreement_and_scores_can_be_drawn():
    figure, axes = comparison(0).plot()
    assert len(axes) == 3
    assert axes[1].get_xlabel() == "BestMatch with the truth"
    unknown = compare_detectors(
        np.zeros((30, 4)), detectors={"sgc": SGC(steps=5), "out": None}
    ).plot()[1]
    assert unknown[1].get_xlabel() == "assemblies found"
    assert "not run" in [text.get_text() for text in unknown[2].texts]
    figure.canvas.draw()


def test_independent_detectors_agree_by_chance_only():
    rng = np.random.default_rng(0)
    a = [rng.choice(91, 12, replace=False) for _ in range(5)]
    b = [rng.choice(91, 12, replace=False) for _ in range(5)]
    assert abs(best_match(a, b) - best_match(a, b, chance=True, n_units=91)) < 0.05
