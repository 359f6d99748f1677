#include "cofire/binning.hpp"

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <string>

namespace cofire {

namespace {

// Calls visit(epoch, bin within the epoch) for each spike on the grid, in order of time.
template <typename Visit>
void for_each_binned(std::span<const double> times, const BinGrid& grid, Visit&& visit) {
  const double* spike = times.data();
  const double* const end = spike + times.size();
  for (std::size_t e = 0; e < grid.starts.size(); ++e) {
    const double start = grid.starts[e];
    const double stop = grid.stops[e];
    const double step = grid.steps[e];
    const double bins_per_second = 1.0 / step;
    const auto last_bin = static_cast<index_t>(grid.offsets[e + 1] - grid.offsets[e]) - 1;
    spike = std::lower_bound(spike, end, start);
    for (; spike != end && *spike <= stop; ++spike) {
      // Guess by multiplication, then correct against the exact edges.
      const double t = *spike;
      auto bin = std::min(static_cast<index_t>((t - start) * bins_per_second), last_bin);
      while (bin > 0 && t < static_cast<double>(bin) * step + start) --bin;
      while (bin < last_bin && t >= static_cast<double>(bin + 1) * step + start) ++bin;
      visit(e, bin);
    }
  }
}

template <typename T>
void add_one(T& count, index_t unit) {
  if constexpr (sizeof(T) < sizeof(std::int32_t)) {
    if (count == std::numeric_limits<T>::max()) {
      throw std::out_of_range("unit " + std::to_string(unit) + " has a bin with more than " +
                              std::to_string(std::numeric_limits<T>::max()) + " spikes");
    }
  }
  ++count;
}

template <typename T>
void bin_unit(std::span<const double> times, const BinGrid& grid, index_t unit, std::span<T> row) {
  // Zeroed a piece ahead of the spikes, so that they meet their bins in L1.
  constexpr index_t piece = 16384 / static_cast<index_t>(sizeof(T));
  T* const bins = row.data();
  const auto n_bins = static_cast<index_t>(row.size());
  index_t zeroed = 0;
  for_each_binned(times, grid, [&](std::size_t e, index_t bin_of_epoch) {
    const index_t bin = static_cast<index_t>(grid.offsets[e]) + bin_of_epoch;
    while (zeroed <= bin) {
      const index_t next = std::min(zeroed + piece, n_bins);
      std::fill(bins + zeroed, bins + next, T{0});
      zeroed = next;
    }
    add_one(bins[bin], unit);
  });
  std::fill(bins + zeroed, bins + n_bins, T{0});
}

}  // namespace

template <typename T>
void bin_spikes(const SpikeView& spikes, const BinGrid& grid, const Control& control,
                MatrixView<T> counts) {
  parallel_for(spikes.n_rows(), control,
               [&](index_t unit) { bin_unit<T>(spikes.row(unit), grid, unit, counts.row(unit)); });
}

template void bin_spikes<std::uint8_t>(const SpikeView&, const BinGrid&, const Control&,
                                       MatrixView<std::uint8_t>);
template void bin_spikes<std::int32_t>(const SpikeView&, const BinGrid&, const Control&,
                                       MatrixView<std::int32_t>);
template void bin_spikes<float>(const SpikeView&, const BinGrid&, const Control&,
                                MatrixView<float>);
template void bin_spikes<double>(const SpikeView&, const BinGrid&, const Control&,
                                 MatrixView<double>);

index_t occupied_bins(std::span<const double> times, const BinGrid& grid,
                      std::span<const std::int64_t> epoch_positions,
                      std::span<std::int32_t> positions, std::span<std::int32_t> counts) {
  index_t n = 0;
  std::int32_t* const position = positions.data();
  std::int32_t* const count = counts.data();
  std::int32_t last = -1;
  for_each_binned(times, grid, [&](std::size_t e, index_t bin) {
    const auto here = static_cast<std::int32_t>(epoch_positions[e] + bin);
    // A new bin and one more spike in the same bin are equally likely to the predictor, so both
    // are written without a branch.
    const bool is_new = here != last;
    n += is_new ? 1 : 0;
    position[n - 1] = here;
    count[n - 1] = is_new ? 1 : count[n - 1] + 1;
    last = here;
  });
  return n;
}

}  // namespace cofire
