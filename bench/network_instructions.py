"""How many instructions does the network kernel take per neuron, edge and normal number?

    python bench/network_instructions.py [--isa avx2|baseline]

Counted by valgrind (which knows no AVX-512) for one step of 16 samples: differences between 10 and
110 steps, and between networks that differ in one number.
"""

from __future__ import annotations

import argparse
import os
import pickle
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from cofire import _core

BATCH = 16
WIDTH = {"avx2": 8, "baseline": 4}
KERNEL = {"forward": _core.network_forward_f32, "backward": _core.network_backward_f32}


def describe(n, n_edges, noise, n_steps):
    """One population with a weight for each edge, as plain numbers."""
    rng = np.random.default_rng(0)
    flat = np.sort(rng.choice(n * n, n_edges, replace=False))
    pre, post = np.divmod(flat, n)
    population = {
        "kind": "lif", "n": n, "v_rest": 0.0, "v_reset": 0.0, "v_min": -1.0, "resistance": 1.0,
        "tau_m": 0.0, "refractory_steps": 2, "decay_per_neuron": False, "noise_input": 0.0,
        "noise_current": 0.0, "noise_voltage": noise, "noise_threshold": noise,
    }  # fmt: skip
    edges = {
        "kind": "synapse", "pre": 0, "post": 0, "compartment": "soma", "divided": False,
        "previous": True, "depression": True, "per_edge": True, "sign": 1.0, "tau_syn": 0.005,
        "noise": 0.0, "cap": 0.03,
        "indptr": np.searchsorted(pre, np.arange(n + 1)).astype(np.int64),
        "indices": post.astype(np.int32), "weights": np.ones(n_edges),
    }  # fmt: skip
    theta = np.concatenate([[0.95], np.full(n, 0.015), rng.normal(0, 1e-3, n_edges), [0.5, 0.99]])
    drive = rng.uniform(0.014, 0.024, (BATCH, n))
    return population, edges, theta.astype(np.float32), drive.astype(np.float32), n_steps


def call(file, direction, isa):
    """Run forward, or forward and backward."""
    population, edges, theta, drive, n_steps = pickle.loads(Path(file).read_bytes())
    plan = _core.NetworkPlan(1e-3, [population], [edges])
    state = np.zeros((BATCH, plan.n_state), np.float32)
    state[:, -np.unique(edges["indptr"][:-1][np.diff(edges["indptr"]) > 0]).size :] = 1
    seed = 1 if plan.n_noise else None
    common = (plan, theta, drive, state, None, ["soft"], [1e-3], n_steps, 0, seed)
    out = KERNEL["forward"](*common, True, 0, False, False, isa, 1)
    if direction == "backward":
        counts = np.ones_like(out[0])
        KERNEL["backward"](*common, out[4], 0, counts, None, None, None, isa, 1)


def count(direction, isa, *network):
    """Instructions of a process that makes one call."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "network"
        file.write_bytes(pickle.dumps(describe(*network)))
        command = [
            "valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out",
            sys.executable, __file__, "--call", str(file), direction, "--isa", isa,
        ]  # fmt: skip
        fixed = {**os.environ, "PYTHONHASHSEED": "0"}
        run = subprocess.run(command, check=True, capture_output=True, text=True, env=fixed)
    return int(re.search(r"Collected : (\d+)", run.stderr)[1])


def per_step(isa, *network):
    """Instructions of one step, forward and backward."""
    both = [
        (count(direction, isa, *network, 110) - count(direction, isa, *network, 10)) / 100
        for direction in ("forward", "backward")
    ]
    return np.array([both[0], both[1] - both[0]])


def main():
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--isa", choices=WIDTH, default="avx2")
    parser.add_argument("--call", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.call:
        call(*options.call, options.isa)
        return
    vectors = BATCH // WIDTH[options.isa]
    print(f"instructions a step of {BATCH} samples, {options.isa}: {vectors} vectors a row")
    small = per_step(options.isa, 200, 4000, 0.0)
    edges = (per_step(options.isa, 200, 12_000, 0.0) - small) / 8000
    neurons = (per_step(options.isa, 600, 4000, 0.0) - small) / 400
    noise = (per_step(options.isa, 200, 4000, 1e-3) - small) / 400
    for i, (direction, bound) in enumerate((("forward", 1), ("backward", 2))):
        print(
            f"{direction}: {edges[i]:.1f} an edge (bound {bound * vectors} fused multiply-adds), "
            f"{neurons[i]:.0f} a neuron, {noise[i]:.0f} for 16 normals"
        )


if __name__ == "__main__":
    main()
