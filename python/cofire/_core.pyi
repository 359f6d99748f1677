"""
Compiled kernels of cofire. Strict about dtype and layout; use the public functions.
"""
from __future__ import annotations
import collections.abc
import numpy
import numpy.typing
import typing
class NetworkPlan:
    """
    Layout and wiring of a network, for the kernels.
    """
    def __init__(self, dt: typing.SupportsFloat | typing.SupportsIndex, populations: collections.abc.Sequence[dict[str, typing.Any]], pathways: collections.abc.Sequence[dict[str, typing.Any]]) -> None:
        ...
    @property
    def n_all(self) -> int:
        ...
    @property
    def n_noise(self) -> int:
        ...
    @property
    def n_spiking(self) -> int:
        ...
    @property
    def n_state(self) -> int:
        ...
    @property
    def n_tape(self) -> int:
        ...
    @property
    def n_theta(self) -> int:
        ...
    @property
    def n_voltage(self) -> int:
        ...
def activation_f32(patterns: numpy.typing.NDArray[numpy.float32], z: numpy.typing.NDArray[numpy.float32], remove_diagonal: bool, n_threads: typing.SupportsInt | typing.SupportsIndex) -> numpy.typing.NDArray[numpy.float32]:
    """
    Activation (patterns, bins) of a z matrix (units, bins).
    """
def activation_f64(patterns: numpy.typing.NDArray[numpy.float64], z: numpy.typing.NDArray[numpy.float64], remove_diagonal: bool, n_threads: typing.SupportsInt | typing.SupportsIndex) -> numpy.typing.NDArray[numpy.float64]:
    """
    Activation (patterns, bins) of a z matrix (units, bins).
    """
def activation_of_spikes_f32(patterns: numpy.typing.NDArray[numpy.float32], times: numpy.typing.NDArray[numpy.float64], offsets: numpy.typing.NDArray[numpy.int64], starts: numpy.typing.NDArray[numpy.float64], stops: numpy.typing.NDArray[numpy.float64], steps: numpy.typing.NDArray[numpy.float64], bin_offsets: numpy.typing.NDArray[numpy.int64], axis: tuple[numpy.typing.NDArray[numpy.float64], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.float64], int], remove_diagonal: bool, n_threads: typing.SupportsInt | typing.SupportsIndex) -> numpy.typing.NDArray[numpy.float32]:
    """
    Activation (bins, patterns) of spikes, z-scored over all bins.
    """
def activation_of_spikes_f64(patterns: numpy.typing.NDArray[numpy.float64], times: numpy.typing.NDArray[numpy.float64], offsets: numpy.typing.NDArray[numpy.int64], starts: numpy.typing.NDArray[numpy.float64], stops: numpy.typing.NDArray[numpy.float64], steps: numpy.typing.NDArray[numpy.float64], bin_offsets: numpy.typing.NDArray[numpy.int64], axis: tuple[numpy.typing.NDArray[numpy.float64], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.float64], int], remove_diagonal: bool, n_threads: typing.SupportsInt | typing.SupportsIndex) -> numpy.typing.NDArray[numpy.float64]:
    """
    Activation (bins, patterns) of spikes, z-scored over all bins.
    """
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
def bin_spikes_sparse(times: numpy.typing.NDArray[numpy.float64], offsets: numpy.typing.NDArray[numpy.int64], starts: numpy.typing.NDArray[numpy.float64], stops: numpy.typing.NDArray[numpy.float64], steps: numpy.typing.NDArray[numpy.float64], bin_offsets: numpy.typing.NDArray[numpy.int64], n_threads: typing.SupportsInt | typing.SupportsIndex) -> tuple[numpy.typing.NDArray[numpy.int32], numpy.typing.NDArray[numpy.int32], numpy.typing.NDArray[numpy.int64]]:
    """
    (data, indices, indptr) of the spike counts in compressed rows.
    """
