"""
Compiled kernels of cofire. Strict about dtype and layout; use the public functions.
"""
from __future__ import annotations
import numpy
import numpy.typing
import typing
def average_interpolated_f32(values: numpy.typing.NDArray[numpy.float32], times: numpy.typing.NDArray[numpy.float64], runs: numpy.typing.NDArray[numpy.int64], events: numpy.typing.NDArray[numpy.float64], lags: numpy.typing.NDArray[numpy.float64], n_threads: typing.SupportsInt | typing.SupportsIndex) -> tuple[numpy.typing.NDArray[numpy.float64], numpy.typing.NDArray[numpy.float64], numpy.typing.NDArray[numpy.int64]]:
    """
    (mean, sem, counts), each (n_lags, n_signals), of values interpolated at events + lags.
    """
def average_interpolated_f64(values: numpy.typing.NDArray[numpy.float64], times: numpy.typing.NDArray[numpy.float64], runs: numpy.typing.NDArray[numpy.int64], events: numpy.typing.NDArray[numpy.float64], lags: numpy.typing.NDArray[numpy.float64], n_threads: typing.SupportsInt | typing.SupportsIndex) -> tuple[numpy.typing.NDArray[numpy.float64], numpy.typing.NDArray[numpy.float64], numpy.typing.NDArray[numpy.int64]]:
    """
    (mean, sem, counts), each (n_lags, n_signals), of values interpolated at events + lags.
    """
def average_windows_f32(values: numpy.typing.NDArray[numpy.float32], full: numpy.typing.NDArray[numpy.int64], partial: numpy.typing.NDArray[numpy.int64], n_lags: typing.SupportsInt | typing.SupportsIndex, n_threads: typing.SupportsInt | typing.SupportsIndex) -> tuple[numpy.typing.NDArray[numpy.float64], numpy.typing.NDArray[numpy.float64], numpy.typing.NDArray[numpy.int64]]:
    """
    (mean, sem, counts), each (n_lags, n_signals), over windows of values (T, n).
    """
def average_windows_f64(values: numpy.typing.NDArray[numpy.float64], full: numpy.typing.NDArray[numpy.int64], partial: numpy.typing.NDArray[numpy.int64], n_lags: typing.SupportsInt | typing.SupportsIndex, n_threads: typing.SupportsInt | typing.SupportsIndex) -> tuple[numpy.typing.NDArray[numpy.float64], numpy.typing.NDArray[numpy.float64], numpy.typing.NDArray[numpy.int64]]:
    """
    (mean, sem, counts), each (n_lags, n_signals), over windows of values (T, n).
    """
def bin_spikes_f32(times: numpy.typing.NDArray[numpy.float64], offsets: numpy.typing.NDArray[numpy.int64], starts: numpy.typing.NDArray[numpy.float64], stops: numpy.typing.NDArray[numpy.float64], steps: numpy.typing.NDArray[numpy.float64], bin_offsets: numpy.typing.NDArray[numpy.int64], n_threads: typing.SupportsInt | typing.SupportsIndex) -> numpy.typing.NDArray[numpy.float32]:
    """
    Spike counts (units, bins) on a bin grid.
    """
def bin_spikes_f64(times: numpy.typing.NDArray[numpy.float64], offsets: numpy.typing.NDArray[numpy.int64], starts: numpy.typing.NDArray[numpy.float64], stops: numpy.typing.NDArray[numpy.float64], steps: numpy.typing.NDArray[numpy.float64], bin_offsets: numpy.typing.NDArray[numpy.int64], n_threads: typing.SupportsInt | typing.SupportsIndex) -> numpy.typing.NDArray[numpy.float64]:
    """
    Spike counts (units, bins) on a bin grid.
    """
def bin_spikes_i32(times: numpy.typing.NDArray[numpy.float64], offsets: numpy.typing.NDArray[numpy.int64], starts: numpy.typing.NDArray[numpy.float64], stops: numpy.typing.NDArray[numpy.float64], steps: numpy.typing.NDArray[numpy.float64], bin_offsets: numpy.typing.NDArray[numpy.int64], n_threads: typing.SupportsInt | typing.SupportsIndex) -> numpy.typing.NDArray[numpy.int32]:
    """
    Spike counts (units, bins) on a bin grid.
    """
def bin_spikes_u8(times: numpy.typing.NDArray[numpy.float64], offsets: numpy.typing.NDArray[numpy.int64], starts: numpy.typing.NDArray[numpy.float64], stops: numpy.typing.NDArray[numpy.float64], steps: numpy.typing.NDArray[numpy.float64], bin_offsets: numpy.typing.NDArray[numpy.int64], n_threads: typing.SupportsInt | typing.SupportsIndex) -> numpy.typing.NDArray[numpy.uint8]:
    """
    Spike counts (units, bins) on a bin grid.
    """
def find_bad_spike(times: numpy.typing.NDArray[numpy.float64], offsets: numpy.typing.NDArray[numpy.int64], n_threads: typing.SupportsInt | typing.SupportsIndex) -> tuple[str, int, int] | None:
    """
    None, or (fault, unit, index) of the first spike that is not finite or out of order.
    """
def peri_event_counts(times: numpy.typing.NDArray[numpy.float64], offsets: numpy.typing.NDArray[numpy.int64], events: numpy.typing.NDArray[numpy.float64], start: typing.SupportsFloat | typing.SupportsIndex, width: typing.SupportsFloat | typing.SupportsIndex, n_bins: typing.SupportsInt | typing.SupportsIndex, truncated: bool, n_threads: typing.SupportsInt | typing.SupportsIndex) -> numpy.typing.NDArray[numpy.int64]:
    """
    Spikes in bins around sorted events, (n_units, n_bins).
    """
def peri_event_counts_each(times: numpy.typing.NDArray[numpy.float64], offsets: numpy.typing.NDArray[numpy.int64], events: numpy.typing.NDArray[numpy.float64], rows: numpy.typing.NDArray[numpy.int64], start: typing.SupportsFloat | typing.SupportsIndex, width: typing.SupportsFloat | typing.SupportsIndex, n_bins: typing.SupportsInt | typing.SupportsIndex, truncated: bool, n_threads: typing.SupportsInt | typing.SupportsIndex) -> numpy.typing.NDArray[numpy.int32]:
    """
    The same for each event, (n_events, n_units, n_bins); event e goes to row rows[e].
    """
def restrict(times: numpy.typing.NDArray[numpy.float64], offsets: numpy.typing.NDArray[numpy.int64], intervals: numpy.typing.NDArray[numpy.float64], n_threads: typing.SupportsInt | typing.SupportsIndex) -> tuple[numpy.typing.NDArray[numpy.float64], numpy.typing.NDArray[numpy.int64]]:
    """
    (times, offsets) of the spikes inside disjoint sorted intervals [start, stop).
    """
__version__: str = '0.1.0'
