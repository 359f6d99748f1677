"""Receptor responses of Kreher et al. 2008: raw, normalized, damaged."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cofire.errors import (
    DuplicateIdError,
    FileFormatError,
    MissingDataError,
    RecordingNotFoundError,
)
from cofire.io import read_kreher2008
from cofire.io.kreher2008 import RECEPTORS


def made_table() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    odors = ["sfr", *(f"odor {k}" for k in range(1, 28))]
    rates = rng.integers(-31, 298, (28, 21)).astype(float)
    return pd.DataFrame(rates, index=odors, columns=list(RECEPTORS))


def test_rates_are_normalized(tmp_path):
    table = made_table()
    table.to_csv(tmp_path / "raw.csv")
    found = read_kreher2008(tmp_path / "raw.csv")
    np.testing.assert_array_equal(found.to_numpy(), (table.to_numpy() + 50) / 350)
    assert found.index.tolist() == table.index.tolist()
    assert (found.index.name, found.columns.name) == ("odor", "receptor")
    raw = read_kreher2008(tmp_path / "raw.csv", normalized=False)
    np.testing.assert_array_equal(raw.to_numpy(), table.to_numpy())


def test_normalized_values_are_taken_as_they_are(tmp_path):
    table = (made_table() + 50) / 350
    table.to_csv(tmp_path / "normalized.csv")
    np.testing.assert_array_equal(
        read_kreher2008(tmp_path / "normalized.csv").to_numpy(), table.to_numpy()
    )
    rates = read_kreher2008(tmp_path / "normalized.csv", normalized=False)
    np.testing.assert_allclose(rates.to_numpy(), made_table().to_numpy(), atol=1e-10)


def test_columns_are_found_by_name(tmp_path):
    table = made_table()
    table[table.columns[::-1]].to_csv(tmp_path / "turned.csv")
    found = read_kreher2008(tmp_path / "turned.csv", normalized=False)
    assert tuple(found.columns) == RECEPTORS
    np.testing.assert_array_equal(found.to_numpy(), table.to_numpy())


def changed(**options) -> pd.DataFrame:
    table = made_table()
    for (row, column), value in options.get("values", {}).items():
        table = table.astype(object) if isinstance(value, str) else table
        table.loc[row, column] = value
    if "rows" in options:
        table = table.rename(index=options["rows"])
    return table.rename(columns=options.get("columns", {})).iloc[: options.get("n", 28)]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"columns": {"Or1a": "Or9z"}}, MissingDataError, "missing: Or1a; unknown: Or9z"),
        ({"rows": {"odor 3": "odor 4"}}, DuplicateIdError, r"\['odor 4'\] twice"),
        ({"rows": {"sfr": "rest"}}, FileFormatError, "first 'sfr'.*first 'rest'"),
        ({"n": 20}, FileFormatError, "28 rows.*has 20"),
        (
            {"values": {("odor 2", "Or7a"): np.nan}},
            FileFormatError,
            "'odor 2', receptor Or7a .*nan",
        ),
        ({"values": {("odor 2", "Or7a"): 301.0}}, FileFormatError, "receptor Or7a holds 301"),
        ({"values": {("odor 2", "Or7a"): -51.0}}, FileFormatError, "holds -51.0; a response lies"),
        ({"values": {("odor 2", "Or7a"): "high"}}, FileFormatError, "must hold numbers.*high"),
    ],
)
def test_damaged_tables_are_refused(tmp_path, options, error, message):
    changed(**options).to_csv(tmp_path / "odors.csv")
    with pytest.raises(error, match=rf"odors\.csv.*{message}"):
        read_kreher2008(tmp_path / "odors.csv")


def test_other_files_are_refused(tmp_path):
    with pytest.raises(RecordingNotFoundError, match="no such file or folder"):
        read_kreher2008(tmp_path / "absent.csv")
    with pytest.raises(MissingDataError, match=r"responses_normalized\.csv or"):
        read_kreher2008(tmp_path)
    (tmp_path / "empty.csv").write_text("")
    with pytest.raises(FileFormatError, match=r"empty\.csv is no readable table"):
        read_kreher2008(tmp_path / "empty.csv")


def test_published_responses(shared):
    folder = shared / "data" / "larval_olfaction"
    raw = folder / "kreher2008_or_responses.csv"
    rates = read_kreher2008(raw, normalized=False)
    assert rates.shape == (28, 21)
    assert (rates.to_numpy().min(), rates.to_numpy().max()) == (-31, 297)
    assert (rates.index[0], rates.index[-1]) == ("sfr", "carbon dioxide")
    normalized = read_kreher2008(folder)
    np.testing.assert_array_equal(read_kreher2008(raw).to_numpy(), normalized.to_numpy())
    stored = pd.read_csv(folder / "kreher2008_or_responses_normalized.csv", index_col=0)
    np.testing.assert_array_equal(normalized.to_numpy(), stored.to_numpy())
    assert normalized.to_numpy().min().round(5) == 0.05429