def bin_spikes_u8(times: numpy.typing.NDArray[numpy.float64], offsets: numpy.typing.NDArray[numpy.int64], starts: numpy.typing.NDArray[numpy.float64], stops: numpy.typing.NDArray[numpy.float64], steps: numpy.typing.NDArray[numpy.float64], bin_offsets: numpy.typing.NDArray[numpy.int64], n_threads: typing.SupportsInt | typing.SupportsIndex) -> numpy.typing.NDArray[numpy.uint8]:
    """
    Spike counts (units, bins) on a bin grid.
    """
def block_model_advance(neighbors: numpy.typing.NDArray[numpy.int32], offsets: numpy.typing.NDArray[numpy.int64], seed: typing.SupportsInt | typing.SupportsIndex, max_groups: typing.SupportsInt | typing.SupportsIndex, labels: numpy.typing.NDArray[numpy.int32], n_groups: numpy.typing.NDArray[numpy.int32], n_done: numpy.typing.NDArray[numpy.int64], k_trace: numpy.typing.NDArray[numpy.int32], energy_trace: numpy.typing.NDArray[numpy.float64], seconds: typing.SupportsFloat | typing.SupportsIndex, n_threads: typing.SupportsInt | typing.SupportsIndex) -> None:
    """
    Sweep block-model chains, in place, until their traces are full or time is up.
    """
def block_model_energy(neighbors: numpy.typing.NDArray[numpy.int32], offsets: numpy.typing.NDArray[numpy.int64], labels: numpy.typing.NDArray[numpy.int32], n_groups: typing.SupportsInt | typing.SupportsIndex) -> float:
    """
    Log-posterior of a partition into groups, up to a constant.
    """
def block_model_start(n_chains: typing.SupportsInt | typing.SupportsIndex, n_nodes: typing.SupportsInt | typing.SupportsIndex, min_groups: typing.SupportsInt | typing.SupportsIndex, max_groups: typing.SupportsInt | typing.SupportsIndex, seed: typing.SupportsInt | typing.SupportsIndex) -> tuple[numpy.typing.NDArray[numpy.int32], numpy.typing.NDArray[numpy.int32]]:
    """
    First labels (chains, nodes) and numbers of groups (chains,) of block-model chains.
    """
def correlogram(times: numpy.typing.NDArray[numpy.float64], offsets: numpy.typing.NDArray[numpy.int64], bin_width: typing.SupportsFloat | typing.SupportsIndex, half: typing.SupportsInt | typing.SupportsIndex, n_threads: typing.SupportsInt | typing.SupportsIndex) -> numpy.typing.NDArray[numpy.int64]:
    """
    Lag counts (units, units, 2 * half + 1) of all pairs of units.
    """
def correlogram_pairs(times: numpy.typing.NDArray[numpy.float64], offsets: numpy.typing.NDArray[numpy.int64], pairs: numpy.typing.NDArray[numpy.int64], bin_width: typing.SupportsFloat | typing.SupportsIndex, half: typing.SupportsInt | typing.SupportsIndex, n_threads: typing.SupportsInt | typing.SupportsIndex) -> numpy.typing.NDArray[numpy.int64]:
    """
    Lag counts (pairs, 2 * half + 1).
    """
def cross_corr(t1: numpy.typing.NDArray[numpy.float64], t2: numpy.typing.NDArray[numpy.float64], bin_width: typing.SupportsFloat | typing.SupportsIndex, n_bins: typing.SupportsInt | typing.SupportsIndex) -> numpy.typing.NDArray[numpy.int64]:
    """
    Lag counts (n_bins,) of two sorted trains by neuro_py's rule.
    """
def find_bad_spike(times: numpy.typing.NDArray[numpy.float64], offsets: numpy.typing.NDArray[numpy.int64], n_threads: typing.SupportsInt | typing.SupportsIndex) -> tuple[str, int, int] | None:
    """
    None, or (fault, unit, index) of the first spike that is not finite or out of order.
    """
def jitter_spikes(times: numpy.typing.NDArray[numpy.float64], offsets: numpy.typing.NDArray[numpy.int64], support: numpy.typing.NDArray[numpy.float64], width: typing.SupportsFloat | typing.SupportsIndex, seed: typing.SupportsInt | typing.SupportsIndex, draw: typing.SupportsInt | typing.SupportsIndex, n_threads: typing.SupportsInt | typing.SupportsIndex) -> numpy.typing.NDArray[numpy.float64]:
    """
    Times of spikes moved by up to width, reflected in their epoch.
    """
