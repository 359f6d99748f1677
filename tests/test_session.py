"""Sessions and tables of epochs."""

from __future__ import annotations

import copy
import logging
import pickle

import numpy as np
import pandas as pd
import pytest

import cofire as cf
from cofire.errors import InvalidArgumentError, InvalidTypeError
from cofire.types import (
    compress_repeated_epochs,
    find_epoch_pattern,
    find_multitask_pre_post,
    find_pre_task_post,
)


def test_missing_parts_are_empty():
    session = cf.Session()
    assert session.spikes.n_units == 0
    assert len(session.epochs) == len(session.trials) == len(session.presentations) == 0
    assert session.states == session.events == session.traces == session.meta == {}
    assert session.path is None


def test_parts_are_converted():
    session = cf.Session(
        {4: [0.1, 0.2]},
        epochs=pd.DataFrame({"name": ["pre"]}),
        states={"NREM": [[0, 1]]},
        events={"ripples": np.array([[0.1, 0.1]])},
        path="a/b.nwb",
    )
    assert session.units.index.tolist() == [4]
    assert isinstance(session.states["NREM"], cf.Intervals)
    assert session.events["ripples"].durations.tolist() == [0.0]
    assert repr(session) == ("Session(1 units; 2 spikes; 1 epochs; states: NREM; events: ripples)")


def test_a_wrong_part_is_named():
    with pytest.raises(InvalidTypeError, match="NREM must be Intervals"):
        cf.Session(states={"NREM": "no"})
    with pytest.raises(InvalidTypeError, match=r"traces\['speed'\] must be Traces"):
        cf.Session(traces={"speed": np.zeros(3)})


def test_sessions_can_be_pickled_and_copied():
    session = cf.Session([[1.0]], states={"NREM": [[0, 1]]}, meta={"a": 1})
    for again in (pickle.loads(pickle.dumps(session)), copy.deepcopy(session)):
        assert again.states == session.states
        assert again.meta == {"a": 1}
        assert not again.spikes.times.flags.writeable


# --- compress_repeated_epochs ---------------------------------------------------------------------


def epochs(*environments, **columns) -> pd.DataFrame:
    n = len(environments)
    return pd.DataFrame(
        {
            "name": [f"e{i}" for i in range(n)],
            "startTime": 10.0 * np.arange(n),
            "stopTime": 10.0 * np.arange(n) + 9,
            "environment": list(environments),
            **columns,
        }
    )


def test_runs_of_one_environment_become_one_row():
    found = compress_repeated_epochs(epochs("sleep", "sleep", "linear", "sleep", "box", "box"))
    assert found["environment"].tolist() == ["sleep", "linear", "sleep", "box"]
    assert found["name"].tolist() == ["e0", "e2", "e3", "e4"]
    assert found["startTime"].tolist() == [0, 20, 30, 40]
    assert found["stopTime"].tolist() == [19, 29, 39, 59]


def test_only_the_named_environment_is_joined():
    found = compress_repeated_epochs(epochs("sleep", "sleep", "box", "box"), "sleep")
    assert found["environment"].tolist() == ["sleep", "box", "box"]


def test_dtypes_are_kept():
    table = epochs("a", "a", "b", n=[1, 2, 3], flag=pd.array([True, None, False], "boolean"))
    found = compress_repeated_epochs(table)
    pd.testing.assert_series_equal(found.dtypes, table.dtypes)


def test_the_earliest_start_and_the_latest_stop_count():
    table = epochs("a", "a")
    table["stopTime"] = [30.0, 20.0]
    assert compress_repeated_epochs(table)["stopTime"].tolist() == [30.0]


def test_missing_environments_are_not_equal():
    found = compress_repeated_epochs(epochs("a", np.nan, np.nan, None))
    assert len(found) == 4


@pytest.mark.parametrize("n", [0, 1])
def test_short_tables_stay(n):
    table = epochs(*["a"] * n)
    pd.testing.assert_frame_equal(compress_repeated_epochs(table), table)


def test_other_names_of_the_edges_work():
    table = epochs("a", "a").rename(columns={"startTime": "start", "stopTime": "stop"})
    assert compress_repeated_epochs(table)[["start", "stop"]].to_numpy().tolist() == [[0, 19]]


