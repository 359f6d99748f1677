"""Members of assemblies, their sign, their groups."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cofire.assemblies import find_members, members_by_group, valid_assemblies
from cofire.errors import InvalidArgumentError
from reference import assemblies as reference

weights = arrays(
    np.float64,
    st.integers(2, 40),
    elements=st.one_of(st.floats(-1, 1), st.sampled_from([0.0, 0.25, -0.25, 0.5])),
)


@given(weights)
def test_members_follow_the_definition(pattern):
    np.testing.assert_array_equal(find_members([pattern])[0], reference.otsu_members(pattern))


def test_large_offsets_do_not_cancel():
    pattern = 1e8 + np.array([0.0, 0.1, 0.2, 0.9, 1.0])
    np.testing.assert_array_equal(find_members([pattern])[0], [False, False, False, True, True])


@given(weights, st.randoms(use_true_random=False))
def test_members_do_not_depend_on_sign_or_order(pattern, random):
    members = find_members([pattern])[0]
    np.testing.assert_array_equal(find_members([-pattern])[0], members)
    order = np.arange(len(pattern))
    random.shuffle(order)
    np.testing.assert_array_equal(find_members([pattern[order]])[0], members[order])


@given(weights)
def test_members_have_the_largest_weights(pattern):
    members = find_members([pattern])[0]
    v = np.abs(pattern)
    if members.any():
        assert v[members].min() > v[~members].max()
    assert not members.all()


def test_golden_members(golden):
    expected = golden("assembly")
    members = find_members(expected["patterns_ica_mp"])
    np.testing.assert_array_equal(members, expected["members"])
    np.testing.assert_array_equal(
        valid_assemblies(expected["patterns_ica_mp"]), expected["valid_assembly"]
    )


@pytest.mark.parametrize("pattern", [[0.5, 0.5, -0.5], [0.0, 0.0], [1.0]])
def test_equal_weights_or_one_unit_have_no_members(pattern):
    assert not find_members([pattern]).any()
    assert not valid_assemblies([pattern]).any()


def test_no_patterns_and_no_units():
    assert find_members(np.zeros((0, 5))).shape == (0, 5)
    assert find_members(np.zeros((3, 0))).shape == (3, 0)
    assert valid_assemblies(np.zeros((0, 5))).shape == (0,)


def test_input_may_be_integer_transposed_or_read_only():
    pattern = np.array([[9, 1], [1, 8], [8, 2]]).T
    pattern.setflags(write=False)
    np.testing.assert_array_equal(
        find_members(pattern), [[True, False, True], [False, True, False]]
    )


def test_mixed_signs_are_not_valid():
    patterns = np.array([[0.7, 0.7, 0.1], [0.7, -0.7, 0.1], [-0.7, -0.7, 0.1]])
    np.testing.assert_array_equal(valid_assemblies(patterns), [True, False, True])
    chosen = [[True, False, False], [True, False, False], [False, False, False]]
    np.testing.assert_array_equal(valid_assemblies(patterns, chosen), [True, True, False])


def test_members_are_counted_by_group():
    table = members_by_group([[1, 1, 0, 1], [0, 0, 0, 0]], ["b", "a", "a", "b"])
    assert table.columns.tolist() == ["a", "b", "n_members", "n_groups"]
    assert table.to_numpy().tolist() == [[1, 2, 3, 2], [0, 0, 0, 0]]


def test_bad_arguments_are_named():
    with pytest.raises(InvalidArgumentError, match="patterns must be finite: row 1"):
        find_members([[0.0, 1.0], [np.nan, 1.0]])
    with pytest.raises(InvalidArgumentError, match="patterns must be 2-D"):
        find_members([0.0, 1.0])
    with pytest.raises(InvalidArgumentError, match="members must have the shape of patterns"):
        valid_assemblies([[0.0, 1.0]], [True])
    with pytest.raises(InvalidArgumentError, match="each of 2 units, got 3 labels"):
        members_by_group([[True, False]], ["a", "b", "c"])