def network_backward_f32(plan: NetworkPlan, theta: numpy.typing.NDArray[numpy.float32], drive: numpy.typing.NDArray[numpy.float32], state: numpy.typing.NDArray[numpy.float32], noise: numpy.typing.NDArray[numpy.float32] | None, spike: collections.abc.Sequence[str], scale: collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex], n_steps: typing.SupportsInt | typing.SupportsIndex, first_step: typing.SupportsInt | typing.SupportsIndex, seed: typing.SupportsInt | typing.SupportsIndex | None, tape: numpy.typing.NDArray[numpy.float32], checkpoint: typing.SupportsInt | typing.SupportsIndex, counts_adjoint: numpy.typing.NDArray[numpy.float32] | None, state_adjoint: numpy.typing.NDArray[numpy.float32] | None, spikes_adjoint: numpy.typing.NDArray[numpy.float32] | None, voltages_adjoint: numpy.typing.NDArray[numpy.float32] | None, isa: str, n_threads: typing.SupportsInt | typing.SupportsIndex) -> tuple[numpy.typing.NDArray[numpy.float32], numpy.typing.NDArray[numpy.float32], numpy.typing.NDArray[numpy.float32]]:
    """
    Derivatives with respect to (theta, drive, state).
    """
def network_backward_f64(plan: NetworkPlan, theta: numpy.typing.NDArray[numpy.float64], drive: numpy.typing.NDArray[numpy.float64], state: numpy.typing.NDArray[numpy.float64], noise: numpy.typing.NDArray[numpy.float64] | None, spike: collections.abc.Sequence[str], scale: collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex], n_steps: typing.SupportsInt | typing.SupportsIndex, first_step: typing.SupportsInt | typing.SupportsIndex, seed: typing.SupportsInt | typing.SupportsIndex | None, tape: numpy.typing.NDArray[numpy.float64], checkpoint: typing.SupportsInt | typing.SupportsIndex, counts_adjoint: numpy.typing.NDArray[numpy.float64] | None, state_adjoint: numpy.typing.NDArray[numpy.float64] | None, spikes_adjoint: numpy.typing.NDArray[numpy.float64] | None, voltages_adjoint: numpy.typing.NDArray[numpy.float64] | None, isa: str, n_threads: typing.SupportsInt | typing.SupportsIndex) -> tuple[numpy.typing.NDArray[numpy.float64], numpy.typing.NDArray[numpy.float64], numpy.typing.NDArray[numpy.float64]]:
    """
    Derivatives with respect to (theta, drive, state).
    """
def network_forward_f32(plan: NetworkPlan, theta: numpy.typing.NDArray[numpy.float32], drive: numpy.typing.NDArray[numpy.float32], state: numpy.typing.NDArray[numpy.float32], noise: numpy.typing.NDArray[numpy.float32] | None, spike: collections.abc.Sequence[str], scale: collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex], n_steps: typing.SupportsInt | typing.SupportsIndex, first_step: typing.SupportsInt | typing.SupportsIndex, seed: typing.SupportsInt | typing.SupportsIndex | None, keep_tape: bool, checkpoint: typing.SupportsInt | typing.SupportsIndex, record_spikes: bool, record_voltages: bool, isa: str, n_threads: typing.SupportsInt | typing.SupportsIndex) -> tuple[numpy.typing.NDArray[numpy.float32], numpy.typing.NDArray[numpy.float32], numpy.typing.NDArray[numpy.float32], numpy.typing.NDArray[numpy.float32], numpy.typing.NDArray[numpy.float32]]:
    """
    (counts, state, spikes, voltages, tape) of a whole simulation.
    """
