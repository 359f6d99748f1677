"""Blocks of work: order, threads, errors and interrupts."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cofire import errors
from cofire.graph._blocks import iterate_blocks, run_blocks, sum_blocks


@given(st.integers(0, 40), st.integers(1, 12), st.integers(1, 5))
def test_blocks_come_in_order_and_cover_every_item_once(n_items, block, threads):
    parts = run_blocks(lambda start, stop: list(range(start, stop)), n_items, block, threads)
    assert [i for part in parts for i in part] == list(range(n_items))
    assert all(len(part) == block for part in parts[:-1])


@given(st.integers(0, 60), st.integers(1, 9), st.integers(2, 4))
def test_sums_are_bitwise_equal_for_any_number_of_threads(n_items, block, threads):
    values = np.random.default_rng(n_items).standard_normal((n_items, 3)) ** 3

    def part(start, stop):
        time.sleep(0.0001 * (start % 3))  # blocks end out of order
        return values[start:stop].sum(axis=0)

    one = sum_blocks(part, n_items, block, 1, np.zeros(3))
    many = sum_blocks(part, n_items, block, threads, np.zeros(3))
    np.testing.assert_array_equal(one, many)
    np.testing.assert_allclose(one, values.sum(axis=0), atol=1e-12)


def test_an_error_in_a_block_reaches_the_caller_and_stops_the_rest():
    begun, before = [], threading.active_count()

    def part(start, stop):
        begun.append(start)
        time.sleep(0.005)
        if start == 2:
            raise RuntimeError("block 2")
        return start

    with pytest.raises(RuntimeError, match="block 2"):
        run_blocks(part, 1000, 1, 2)
    assert len(begun) < 20
    assert threading.active_count() == before


def test_a_loop_that_is_left_early_leaves_no_thread_behind():
    before = threading.active_count()
    for value in iterate_blocks(lambda start, stop: start, 100, 1, 3):
        if value == 5:
            break
    assert threading.active_count() == before


def test_threads_must_be_a_number():
    with pytest.raises(errors.InvalidArgumentError, match="threads must be a positive integer"):
        run_blocks(lambda start, stop: 0, 3, 1, 0)


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize("threads", [1, 2])
def test_an_interrupt_ends_the_loop_after_the_blocks_that_run(threads):
    program = (
        "import time; from cofire.graph._blocks import run_blocks; print('go', flush=True); "
        f"run_blocks(lambda a, b: time.sleep(0.05), 10_000, 1, {threads})"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "go\n"
        time.sleep(0.2)
        start = time.perf_counter()
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=30)
    assert time.perf_counter() - start < 10
    assert "KeyboardInterrupt" in stderr
