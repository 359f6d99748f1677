"""Errors and checks of arguments: what a stranger reads."""

from __future__ import annotations

import numpy as np
import pytest

import cofire as cf
from cofire import _optional, _validate, errors
from cofire._threads import resolve_threads


def test_every_error_is_a_cofire_error():
    found = [
        cls
        for cls in vars(errors).values()
        if isinstance(cls, type) and issubclass(cls, Exception) and not issubclass(cls, Warning)
    ]
    assert len(found) > 5
    assert all(issubclass(cls, errors.CofireError) for cls in found)
    assert all(cls.__doc__ for cls in found)


@pytest.mark.parametrize(
    ("error", "builtin"),
    [
        (errors.InvalidArgumentError, ValueError),
        (errors.InvalidTypeError, TypeError),
        (errors.MissingExtraError, ImportError),
        (errors.SpikeTimeError, ValueError),
        (errors.DuplicateIdError, ValueError),
        (errors.TooLargeError, ValueError),
    ],
)
def test_errors_are_also_pythons(error, builtin):
    assert issubclass(error, builtin)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: _validate.positive(0, "bin_width", "s"),
            errors.InvalidArgumentError,
            r"^bin_width must be positive \(s\), got 0$",
        ),
        (
            lambda: _validate.positive("x", "bin_width"),
            errors.InvalidTypeError,
            "^bin_width must be a number, got 'x'$",
        ),
        (
            lambda: _validate.real(np.inf, "lag"),
            errors.InvalidArgumentError,
            "^lag must be finite, got inf$",
        ),
        (
            lambda: _validate.integer(1.0, "n"),
            errors.InvalidTypeError,
            r"^n must be an integer, got 1\.0$",
        ),
        (lambda: _validate.integer(True, "n"), errors.InvalidTypeError, "must be an integer"),
        (
            lambda: _validate.integer(0, "n", 1),
            errors.InvalidArgumentError,
            "^n must be at least 1, got 0$",
        ),
        (
            lambda: _validate.one_of("x", "closed", ("both", "left")),
            errors.InvalidArgumentError,
            "^closed must be one of 'both', 'left', got 'x'$",
        ),
        (
            lambda: _validate.window((1, 0)),
            errors.InvalidArgumentError,
            r"^window must satisfy start < stop, both finite, got \(1, 0\) s$",
        ),
        (
            lambda: _validate.window(0.5),
            errors.InvalidArgumentError,
            r"^window must be two numbers \(start, stop\) in seconds",
        ),
        (
            lambda: _validate.vector([0, np.nan], "events"),
            errors.InvalidArgumentError,
            r"^events must be finite: events\[1\] is nan; drop such values first$",
        ),
        (
            lambda: _validate.vector([[1]], "events"),
            errors.InvalidArgumentError,
            r"^events must be 1-D, got shape \(1, 1\)$",
        ),
        (
            lambda: _validate.vector(["a"], "events"),
            errors.InvalidTypeError,
            "^events must be a 1-D array of numbers$",
        ),
        (
            lambda: _validate.matrix([1], "x"),
            errors.InvalidArgumentError,
            r"^x must be 2-D, got shape \(1,\)$",
        ),
        (
            lambda: _validate.matrix([[1], [2, 3]], "x"),
            errors.InvalidTypeError,
            "^x must be a 2-D array of numbers$",
        ),
        (
            lambda: _validate.fits_memory((10**9, 10**9), "float64", "a count matrix"),
            errors.TooLargeError,
            "a count matrix of shape .* needs .* GB, more than the .* GB of this machine",
        ),
        (lambda: resolve_threads(0), errors.InvalidArgumentError, "threads must be a positive"),
        (lambda: resolve_threads(True), errors.InvalidArgumentError, "threads must be a positive"),
        (lambda: resolve_threads("2"), errors.InvalidArgumentError, "got '2'"),
    ],
)
def test_messages_name_the_argument_and_what_came(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_good_values_come_back():
    assert _validate.positive(np.float32(0.5), "x") == 0.5
    assert _validate.integer(np.int8(3), "x", 3) == 3
    assert _validate.window([-1, 2]) == (-1.0, 2.0)
    np.testing.assert_array_equal(_validate.vector(3, "x"), [3.0])
    assert np.isnan(_validate.vector([np.nan], "x", finite=False)).all()
    assert _validate.matrix(np.ones((2, 3), order="F"), "x").flags.c_contiguous
    assert _validate.fits_memory((3, 3), "uint8", "x") is None


def test_a_missing_extra_names_the_pip_line():
    with pytest.raises(errors.MissingExtraError, match=r'^Report needs no_such; pip install "c'):
        _optional.import_extra("no_such.module", "io", "Report")
    assert _optional.import_extra("json", "io", "Report").__name__ == "json"


def test_the_number_of_threads_comes_from_call_setting_or_environment(monkeypatch):
    monkeypatch.setenv("COFIRE_NUM_THREADS", "3")
    assert cf.get_num_threads() == 3
    cf.set_num_threads(2)
    try:
        assert cf.get_num_threads() == 2
        assert resolve_threads(None) == 2
        assert resolve_threads(5) == 5
    finally:
        cf.set_num_threads(None)
    monkeypatch.setenv("COFIRE_NUM_THREADS", "many")
    with pytest.raises(errors.InvalidArgumentError, match="COFIRE_NUM_THREADS must be a positive"):
        cf.get_num_threads()
    monkeypatch.delenv("COFIRE_NUM_THREADS")
    assert cf.get_num_threads() >= 1


def test_unknown_names_are_attribute_errors():
    with pytest.raises(AttributeError, match="module 'cofire' has no attribute 'nothing'"):
        _ = cf.nothing
    assert "SpikeTrains" in dir(cf)