def network_forward_f64(plan: NetworkPlan, theta: numpy.typing.NDArray[numpy.float64], drive: numpy.typing.NDArray[numpy.float64], state: numpy.typing.NDArray[numpy.float64], noise: numpy.typing.NDArray[numpy.float64] | None, spike: collections.abc.Sequence[str], scale: collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex], n_steps: typing.SupportsInt | typing.SupportsIndex, first_step: typing.SupportsInt | typing.SupportsIndex, seed: typing.SupportsInt | typing.SupportsIndex | None, keep_tape: bool, checkpoint: typing.SupportsInt | typing.SupportsIndex, record_spikes: bool, record_voltages: bool, isa: str, n_threads: typing.SupportsInt | typing.SupportsIndex) -> tuple[numpy.typing.NDArray[numpy.float64], numpy.typing.NDArray[numpy.float64], numpy.typing.NDArray[numpy.float64], numpy.typing.NDArray[numpy.float64], numpy.typing.NDArray[numpy.float64]]:
    """
    (counts, state, spikes, voltages, tape) of a whole simulation.
    """
def network_isa_runs(isa: str) -> bool:
    """
    Whether this build and processor have an instruction set.
    """
def network_noise(plan: NetworkPlan, seed: typing.SupportsInt | typing.SupportsIndex, batch: typing.SupportsInt | typing.SupportsIndex, first_step: typing.SupportsInt | typing.SupportsIndex, n_steps: typing.SupportsInt | typing.SupportsIndex, n_threads: typing.SupportsInt | typing.SupportsIndex) -> numpy.typing.NDArray[numpy.float32]:
    """
    The standard normals (batch, steps, sites) that a seed stands for.
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
def rolled_grams(values: numpy.typing.NDArray[numpy.float64], offsets: numpy.typing.NDArray[numpy.int64], bins: numpy.typing.NDArray[numpy.int64], n_bins: typing.SupportsInt | typing.SupportsIndex, shifts: numpy.typing.NDArray[numpy.int64], n_threads: typing.SupportsInt | typing.SupportsIndex) -> numpy.typing.NDArray[numpy.float64]:
    """
    Gram matrices (draws, rows, rows) of sparse rows, each row rolled right by its shift.
    """
def rotate_rows_u16(values: numpy.typing.NDArray[numpy.uint16], seed: typing.SupportsInt | typing.SupportsIndex, draw: typing.SupportsInt | typing.SupportsIndex, n_threads: typing.SupportsInt | typing.SupportsIndex) -> numpy.typing.NDArray[numpy.uint16]:
    """
    Each row rolled to the right by a uniform number of columns.
    """
def rotate_rows_u32(values: numpy.typing.NDArray[numpy.uint32], seed: typing.SupportsInt | typing.SupportsIndex, draw: typing.SupportsInt | typing.SupportsIndex, n_threads: typing.SupportsInt | typing.SupportsIndex) -> numpy.typing.NDArray[numpy.uint32]:
    """
    Each row rolled to the right by a uniform number of columns.
    """
def rotate_rows_u64(values: numpy.typing.NDArray[numpy.uint64], seed: typing.SupportsInt | typing.SupportsIndex, draw: typing.SupportsInt | typing.SupportsIndex, n_threads: typing.SupportsInt | typing.SupportsIndex) -> numpy.typing.NDArray[numpy.uint64]:
    """
    Each row rolled to the right by a uniform number of columns.
    """
def rotate_rows_u8(values: numpy.typing.NDArray[numpy.uint8], seed: typing.SupportsInt | typing.SupportsIndex, draw: typing.SupportsInt | typing.SupportsIndex, n_threads: typing.SupportsInt | typing.SupportsIndex) -> numpy.typing.NDArray[numpy.uint8]:
    """
    Each row rolled to the right by a uniform number of columns.
    """
def rotate_spikes(times: numpy.typing.NDArray[numpy.float64], offsets: numpy.typing.NDArray[numpy.int64], support: numpy.typing.NDArray[numpy.float64], within_epochs: bool, seed: typing.SupportsInt | typing.SupportsIndex, draw: typing.SupportsInt | typing.SupportsIndex, n_threads: typing.SupportsInt | typing.SupportsIndex) -> numpy.typing.NDArray[numpy.float64]:
    """
    Times of spikes rotated along the support.
    """
def scatter_spikes(times: numpy.typing.NDArray[numpy.float64], offsets: numpy.typing.NDArray[numpy.int64], support: numpy.typing.NDArray[numpy.float64], seed: typing.SupportsInt | typing.SupportsIndex, draw: typing.SupportsInt | typing.SupportsIndex, n_threads: typing.SupportsInt | typing.SupportsIndex) -> numpy.typing.NDArray[numpy.float64]:
    """
    As many spike times, uniform on the support.
    """
def shuffle_isis(times: numpy.typing.NDArray[numpy.float64], offsets: numpy.typing.NDArray[numpy.int64], support: numpy.typing.NDArray[numpy.float64], seed: typing.SupportsInt | typing.SupportsIndex, draw: typing.SupportsInt | typing.SupportsIndex, n_threads: typing.SupportsInt | typing.SupportsIndex) -> numpy.typing.NDArray[numpy.float64]:
    """
    Times of spikes with the intervals between them permuted in each epoch.
    """
def shuffle_rows_u16(values: numpy.typing.NDArray[numpy.uint16], seed: typing.SupportsInt | typing.SupportsIndex, draw: typing.SupportsInt | typing.SupportsIndex, n_threads: typing.SupportsInt | typing.SupportsIndex) -> numpy.typing.NDArray[numpy.uint16]:
    """
    Each row permuted independently; elements are copied as they are.
    """
def shuffle_rows_u32(values: numpy.typing.NDArray[numpy.uint32], seed: typing.SupportsInt | typing.SupportsIndex, draw: typing.SupportsInt | typing.SupportsIndex, n_threads: typing.SupportsInt | typing.SupportsIndex) -> numpy.typing.NDArray[numpy.uint32]:
    """
    Each row permuted independently; elements are copied as they are.
    """
def shuffle_rows_u64(values: numpy.typing.NDArray[numpy.uint64], seed: typing.SupportsInt | typing.SupportsIndex, draw: typing.SupportsInt | typing.SupportsIndex, n_threads: typing.SupportsInt | typing.SupportsIndex) -> numpy.typing.NDArray[numpy.uint64]:
    """
    Each row permuted independently; elements are copied as they are.
    """
def shuffle_rows_u8(values: numpy.typing.NDArray[numpy.uint8], seed: typing.SupportsInt | typing.SupportsIndex, draw: typing.SupportsInt | typing.SupportsIndex, n_threads: typing.SupportsInt | typing.SupportsIndex) -> numpy.typing.NDArray[numpy.uint8]:
    """
    Each row permuted independently; elements are copied as they are.
    """
def shuffled_coactivity(n_active: numpy.typing.NDArray[numpy.int64], n_frames: typing.SupportsInt | typing.SupportsIndex, seed: typing.SupportsInt | typing.SupportsIndex, n_shuffles: typing.SupportsInt | typing.SupportsIndex, n_threads: typing.SupportsInt | typing.SupportsIndex) -> numpy.typing.NDArray[numpy.int64]:
    """
    Histogram (units + 1,) of the number of units active in a frame, over all shuffles.
    """
def shuffled_grams(values: numpy.typing.NDArray[numpy.float64], offsets: numpy.typing.NDArray[numpy.int64], n_bins: typing.SupportsInt | typing.SupportsIndex, seed: typing.SupportsInt | typing.SupportsIndex, first_draw: typing.SupportsInt | typing.SupportsIndex, n_draws: typing.SupportsInt | typing.SupportsIndex, n_threads: typing.SupportsInt | typing.SupportsIndex) -> numpy.typing.NDArray[numpy.float64]:
    """
    Gram matrices (draws, rows, rows) of sparse rows, each row permuted over the bins.
    """
def skew_bias(times: numpy.typing.NDArray[numpy.float64], offsets: numpy.typing.NDArray[numpy.int64], units: numpy.typing.NDArray[numpy.int64], n_units: typing.SupportsInt | typing.SupportsIndex, n_threads: typing.SupportsInt | typing.SupportsIndex) -> numpy.typing.NDArray[numpy.float64]:
    """
    Skew-bias matrix (events, units, units) of the sorted spikes of each event.
    """
def smooth_rows(x: numpy.typing.NDArray[numpy.float64], axis: tuple[numpy.typing.NDArray[numpy.float64], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.float64], int], n_threads: typing.SupportsInt | typing.SupportsIndex) -> numpy.typing.NDArray[numpy.float64]:
    """
    Rows convolved with a kernel on an axis with gaps.
    """
def sttc_counts(times: numpy.typing.NDArray[numpy.float64], offsets: numpy.typing.NDArray[numpy.int64], epochs: numpy.typing.NDArray[numpy.float64], dt: typing.SupportsFloat | typing.SupportsIndex, n_threads: typing.SupportsInt | typing.SupportsIndex) -> tuple[numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.float64]]:
    """
    (counts, tiled): spikes of i within dt of a spike of j in the same epoch (units, units), and the time that the tiles of each unit cover.
    """
def sttc_raster_counts(raster: numpy.typing.NDArray[numpy.bool], dt_frames: typing.SupportsInt | typing.SupportsIndex, transposed: bool, n_threads: typing.SupportsInt | typing.SupportsIndex) -> tuple[numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64]]:
    """
    (counts, active, tiled): active frames of i at most dt_frames from one of j (units, units), active frames of each unit, frames at most dt_frames from one of them. `transposed` chooses the way of counting, not the result.
    """
def sum_products_i32(counts: numpy.typing.NDArray[numpy.int32], n_threads: typing.SupportsInt | typing.SupportsIndex) -> numpy.typing.NDArray[numpy.int64]:
    """
    Sums over bins of the products of two units' counts (units, units).
    """
def sum_products_u8(counts: numpy.typing.NDArray[numpy.uint8], n_threads: typing.SupportsInt | typing.SupportsIndex) -> numpy.typing.NDArray[numpy.int64]:
    """
    Sums over bins of the products of two units' counts (units, units).
    """
def zscore_rows_f32(x: numpy.typing.NDArray[numpy.float64], ddof: typing.SupportsInt | typing.SupportsIndex, n_threads: typing.SupportsInt | typing.SupportsIndex) -> numpy.typing.NDArray[numpy.float32]:
    """
    z-scores of each row; constant rows and rows with NaN give 0.
    """
def zscore_rows_f64(x: numpy.typing.NDArray[numpy.float64], ddof: typing.SupportsInt | typing.SupportsIndex, n_threads: typing.SupportsInt | typing.SupportsIndex) -> numpy.typing.NDArray[numpy.float64]:
    """
    z-scores of each row; constant rows and rows with NaN give 0.
    """
def zscore_spikes_f32(times: numpy.typing.NDArray[numpy.float64], offsets: numpy.typing.NDArray[numpy.int64], starts: numpy.typing.NDArray[numpy.float64], stops: numpy.typing.NDArray[numpy.float64], steps: numpy.typing.NDArray[numpy.float64], bin_offsets: numpy.typing.NDArray[numpy.int64], axis: tuple[numpy.typing.NDArray[numpy.float64], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.float64], int], ddof: typing.SupportsInt | typing.SupportsIndex, n_threads: typing.SupportsInt | typing.SupportsIndex) -> numpy.typing.NDArray[numpy.float32]:
    """
    z-scores (units, bins) of smoothed spike counts.
    """
def zscore_spikes_f64(times: numpy.typing.NDArray[numpy.float64], offsets: numpy.typing.NDArray[numpy.int64], starts: numpy.typing.NDArray[numpy.float64], stops: numpy.typing.NDArray[numpy.float64], steps: numpy.typing.NDArray[numpy.float64], bin_offsets: numpy.typing.NDArray[numpy.int64], axis: tuple[numpy.typing.NDArray[numpy.float64], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.float64], int], ddof: typing.SupportsInt | typing.SupportsIndex, n_threads: typing.SupportsInt | typing.SupportsIndex) -> numpy.typing.NDArray[numpy.float64]:
    """
    z-scores (units, bins) of smoothed spike counts.
    """
__version__: str = '0.1.0'
