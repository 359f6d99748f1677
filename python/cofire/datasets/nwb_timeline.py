"""When the mouse of a made session saw, licked and was rewarded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from cofire._validate import AnyArray, BoolArray, FloatArray
from cofire.io._nwb_schema import Ragged

ACTIVE_START = 10.0
CADENCE = 0.75
N_FLASHES = 400
FRAME_RATE = 60.0
DISPLAY_DELAY = 0.02
RESPONSE = (0.15, 0.75)
_AFTER_CHANGE = 2.25
_AUTOMATIC = 3
IMAGES = tuple(f"im{k:03d}_r" for k in (12, 36, 44, 47, 83, 78, 104, 111))
NATURAL = "Natural_Images_Lum_Matched_set_ophys_H_2019"

Columns = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Timeline:
    """Everything that happened, as columns of the tables that hold it."""

    natural: Columns
    gabors: Columns
    flashes: Columns
    spontaneous: Columns
    pulses: Columns
    trials: Columns
    licks: FloatArray
    rewards: FloatArray
    automatic: BoolArray
    stop: float
    truth: Columns

    def tables(self) -> dict[str, Columns]:
        """Interval tables by name."""
        return {
            "trials": self.trials,
            f"{NATURAL}_presentations": self.natural,
            "gabor_20_deg_250ms_presentations": self.gabors,
            "flash_250ms_presentations": self.flashes,
            "spontaneous_presentations": self.spontaneous,
            "optogenetic_stimulation": self.pulses,
        }

    def change_times(self) -> FloatArray:
        """On-screen times of changes in the active block."""
        active = self.natural["is_change"] & self.natural["active"]
        times: FloatArray = self.natural["start_time"][active]
        return times

    def image_times(self) -> FloatArray:
        """On-screen times of all images, active and passive."""
        times: FloatArray = self.natural["start_time"][~self.natural["omitted"]]
        return times

    def pulse_times(self) -> FloatArray:
        """Onsets of the 10 ms light pulses."""
        short = self.pulses["stimulus_name"] == "pulse"
        times: FloatArray = self.pulses["start_time"][short]
        return times


def make(rng: np.random.Generator, hit_rate: float, false_alarm_rate: float) -> Timeline:
    """Draw a session."""
    onset: FloatArray = ACTIVE_START + CADENCE * np.arange(N_FLASHES, dtype=np.float64)
    scheduled = _schedule(rng)
    kind = _outcomes(len(scheduled), hit_rate, false_alarm_rate, rng)
    shown = np.isin(kind, ("hit", "miss", "auto_rewarded"))
    sham = np.isin(kind, ("false_alarm", "correct_reject"))
    changes, shams = scheduled[shown], scheduled[sham]
    natural = _natural(onset, changes, shams, scheduled, rng)
    trials, licks, rewards, automatic, latencies = _trials(onset, scheduled, kind, natural, rng)
    active_stop = onset[-1] + CADENCE
    gabors = _gabors(active_stop + 5.0, rng)
    flashes = _full_field(gabors["stop_time"][-1] + 5.0)
    replay = flashes["stop_time"][-1] + 2.0
    passive = dict(natural)
    shift = replay - ACTIVE_START
    for name in ("start_time", "stop_time"):
        passive[name] = natural[name] + shift
    for name in ("start_frame", "end_frame"):
        passive[name] = natural[name] + round(shift * FRAME_RATE)
    passive["stimulus_block"] = np.full(N_FLASHES, 5)
    passive["active"] = np.zeros(N_FLASHES, dtype=bool)
    passive["rewarded"] = np.zeros(N_FLASHES, dtype=bool)
    passive["trials_id"] = np.full(N_FLASHES, -99)
    both = {name: np.concatenate([natural[name], passive[name]]) for name in natural}
    pulses = _pulses(passive["stop_time"][-1] + 5.0, rng)
    gray = [
        (active_stop, active_stop + 5.0, 1),
        (gabors["stop_time"][-1], flashes["start_time"][0], 3),
    ]
    spontaneous = {
        "start_time": np.array([g[0] for g in gray]),
        "stop_time": np.array([g[1] for g in gray]),
        "stimulus_block": np.array([g[2] for g in gray]),
        "stimulus_name": np.array(["spontaneous"] * 2, dtype=object),
        "active": np.zeros(2, dtype=bool),
    }
    n = {
        name: int((kind == name).sum()) for name in ("hit", "miss", "false_alarm", "correct_reject")
    }
    truth = {
        "n_changes": int(n["hit"] + n["miss"]),
        "n_omissions": int(natural["omitted"].sum()),
        "hit_rate": n["hit"] / max(n["hit"] + n["miss"], 1),
        "false_alarm_rate": n["false_alarm"] / max(n["false_alarm"] + n["correct_reject"], 1),
        "latencies": latencies,
    }
    return Timeline(
        natural=both,
        gabors=gabors,
        flashes=flashes,
        spontaneous=spontaneous,
        pulses=pulses,
        trials=trials,
        licks=licks,
        rewards=rewards,
        automatic=automatic,
        stop=float(pulses["stop_time"][-1] + 5.0),
        truth=truth,
    )


def _schedule(rng: np.random.Generator) -> AnyArray:
    """Flash numbers of the scheduled (sham) changes, 4 to 12 flashes apart."""
    numbers = np.cumsum(rng.integers(4, 13, N_FLASHES // 4))
    return numbers[numbers < N_FLASHES - 4]


def _outcomes(
    n: int, hit_rate: float, false_alarm_rate: float, rng: np.random.Generator
) -> AnyArray:
    """Outcome of each trial; the rates hold up to rounding."""
    kind = np.array(["go"] * n, dtype=object)
    kind[:_AUTOMATIC] = "auto_rewarded"
    rest = rng.permutation(np.arange(_AUTOMATIC, n))
    n_catch, n_aborted = round(0.12 * n), round(0.15 * n)
    catch, aborted, go = np.split(rest, [n_catch, n_catch + n_aborted])
    kind[aborted] = "aborted"
    for rows, rate, yes, no in (
        (go, hit_rate, "hit", "miss"),
        (catch, false_alarm_rate, "false_alarm", "correct_reject"),
    ):
        n_yes = round(rate * len(rows))
        kind[rows[:n_yes]], kind[rows[n_yes:]] = yes, no
    return kind


def _natural(
    onset: FloatArray,
    changes: AnyArray,
    shams: AnyArray,
    scheduled: AnyArray,
    rng: np.random.Generator,
) -> Columns:
    number = np.arange(N_FLASHES)
    is_change = np.isin(number, changes)
    omitted = rng.random(N_FLASHES) < 0.055
    # Never the first, a (sham) change, the flash before one, or right after another omission.
    omitted[np.isin(number, scheduled) | np.isin(number + 1, scheduled) | (number == 0)] = False
    omitted[1:] &= ~omitted[:-1]
    image = np.cumsum(is_change) % len(IMAGES)
    names = np.where(omitted, "omitted", np.array(IMAGES, dtype=object)[image]).astype(object)
    last = np.maximum.accumulate(np.where(is_change, number, 0))
    start_frame = np.round(onset * FRAME_RATE).astype(np.int64)
    return {
        "start_time": onset,
        "stop_time": onset + 0.25,
        "duration": np.full(N_FLASHES, 0.25),
        "start_frame": start_frame,
        "end_frame": start_frame + 15,
        "stimulus_block": np.zeros(N_FLASHES, dtype=np.int64),
        "stimulus_name": np.array([NATURAL] * N_FLASHES, dtype=object),
        "image_name": names,
        "is_change": is_change,
        "is_sham_change": np.isin(number, shams),
        "is_image_novel": ~np.isin(names, ("im083_r", "im111_r", "omitted")),
        "omitted": omitted,
        "flashes_since_change": number - last,
        "trials_id": np.searchsorted(scheduled, number - 3).astype(np.int64),
        "active": np.ones(N_FLASHES, dtype=bool),
        "rewarded": np.zeros(N_FLASHES, dtype=bool),
    }


def _trials(
    onset: FloatArray,
    scheduled: AnyArray,
    kind: AnyArray,
    natural: Columns,
    rng: np.random.Generator,
) -> tuple[Columns, FloatArray, FloatArray, BoolArray, list[float]]:
    n = len(scheduled)
    screen = onset[scheduled]
    starts = np.concatenate([[onset[0] - 1.0], screen[:-1] + _AFTER_CHANGE])
    stops = screen + _AFTER_CHANGE
    command = screen - DISPLAY_DELAY
    latency = rng.uniform(RESPONSE[0] + 0.01, RESPONSE[1] - 0.01, n)
    licks: list[list[float]] = []
    for i, outcome in enumerate(kind):
        first = {"hit": command[i] + latency[i], "false_alarm": command[i] + latency[i]}.get(
            outcome
        )
        if outcome == "aborted":
            first = rng.uniform(starts[i] + 0.1, command[i] - 0.1)
        if outcome == "auto_rewarded":
            first = command[i] + 1.0
        licks.append([] if first is None else [float(first), float(first) + 0.15])
    aborted = kind == "aborted"
    got = np.isin(kind, ("hit", "auto_rewarded"))
    reward = np.where(kind == "hit", command + latency, command + 0.1)
    natural["rewarded"][scheduled[got]] = True
    columns: Columns = {
        "start_time": starts,
        "stop_time": stops,
        "change_time_no_display_delay": np.where(aborted, np.nan, command),
        "change_frame": np.where(aborted, -99, natural["start_frame"][scheduled]),
        "go": np.isin(kind, ("hit", "miss")),
        "catch": np.isin(kind, ("false_alarm", "correct_reject")),
        "is_change": np.isin(kind, ("hit", "miss", "auto_rewarded")),
    }
    outcomes = ("hit", "miss", "false_alarm", "correct_reject", "aborted", "auto_rewarded")
    columns |= {name: kind == name for name in outcomes}
    columns["response_time"] = np.array([row[0] if row else np.nan for row in licks])
    columns["reward_time"] = np.where(got, reward, np.nan)
    columns["reward_volume"] = np.where(got, 0.003, 0.0)
    columns["initial_image_name"] = natural["image_name"][np.maximum(scheduled - 1, 0)]
    columns["change_image_name"] = natural["image_name"][scheduled]
    columns["lick_times"] = Ragged.of(licks)
    all_licks = np.sort(np.array([t for row in licks for t in row]))
    latencies = [float(x) for x in (latency - DISPLAY_DELAY)[kind == "hit"]]
    return columns, all_licks, reward[got], kind[got] == "auto_rewarded", latencies


def _gabors(start: float, rng: np.random.Generator) -> Columns:
    grid = np.arange(-40.0, 41.0, 10.0)
    x, y, orientation = (a.ravel() for a in np.meshgrid(grid, grid, (0.0, 45.0, 90.0)))
    order = rng.permutation(len(x))
    starts = start + 0.25 * np.arange(len(x))
    return {
        "start_time": starts,
        "stop_time": starts + 0.25,
        "duration": np.full(len(x), 0.25),
        "stimulus_block": np.full(len(x), 2),
        "stimulus_name": np.array(["gabor_20_deg_250ms"] * len(x), dtype=object),
        "position_x": x[order],
        "position_y": y[order],
        "orientation": orientation[order],
        "temporal_frequency": np.full(len(x), 4.0),
        "spatial_frequency": np.full(len(x), 0.08),
        "contrast": np.full(len(x), 0.8),
        "active": np.zeros(len(x), dtype=bool),
    }


def _full_field(start: float, n: int = 20) -> Columns:
    starts = start + 2.0 * np.arange(n)
    return {
        "start_time": starts,
        "stop_time": starts + 0.25,
        "duration": np.full(n, 0.25),
        "stimulus_block": np.full(n, 4),
        "stimulus_name": np.array(["flash_250ms"] * n, dtype=object),
        "color": np.where(np.arange(n) % 2 == 0, 1.0, -1.0),
        "contrast": np.full(n, 0.8),
        "active": np.zeros(n, dtype=bool),
    }


def _pulses(start: float, rng: np.random.Generator) -> Columns:
    """Two waveforms at three levels, ten times each."""
    level = np.repeat([0.685, 0.8, 0.95], 20)
    name = np.tile(np.array(["pulse", "raised_cosine"], dtype=object), 30)
    order = rng.permutation(60)
    level, name = level[order], name[order]
    starts = start + 1.5 * np.arange(60)
    duration = np.where(name == "pulse", 0.01, 1.0)
    condition = np.where(name == "pulse", "10 ms square pulse", "half-period of a cosine wave")
    return {
        "start_time": starts,
        "stop_time": starts + duration,
        "condition": condition.astype(object),
        "level": level,
        "stimulus_name": name,
        "duration": duration,
    }
