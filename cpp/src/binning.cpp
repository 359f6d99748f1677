#include "cofire/binning.hpp"

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <string>

namespace cofire {

namespace {

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
  std::fill(row.begin(), row.end(), T{0});
  auto spike = times.begin();
  for (std::size_t e = 0; e < grid.starts.size(); ++e) {
    const double start = grid.starts[e];
    const double stop = grid.stops[e];
    const double step = grid.steps[e];
    const double bins_per_second = 1.0 / step;
    const index_t n_bins = static_cast<index_t>(grid.offsets[e + 1] - grid.offsets[e]);
    const auto epoch =
        row.subspan(static_cast<std::size_t>(grid.offsets[e]), static_cast<std::size_t>(n_bins));
    spike = std::lower_bound(spike, times.end(), start);
    for (; spike != times.end() && *spike <= stop; ++spike) {
      // Guess by multiplication, then correct against the exact edges.
      const double t = *spike;
      auto bin = std::min(static_cast<index_t>((t - start) * bins_per_second), n_bins - 1);
      while (bin > 0 && t < static_cast<double>(bin) * step + start) --bin;
      while (bin < n_bins - 1 && t >= static_cast<double>(bin + 1) * step + start) ++bin;
      add_one(epoch[static_cast<std::size_t>(bin)], unit);
    }
  }
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

}  // namespace cofire
