"""Made recordings hold what they promise."""

from __future__ import annotations

import numpy as np
import pytest

import cofire as cf
from cofire.datasets import make_assembly_recording
from cofire.errors import InvalidArgumentError


@pytest.fixture(scope="module")
def made():
    return make_assembly_recording(rng=3)


def test_recording_has_the_promised_shape(made):
    session = made.session
    assert session.spikes.n_units == 75
    assert session.epochs["name"].tolist() == ["pre", "task", "post"]
    assert session.epochs["stop"].iloc[-1] == 3600.0
    assert set(session.states) == {"NREM", "REM", "WAKE", "THETA"}
    assert set(session.units["region"]) == {"CA1", "PFC"}
    assert made.members.shape == (6, 75)
    assert made.members.sum(axis=1).tolist() == [6] * 6
    assert made.members.sum(axis=0).max() == 1


def test_same_seed_same_recording_other_seed_another():
    first, again = (make_assembly_recording(30, 30.0, n_assemblies=2, rng=5) for _ in range(2))
    other = make_assembly_recording(30, 30.0, n_assemblies=2, rng=6)
    assert np.array_equal(first.session.spikes.times, again.session.spikes.times)
    assert not np.array_equal(first.session.spikes.times[:50], other.session.spikes.times[:50])


def test_trains_are_sorted_and_keep_the_refractory_period(made):
    shortest = min(np.diff(train).min() for train in made.session.spikes)
    assert shortest >= 0.002 - 1e-9


def test_states_and_ripples_lie_where_they_belong(made):
    session = made.session
    ripples, nrem = session.events["ripples"], session.states["NREM"]
    assert nrem.contains(ripples.starts).all()
    assert nrem.contains(ripples.stops).all()
    task = cf.Intervals(session.epochs.loc[1:1, ["start", "stop"]].to_numpy())
    theta = session.states["THETA"]
    assert (theta & task).total_duration == pytest.approx(theta.total_duration)
    assert not len(nrem & task)


def test_cross_assemblies_span_both_regions(made):
    assert made.to_frame()["regions"].tolist()[-2:] == ["CA1+PFC", "CA1+PFC"]
    assert set(made.to_frame()["regions"].iloc[:-2]) == {"CA1", "PFC"}


def test_activations_follow_the_planted_strength(made):
    session = made.session
    ripples = session.events["ripples"]
    late = ripples.starts >= session.epochs["start"].iloc[2]
    for k, times in enumerate(made.activation_times):
        hits = np.unique(ripples.index_of(times))
        hits = hits[hits >= 0]
        assert (~late[hits]).sum() == made.reactivation["n_pre"][k]
        assert late[hits].sum() == made.reactivation["n_post"][k]
        n, p = late.sum(), made.reactivation["post"][k]
        assert abs(late[hits].sum() - n * p) < 4.5 * np.sqrt(n * p * (1 - p))


def test_planted_assemblies_are_the_significant_principal_components(made):
    session = made.session
    theta = session.states["THETA"]
    z = cf.bin_spikes(session.spikes, 0.025, support=theta).counts.astype(float)
    z = (z - z.mean(axis=1, keepdims=True)) / z.std(axis=1, keepdims=True)
    values, vectors = np.linalg.eigh(z @ z.T / z.shape[1])
    limit = (1 + np.sqrt(z.shape[0] / z.shape[1])) ** 2
    significant = values > limit
    assert significant.sum() == made.n_assemblies
    # The components span the planted patterns.
    patterns = made.members / np.sqrt(made.members.sum(axis=1, keepdims=True))
    captured = np.linalg.norm(patterns @ vectors[:, significant], axis=1)
    assert (captured > 0.95).all()


def test_recording_without_assemblies_is_legal():
    made = make_assembly_recording(10, 20.0, n_assemblies=0)
    assert made.members.shape == (0, 10)
    assert made.session.spikes.n_spikes > 0
    assert len(made.to_frame()) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_units": 10}, "do not fit"),
        ({"duration": -1.0}, "duration"),
        ({"reactivation": 0.5}, r"lie in \[0, 1\]"),
        ({"gain": [1.0, 2.0]}, "one per assembly"),
        ({"participation": 1.5}, "participation"),
        ({"n_units": 0}, "n_units"),
        ({"regions": ()}, "regions"),
    ],
)
def test_impossible_requests_are_refused(arguments, message):
    with pytest.raises(InvalidArgumentError, match=message):
        make_assembly_recording(**arguments)
