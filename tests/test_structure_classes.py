import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cofire as cf
from cofire import structure
from cofire.errors import (
    DuplicateIdError,
    IdPrecisionError,
    InvalidArgumentError,
    InvalidTypeError,
    MissingDataError,
)
from cofire.structure.classes import BASIC, CLASSES, UNIONS
from reference import structure as reference

BIG = 864_691_132_760_377_194
memberships = st.dictionaries(
    st.integers(0, 9), st.sets(st.integers(0, 70), max_size=4), min_size=1, max_size=9
)


@given(memberships, st.permutations(range(10)))
def test_classes_equal_the_definition(membership, cells):
    classes = structure.pair_classes(membership, cells)
    names = np.array([*BASIC, ""])[classes.codes]
    for row, j in enumerate(classes.pre_ids):
        for column, i in enumerate(classes.post_ids):
            expected = "" if i == j else reference.pair_class(membership[j], membership[i])
            assert names[row, column] == expected


@given(memberships)
def test_five_classes_partition_the_pairs(membership):
    classes = structure.pair_classes(membership, range(10))
    n = len(membership)
    assert sum(classes.counts[name] for name in BASIC) == n * (n - 1)
    assert sum(classes.mask(name) for name in BASIC).sum() == n * (n - 1)
    for union, parts in UNIONS.items():
        assert classes.counts[union] == sum(classes.counts[part] for part in parts)
        assert (classes.mask(union) == sum(classes.mask(part) for part in parts)).all()
    assert len(classes.to_frame()) == n * (n - 1)


@given(memberships, st.randoms(use_true_random=False))
def test_counts_do_not_depend_on_order_and_labels(membership, random):
    labels = list(range(71))
    random.shuffle(labels)
    cells = list(range(10))
    random.shuffle(cells)
    renamed = {cell: {labels[a] for a in names} for cell, names in membership.items()}
    one = structure.pair_classes(membership, range(10)).counts
    assert structure.pair_classes(renamed, cells).counts == one


@pytest.mark.parametrize(
    "membership",
    [
        {BIG: {1, 9}, 2: "10", 3: "", 4: None},
        {BIG: ["1", "9"], 2: 10, 3: set(), 4: np.nan},
        {BIG: "9; 1", 2: 10.0, 3: (), 4: pd.NA},
        pd.Series(["1;9", "10", "", None], index=[BIG, 2, 3, 4]),
        pd.DataFrame({"pt_root_id": [BIG, 2, 3, 4], "assemblies": ["1;9", "10", "", None]}),
        {"cell_id": [BIG, 2, 3, 4], "assemblies": ["1;9", "10", "", None]},
        pd.DataFrame({"assemblies": ["1,9", "10", "", None]}, index=[BIG, 2, 3, 4]),
        pd.DataFrame({"cell": [BIG, BIG, 2, 3, 4], "assembly": [1, 9, 10, np.nan, np.nan]}),
        pd.DataFrame(
            {
                "1": [True, False, False, False],
                "9": [True] + 3 * [False],
                "10": [False, True, False, False],
            },
            index=[BIG, 2, 3, 4],
        ),
    ],
)
def test_every_form_of_membership_says_the_same(membership):
    classes = structure.pair_classes(membership, [BIG, 2, 3, 4])
    assert classes.assemblies == ("1", "9", "10")
    assert classes.member.tolist() == [
        [True, True, False],
        [False, False, True],
        [False, False, False],
        [False, False, False],
    ]
    assert classes.cell_ids.tolist() == [BIG, 2, 3, 4]


def test_membership_comes_from_a_file_with_exact_ids(tmp_path):
    path = tmp_path / "membership.csv"
    path.write_text(f"pt_root_id,assemblies\n{BIG},1;9\n{BIG + 1},\n{BIG + 2},9\n")
    classes = structure.pair_classes(path, path)
    assert classes.cell_ids.tolist() == [BIG, BIG + 1, BIG + 2]
    assert classes.counts["shared"] == 2
    numbers = tmp_path / "numbers.csv"
    numbers.write_text("cell_id,assemblies\n1,3\n2,\n3,12\n")
    assert structure.pair_classes(numbers, [1, 2, 3]).assemblies == ("3", "12")


def test_rectangular_classes_have_their_own_cells_on_each_side():
    classes = structure.pair_classes({1: "a", 2: "a", 3: "b", 4: ""}, [1, 3], post=[4, 2, 1])
    assert classes.codes.shape == (2, 3)
    assert np.array([*BASIC, ""])[classes.codes].tolist() == [
        ["a_no_a", "shared", ""],
        ["a_no_a", "disjoint", "disjoint"],
    ]
    wiring = cf.Connectome.from_matrix([[1, 0, 1], [0, 1, 0]], ids=[1, 3], columns=[4, 2, 1])
    again = structure.pair_classes({1: "a", 2: "a", 3: "b", 4: ""}, wiring)
    np.testing.assert_array_equal(again.codes, classes.codes)