def test_missing_columns_are_listed():
    with pytest.raises(InvalidArgumentError, match=r"must have columns environment.*columns: name"):
        compress_repeated_epochs(pd.DataFrame({"name": ["a"]}))


# --- sequences ------------------------------------------------------------------------------------

KINDS = [list, np.array, lambda names: pd.Series(names, index=range(5, 5 + len(names)))]


@pytest.mark.parametrize("kind", KINDS, ids=["list", "array", "series"])
def test_the_first_triple_is_found(kind):
    mask, index = find_pre_task_post(kind(["box", "sleep", "linear", "sleep", "box", "sleep"]))
    assert mask.tolist() == [False, True, True, True, False, False]
    assert index.tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    "names", [[], ["sleep"], ["sleep", "box"], ["sleep"] * 4, ["sleep", "a", "b", "sleep"]]
)
def test_no_triple_gives_none(names):
    assert find_pre_task_post(names) == (None, None)


def test_the_label_of_the_rest_can_be_chosen():
    assert find_pre_task_post(["home", "box", "home"], "home")[1].tolist() == [0, 1, 2]


@pytest.mark.parametrize("kind", KINDS, ids=["list", "array", "series"])
def test_a_pattern_is_found_where_it_first_occurs(kind):
    mask, index = find_epoch_pattern(kind(["a", "b", "a", "c", "a", "c"]), kind(["a", "c"]))
    assert index.tolist() == [2, 3]
    assert mask.tolist() == [False, False, True, True, False, False]


def test_a_pattern_that_does_not_occur_gives_none():
    assert find_epoch_pattern(["a"], ["a", "b"]) == (None, None)
    assert find_epoch_pattern(["a", "b"], ["b", "a"]) == (None, None)


def test_an_empty_pattern_is_an_error():
    with pytest.raises(InvalidArgumentError, match="pattern must name at least one"):
        find_epoch_pattern(["a"], [])


@pytest.mark.parametrize("kind", KINDS, ids=["list", "array", "series"])
def test_each_task_gets_the_sleep_around_it(kind):
    names = ["sleep", "linear", "box", "Sleep_2", "sleep", "wheel", "sleep"]
    assert find_multitask_pre_post(kind(names)) == [[0, 1, 3], [0, 2, 3], [4, 5, 6]]


def test_options_of_the_multitask_search():
    names = ["sleep", "linear", "box", "sleep", "linear", "sleep"]
    assert find_multitask_pre_post(names, "LIN|wheel") == [[0, 1, 3], [3, 4, 5]]
    assert find_multitask_pre_post(names, post_sleep_flank=True) == [[0, 2, 3], [3, 4, 5]]
    common = find_multitask_pre_post(names, pre_sleep_common=True)
    assert common == [[0, 1, 3], [0, 2, 3], [0, 4, 5]]
    both = find_multitask_pre_post(
        ["sleep", "a", "b", "sleep"], "a", post_sleep_flank=True, pre_sleep_common=True
    )
    assert both == []


def test_tasks_without_sleep_are_left_out_and_logged(caplog):
    with caplog.at_level(logging.WARNING, logger="cofire"):
        found = find_multitask_pre_post(["box", "linear", "sleep", "wheel", "sleep", "box"])
    assert found == [[2, 3, 4]]
    assert "no sleep before epoch 1 (linear)" in caplog.text
    assert "no sleep after epoch 5 (box)" in caplog.text
    # The first epoch is never a task.
    assert "epoch 0" not in caplog.text


def test_no_task_gives_none():
    assert find_multitask_pre_post(["sleep", "sleep"]) is None
    assert find_multitask_pre_post([]) is None


@pytest.mark.parametrize("function", [find_pre_task_post, find_multitask_pre_post])
@pytest.mark.parametrize("names", ["sleep", 3])
def test_what_is_no_sequence_is_explained(function, names):
    with pytest.raises(InvalidTypeError, match="environments must be a sequence"):
        function(names)


def test_a_wrong_expression_is_explained():
    with pytest.raises(InvalidArgumentError, match=r"task_tag must be a regular expr.* got '\('"):
        find_multitask_pre_post(["sleep", "a", "sleep"], "(")
