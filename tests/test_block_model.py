import os
import signal
import time
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from cofire import _core
from cofire.assemblies.sgc import (
    block_model_energy,
    equilibrium,
    k_posterior,
    run_chains,
    start_chains,
)
from cofire.errors import InvalidArgumentError
from reference import block_model as reference
from reference import sgc as steps_reference


def random_graph(n_nodes, n_groups=3, degree=5.0, inside=0.8, seed=0):
    rng = np.random.default_rng(seed)
    group = np.arange(n_nodes) % n_groups
    same = group[:, None] == group
    share = (
        np.where(same, inside, 1 - inside)
        * degree
        / np.where(same, same.sum(1), 1e-9 + (~same).sum(1))
    )
    upper = np.triu(rng.random((n_nodes, n_nodes)) < share, 1)
    return upper | upper.T


def run(adjacency, **parameters):
    return run_chains(start_chains(adjacency, **parameters), threads=1)


def assert_equal_chains(a, b):
    for name in ("labels", "n_groups", "n_done", "k_trace", "energy_trace"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name), name)


graphs = st.builds(
    random_graph,
    st.integers(1, 14),
    st.integers(1, 4),
    st.sampled_from([0.0, 1.0, 3.0, 30.0]),
    st.sampled_from([0.5, 0.9]),
    st.integers(0, 99),
)


@given(graphs, st.data())
def test_the_energy_is_the_formula(adjacency, data):
    n = len(adjacency)
    labels = data.draw(st.lists(st.integers(0, 5), min_size=n, max_size=n))
    expected = reference.energy(adjacency, np.array(labels)) if adjacency.any() else None
    found = block_model_energy(adjacency, labels)
    if expected is not None:
        assert found == pytest.approx(expected, rel=1e-11, abs=1e-10)