def test_every_dropped_cell_is_named_with_its_side_and_reason():
    classes = structure.pair_classes({1: "a", 2: "", 77: "b"}, [1, 2, 5, 6], post=[2, 6, 7])
    assert classes.dropped.values.tolist() == [
        [5, "pre", "no functional index"],
        [6, "both", "no functional index"],
        [7, "post", "no functional index"],
        [77, "membership", "not among the cells"],
    ]
    assert classes.n_dropped == {"no functional index": 3, "not among the cells": 1}


def test_a_cell_in_many_assemblies_shares_with_members_of_each():
    many = {0: set(range(100)), 1: {99}, 2: {5}, 3: set()}
    classes = structure.pair_classes(many, range(4))
    assert classes.counts["shared"] == 4
    assert classes.counts["disjoint"] == 2


def test_a_class_without_pairs_has_count_zero():
    classes = structure.pair_classes({1: "a", 2: "a"}, [1, 2])
    assert classes.counts == {**dict.fromkeys(CLASSES, 0), "shared": 2, "a_to_any": 2}


def test_pairs_of_one_assembly_keep_those_within_it():
    classes = structure.pair_classes({1: "a", 2: "a;b", 3: "b", 4: ""}, [1, 2, 3, 4])
    own = classes.of_assembly("a")
    assert own.counts["shared"] == 2
    assert own.counts["disjoint"] == 1
    assert own.counts["shared_no_a"] == 0
    assert own.counts["no_a_a"] == 3
    with pytest.raises(InvalidArgumentError, match="must be one of 'a', 'b'"):
        classes.of_assembly("c")


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: structure.pair_classes(
                pd.DataFrame({"cell_id": [7, 8, 7], "assemblies": ["1", "2", "3"]}), [7, 8]
            ),
            DuplicateIdError,
            r"7 in rows \[0, 2\]: a duplicated co-registration",
        ),
        (lambda: structure.pair_classes({1: "a"}, [1, 1]), DuplicateIdError, "repeated"),
        (
            lambda: structure.pair_classes(
                pd.DataFrame({"cell_id": [8.6e17, 1.0], "assemblies": ["1", "2"]}), [1]
            ),
            IdPrecisionError,
            "lose the digits",
        ),
        (
            lambda: structure.pair_classes({1: "a"}, [2, 3]),
            InvalidArgumentError,
            "functional index",
        ),
        (lambda: structure.pair_classes({1: "a"}, ["1"]), InvalidArgumentError, "are text"),
        (
            lambda: structure.pair_classes(pd.DataFrame({"cell_id": [1], "x": [2]}), [1]),
            MissingDataError,
            "columns: cell_id, x",
        ),
        (
            lambda: structure.pair_classes(pd.DataFrame({"assemblies": ["1"]}), [0]),
            MissingDataError,
            "no column of cell ids",
        ),
        (
            lambda: structure.pair_classes({"assemblies": ["a"], "n": [1]}, [1], cell_id="id"),
            MissingDataError,
            "no column 'id'",
        ),
        (lambda: structure.pair_classes({1: True}, [1]), InvalidTypeError, "cell 1: True names no"),
        (lambda: structure.pair_classes({1: 1.5}, [1]), InvalidArgumentError, "1.5 names no"),
        (lambda: structure.pair_classes({1: 1j}, [1]), InvalidTypeError, "names no assembly"),
        (lambda: structure.pair_classes(7, [1]), InvalidTypeError, "must be a mapping"),
        (
            lambda: structure.pair_classes({1: "a"}, [1]).mask("other"),
            InvalidArgumentError,
            "must be one of",
        ),
    ],
)
def test_bad_memberships_are_named(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_duplicated_coregistration_can_be_merged():
    table = pd.DataFrame({"cell_id": [7, 8, 7], "assemblies": ["1", "2", "3"]})
    classes = structure.pair_classes(table, [7, 8], duplicates="merge")
    assert classes.cell_ids.tolist() == [7, 8]
    assert classes.member.tolist() == [[True, False, True], [False, True, False]]


def test_shuffled_members_keep_the_cells():
    classes = structure.pair_classes({1: "a", 2: "a", 3: ""}, [1, 2, 3])
    other = classes.with_member(classes.member[::-1])
    assert other.counts["shared"] == 2
    assert other.codes[1, 2] == 0
    with pytest.raises(InvalidArgumentError, match="must have shape"):
        classes.with_member(classes.member[:2])
