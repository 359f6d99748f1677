"""Made recordings hold what they promise."""

from __future__ import annotations

import json

import h5py
import numpy as np
import pytest

import cofire as cf
from cofire.datasets import make_assembly_recording, make_nwb_session
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


# --- sessions of the Allen kind ---


@pytest.fixture(scope="module")
def nwb(tmp_path_factory):
    path = tmp_path_factory.mktemp("made") / "s.nwb"
    return path, make_nwb_session(path, rng=4)


def test_truth_is_returned_and_stored(nwb):
    path, truth = nwb
    with h5py.File(path) as file:
        stored = json.loads(file["scratch/cofire_truth"][()])
        assert file["scratch/cofire_truth"].attrs["neurodata_type"] == "ScratchData"
    assert stored == json.loads(json.dumps(truth))
    assert path.stat().st_size <= 3_000_000


def test_same_seed_same_file_contents(nwb, tmp_path):
    path, truth = nwb
    assert make_nwb_session(tmp_path / "again.nwb", rng=4) == truth
    with h5py.File(path) as first, h5py.File(tmp_path / "again.nwb") as again:
        assert np.array_equal(first["units/spike_times"], again["units/spike_times"])
        assert first["units"].attrs["object_id"] == again["units"].attrs["object_id"]


def test_object_ids_are_unique(nwb):
    found = []
    with h5py.File(nwb[0]) as file:
        file.visititems(lambda name, item: found.append(item.attrs.get("object_id")))
    found = [x for x in found if x]
    assert len(found) == len(set(found)) > 50


def test_omissions_obey_the_rules_of_the_task(nwb):
    with h5py.File(nwb[0]) as file:
        table = file["intervals/Natural_Images_Lum_Matched_set_ophys_H_2019_presentations"]
        omitted = table["omitted"][()]
        change = table["is_change"][()]
        images = table["image_name"].asstr()[()]
        block = table["stimulus_block"][()]
    assert 0 < omitted[block == 0].mean() < 0.1
    assert not (omitted[:-1] & change[1:]).any()
    assert not (omitted[:-1] & omitted[1:]).any()
    assert not (omitted & change).any()
    assert (images[omitted] == "omitted").all()
    assert np.array_equal(images[block == 0], images[block == 5])


def test_assembly_units_fire_together(nwb):
    path, truth = nwb
    spikes = cf.io.read_nwb(path).spikes
    times = np.array(truth["assembly_times"])
    for unit in truth["assembly_units"]:
        train = spikes.select([unit])[0]
        near = np.searchsorted(train, times + 0.015) > np.searchsorted(train, times - 0.015)
        assert near.mean() > 0.95