@given(graphs, st.integers(0, 1000), st.sampled_from(["uniform", "small", 2]))
@settings(max_examples=15)
def test_the_chain_is_the_naive_one_for_the_same_random_numbers(adjacency, seed, K0):
    chains = start_chains(adjacency, rounds=2, steps=4, K0=K0, seed=seed)
    found = run_chains(chains, threads=1)
    for c in range(2):
        k, energy, labels = reference.chain(
            adjacency, seed, c, 4, *chains.start_range, chains.max_groups
        )
        assert found.k_trace[c].tolist() == k
        assert found.labels[c].tolist() == labels.tolist()
        np.testing.assert_allclose(found.energy_trace[c], energy, rtol=1e-11, atol=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_the_chain_is_the_naive_one_while_groups_come_and_go(seed):
    adjacency = random_graph(12, 2, 2.0, seed=seed)
    found = run(adjacency, rounds=1, steps=25, K0=4, seed=seed)
    k, energy, _ = reference.chain(adjacency, seed, 0, 25, 4, 4, 4)
    assert found.k_trace[0].tolist() == k
    assert len(set(k)) > 1
    np.testing.assert_allclose(found.energy_trace[0], energy, rtol=1e-11)


def test_energies_of_a_long_chain_are_those_of_its_labels():
    adjacency = random_graph(80, 5, 8.0, seed=1)
    found = run(adjacency, rounds=2, steps=300, seed=2)
    for c in range(2):
        expected = reference.energy(adjacency, found.labels[c])
        assert found.energy_trace[c, -1] == pytest.approx(expected, rel=1e-12)


def test_graphs_too_large_for_a_table_of_logarithms_are_sampled_alike():
    n = 6000
    ring = csr_array((np.ones(n), (np.arange(n), (np.arange(n) + 1) % n)), shape=(n, n))
    ring = ring + ring.T
    found = run(ring, rounds=1, steps=2, K0=4, seed=3)
    expected = reference.energy(ring, found.labels[0])
    assert found.energy_trace[0, -1] == pytest.approx(expected, rel=1e-12)


def test_any_number_of_threads_gives_the_same_chains():
    chains = start_chains(random_graph(60, 4, 8.0), rounds=5, steps=200, seed=3)
    one = run_chains(chains, threads=1)
    assert_equal_chains(one, run_chains(chains, threads=2))
    assert_equal_chains(one, run_chains(chains, threads=8))


def test_a_chain_does_not_depend_on_how_many_there_are_nor_on_its_length():
    adjacency = random_graph(40, 3, 6.0)
    many = run(adjacency, rounds=3, steps=50, seed=7)
    one = run(adjacency, rounds=1, steps=80, seed=7)
    np.testing.assert_array_equal(many.k_trace[0], one.k_trace[0, :50])
    np.testing.assert_array_equal(many.energy_trace[0], one.energy_trace[0, :50])
    assert not np.array_equal(many.energy_trace[1], many.energy_trace[0])
    assert not np.array_equal(
        many.energy_trace, run(adjacency, rounds=3, steps=50, seed=8).energy_trace
    )


@given(st.integers(0, 50), st.randoms())
@settings(max_examples=20)
def test_the_energy_does_not_depend_on_the_order_of_nodes_and_groups(seed, random):
    adjacency = random_graph(15, 3, 5.0, seed=seed)
    labels = np.random.default_rng(seed).integers(0, 4, 15)
    order, names = random.sample(range(15), 15), np.array(random.sample(range(6), 4))
    assert block_model_energy(adjacency, labels) == pytest.approx(
        block_model_energy(adjacency[np.ix_(order, order)], names[labels[order]]), rel=1e-12
    )


def test_an_empty_group_changes_no_energy():
    adjacency = random_graph(12)
    labels = np.arange(12) % 3
    assert block_model_energy(adjacency, labels) == block_model_energy(adjacency, labels * 2)


def stationary(adjacency, max_groups):
    """Distribution over (k, labels) that one update leaves as it is, by enumeration."""
    n = len(adjacency)
    states = [
        (k, labels)
        for k in range(1, max_groups + 1)
        for labels in map(tuple, np.stack(np.meshgrid(*[range(k)] * n), -1).reshape(-1, n).tolist())
    ]
    number = {state: i for i, state in enumerate(states)}
    energy = {s: reference.energy(adjacency, np.array(s[1])) for s in states}
    change, draw = np.zeros((2, len(states), len(states)))
    for (k, labels), i in number.items():
        change[i, i] += 1 - 1 / (n + 1)
        empty = [r for r in range(k) if r not in labels]
        for r in empty:
            moved = tuple(r if x == k - 1 else x for x in labels)
            change[i, number[k - 1, moved]] += 0.5 / (n + 1) / len(empty)
        change[i, i] += 0 if empty else 0.5 / (n + 1)
        more = k / (n + k) if k < max_groups else 0.0
        if more:
            change[i, number[k + 1, labels]] += 0.5 / (n + 1) * more
        change[i, i] += 0.5 / (n + 1) * (1 - more)
        for u in range(n):
            reached = [(k, (*labels[:u], s, *labels[u + 1 :])) for s in range(k)]
            weights = np.exp([energy[s] - energy[reached[0]] for s in reached])
            for state, p in zip(reached, weights / weights.sum(), strict=True):
                draw[i, number[state]] += p / n
    update = change @ draw
    values, vectors = np.linalg.eig(update.T)
    vector = np.real(vectors[:, np.argmax(np.real(values))])
    return states, energy, vector / vector.sum()


def test_chains_visit_partitions_as_often_as_exhaustive_enumeration_says():
    adjacency = np.zeros((5, 5), bool)
    for i, j in ((0, 1), (0, 2), (1, 2), (2, 3), (3, 4)):
        adjacency[i, j] = adjacency[j, i] = True
    states, energy, probability = stationary(adjacency, 3)
    expected = Counter()
    for state, p in zip(states, probability, strict=True):
        expected[state[0], round(energy[state], 8)] += p
    # A graph of five nodes would allow two groups.
    chains = replace(start_chains(adjacency, rounds=4, steps=60_000, K0=1, seed=1), max_groups=3)
    found = run_chains(chains, threads=2)
    pairs = zip(found.k_trace.ravel().tolist(), found.energy_trace.ravel().round(8), strict=True)
    counts = Counter(pairs)
    assert set(counts) <= set(expected)
    distance = sum(abs(counts[x] / found.k_trace.size - p) for x, p in expected.items()) / 2
    assert len(expected) > 30
    assert distance < 0.01


def test_the_number_of_planted_groups_is_the_most_probable():
    adjacency = random_graph(90, 3, 16.0, 0.95, seed=4)
    posterior, first = k_posterior(run(adjacency, rounds=3, steps=800, K0="small", seed=1))
    assert posterior.argmax() == 3
    assert posterior.sum() == pytest.approx(1)
    assert posterior[0] == 0
    assert (first < 800).all()


def test_interrupted_chains_go_on_as_if_nothing_had_happened(tmp_path, monkeypatch):
    chains = start_chains(random_graph(60, 4, 8.0), rounds=3, steps=20_000, seed=3)
    monkeypatch.setattr("cofire.assemblies.sgc.block_model._SLICE", 0.01)
    calls = []

    def stop(done, total):
        calls.append((done, total))
        if len(calls) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_chains(chains, threads=2, progress=stop, checkpoint=tmp_path / "chains")
    assert 0 < calls[-1][0] < calls[-1][1] == 60_000
    assert [done for done, _ in calls] == sorted(done for done, _ in calls)
    assert not chains.n_done.any()
    resumed = run_chains(chains, threads=1, checkpoint=tmp_path / "chains")
    assert_equal_chains(resumed, run_chains(chains, threads=1))
    longer = run_chains(chains.with_steps(20_100), checkpoint=tmp_path / "chains")
    assert_equal_chains(longer, run_chains(chains.with_steps(20_100)))
    shorter = run_chains(chains.with_steps(100), checkpoint=tmp_path / "chains")
    np.testing.assert_array_equal(shorter.k_trace, longer.k_trace[:, :100])


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs POSIX timers")
def test_ctrl_c_stops_chains_between_sweeps_and_keeps_them(tmp_path):
    chains = start_chains(random_graph(60, 4, 8.0), rounds=3, steps=500_000, seed=3)
    before = signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGINT))
    try:
        begin = time.monotonic()
        signal.setitimer(signal.ITIMER_REAL, 1.0)
        with pytest.raises(KeyboardInterrupt):
            run_chains(chains, threads=2, checkpoint=tmp_path / "chains")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert time.monotonic() - begin < 30
    from cofire import load

    saved = load(tmp_path / "chains")
    for c, n in enumerate(saved.n_done):
        assert n > 0
        assert saved.k_trace[c, n - 1] > 0
        assert (saved.k_trace[c, n:] == 0).all()
        assert saved.energy_trace[c, n - 1] == block_model_energy(
            random_graph(60, 4, 8.0), saved.labels[c]
        )


