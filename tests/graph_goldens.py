"""Golden numbers of graph measures, and the forms of one adjacency that they are about."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

SHARED = Path(os.environ.get("COFIRE_DATA", Path(__file__).resolve().parents[2] / "shared"))
Array = npt.NDArray[np.float64]

NAMES = (
    "er_dir_w_n30_s1",
    "er_dir_bin_n50_s2",
    "ws_und_w_n60_s3",
    "ws_dir_w_n100_s4",
    "er_dir_w_n312_s5",
    "er_dir_selfloop_isolated_n40_s6",
)
TOLERANCE = {"rtol": 1e-9, "atol": 1e-11}


def goldens() -> tuple[str, ...]:
    """Names of the golden networks, for ``@pytest.mark.parametrize("name", goldens())``."""
    return NAMES


def load(name: str) -> dict[str, Any]:
    """Numbers of one golden network; skips where the shared data are absent."""
    path = SHARED / "golden" / "graph" / f"{name}.npz"
    if not path.is_file():
        message = f"no golden numbers at {path}; set COFIRE_DATA to the folder that holds golden/"
        if os.environ.get("COFIRE_REQUIRE_DATA"):
            pytest.fail(message)
        pytest.skip(message)
    with np.load(path, allow_pickle=False) as file:
        return dict(file)


def forms(adjacency: Array) -> dict[str, Array]:
    """The forms that the suffixes of golden keys name.

    W0: without diagonal. BD, BU: binary directed, and made undirected by OR. WD, WU: weighted
    directed, and made undirected by the mean. WDn, WUn: divided by their largest weight.
    """
    w0 = np.array(adjacency, dtype=np.float64)
    np.fill_diagonal(w0, 0.0)
    bd = (w0 > 0).astype(np.float64)
    wu = (w0 + w0.T) / 2
    return {
        "W0": w0,
        "BD": bd,
        "BU": np.maximum(bd, bd.T),
        "WD": w0,
        "WU": wu,
        "WDn": w0 / w0.max(),
        "WUn": wu / wu.max(),
    }


def assert_golden(measured: Any, golden: dict[str, Any], key: str, **tolerance: float) -> None:
    """Compare with one key, at the tolerance of the golden files unless told otherwise."""
    expected = golden[key]
    assert np.shape(measured) == expected.shape, key
    np.testing.assert_allclose(measured, expected, err_msg=key, **{**TOLERANCE, **tolerance})


def each_golden(test: Callable[..., None]) -> Callable[..., None]:
    """Run a test ``test(golden, forms)`` once for each golden network."""

    @pytest.mark.parametrize("name", goldens())
    def run(name: str) -> None:
        golden = load(name)
        test(golden, forms(golden["A"]))

    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return run