def test_a_checkpoint_of_other_chains_is_refused(tmp_path):
    run_chains(start_chains(random_graph(20), rounds=2, steps=5), checkpoint=tmp_path / "c")
    other = start_chains(random_graph(20), rounds=2, steps=5, seed=1)
    with pytest.raises(InvalidArgumentError, match="another graph, seed, K0 or number of rounds"):
        run_chains(other, checkpoint=tmp_path / "c")


@given(st.lists(st.floats(-50, 0), min_size=1, max_size=40))
def test_equilibrium_follows_its_rule(energy):
    if max(energy[len(energy) // 2 :]) > min(energy[len(energy) // 2 :]):
        assert equilibrium(energy) == steps_reference.equilibrium(energy)


def test_equilibrium_begins_after_the_rise_and_at_once_for_constant_energy():
    rise = np.concatenate([np.linspace(-100, -1, 50), np.tile([-1.0, 1.0], 75)])
    assert equilibrium(rise) == np.flatnonzero(rise <= -2.0)[-1] + 1
    assert equilibrium(np.full(10, -3.3)) == 0
    assert equilibrium([-5.0, -3.3, -3.3, -3.3]) == 1


@pytest.mark.parametrize("n_nodes", [1, 2, 3])
def test_tiny_graphs_have_one_group(n_nodes):
    adjacency = ~np.eye(n_nodes, dtype=bool)
    chains = run(adjacency, rounds=2, steps=3)
    assert chains.k_trace.tolist() == [[1, 1, 1]] * 2
    assert k_posterior(chains)[0].tolist() == [0, 1]


def test_disconnected_and_edgeless_graphs_are_sampled():
    adjacency = np.zeros((9, 9), bool)
    assert np.isfinite(run(adjacency, rounds=1, steps=20).energy_trace).all()
    adjacency[0, 1] = adjacency[1, 0] = True
    assert np.isfinite(run(adjacency, rounds=1, steps=20).energy_trace).all()


def test_weights_and_loops_of_a_graph_do_not_count():
    adjacency = random_graph(15)
    weighted = adjacency * 2.5 + np.eye(15)
    plain, other = (run(a, rounds=1, steps=10) for a in (adjacency, weighted))
    assert_equal_chains(plain, other)


def test_k0_says_where_chains_start():
    adjacency = random_graph(90)
    assert start_chains(adjacency).start_range == (1, 30)
    assert start_chains(adjacency, K0="small").start_range == (1, 10)
    assert start_chains(adjacency, K0=99).start_range == (30, 30)
    many = start_chains(adjacency, rounds=300, K0="uniform", seed=2)
    assert set(many.n_groups.tolist()) == set(range(1, 31))
    assert (many.labels < many.n_groups[:, None]).all()


def test_tables_and_reprs():
    chains = run(random_graph(12), rounds=2, steps=3)
    table = chains.to_frame()
    assert len(table) == 6
    assert table["k"].tolist() == chains.k_trace.ravel().tolist()
    assert repr(chains) == "BlockModelChains(2 chains on 12 nodes, 6 of 6 sweeps)"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rounds": 0}, "rounds must be at least 1"),
        ({"steps": 0}, "steps must be at least 1"),
        ({"K0": "large"}, 'K0 must be "uniform", "small" or a number'),
        ({"K0": 0}, "K0 must be at least 1"),
    ],
)
def test_wrong_parameters_are_named(change, message):
    with pytest.raises(InvalidArgumentError, match=message):
        start_chains(random_graph(9), **change)


def test_graphs_that_are_not_undirected_are_refused():
    with pytest.raises(InvalidArgumentError, match="square"):
        start_chains(np.ones((2, 3)))
    with pytest.raises(InvalidArgumentError, match="symmetric"):
        start_chains(np.triu(np.ones((3, 3)), 1))


def test_unfinished_chains_have_no_posterior():
    chains = start_chains(random_graph(9), rounds=2, steps=5)
    with pytest.raises(InvalidArgumentError, match=r"run_chains\(chains\) does them"):
        k_posterior(chains)


def test_the_kernel_refuses_what_would_be_read_out_of_bounds():
    chains = start_chains(random_graph(9), rounds=2, steps=5)

    def advance(**change):
        c = replace(chains, **change)
        _core.block_model_advance(
            c.neighbors, c.offsets, 0, c.max_groups, c.labels.copy(), c.n_groups.copy(),
            c.n_done.copy(), c.k_trace.copy(), c.energy_trace.copy(), 1.0, 1,
        )  # fmt: skip

    advance()
    with pytest.raises(ValueError, match="no node of the graph"):
        advance(neighbors=chains.neighbors + 8)
    with pytest.raises(ValueError, match="labels must be in"):
        advance(labels=chains.labels + 99)
    with pytest.raises(ValueError, match="n_done must not be negative"):
        advance(n_done=chains.n_done - 1)
    with pytest.raises(ValueError, match="disagree in shape"):
        advance(n_done=chains.n_done[:1])
    with pytest.raises(ValueError, match="a column for each node"):
        advance(labels=chains.labels[:, :5])
    with pytest.raises(ValueError, match="offsets"):
        advance(offsets=chains.offsets + 1)
    with pytest.raises(TypeError):
        advance(labels=chains.labels.astype(np.int64))
    with pytest.raises(ValueError, match="min_groups"):
        _core.block_model_start(1, 3, 2, 1, 0)
