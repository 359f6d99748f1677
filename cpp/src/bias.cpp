#include "cofire/bias.hpp"

#include <algorithm>
#include <vector>

namespace cofire {

namespace {

// Entry (j, i), i < j, of `order`: number of pairs with a spike of unit i at or before one of j.
void count_order(std::span<const double> times, std::span<const std::int64_t> units,
                 index_t n_units, std::span<std::int64_t> n_spikes, std::span<std::int64_t> order) {
  for (std::size_t begin = 0; begin < times.size();) {
    std::size_t end = begin + 1;
    while (end < times.size() && times[end] == times[begin]) ++end;
    for (auto s = begin; s < end; ++s) ++n_spikes[static_cast<std::size_t>(units[s])];
    for (auto s = begin; s < end; ++s) {
      const auto row = order.subspan(static_cast<std::size_t>(units[s] * n_units));
      for (std::size_t i = 0; i < static_cast<std::size_t>(units[s]); ++i) row[i] += n_spikes[i];
    }
    begin = end;
  }
}

}  // namespace

void skew_bias(const RaggedView<double>& times, std::span<const std::int64_t> units,
               index_t n_units, const Control& control, std::span<double> bias) {
  const auto n = static_cast<std::size_t>(n_units);
  constexpr index_t kBlock = 64;
  parallel_blocks(times.n_rows(), kBlock, control, [&](index_t from, index_t to) {
    std::vector<std::int64_t> n_spikes(n);
    std::vector<std::int64_t> order(n * n);
    for (index_t e = from; e < to; ++e) {
      std::fill(n_spikes.begin(), n_spikes.end(), 0);
      std::fill(order.begin(), order.end(), 0);
      const auto begin = static_cast<std::size_t>(times.offsets()[static_cast<std::size_t>(e)]);
      const auto row = times.row(e);
      count_order(row, units.subspan(begin, row.size()), n_units, n_spikes, order);
      const auto out = bias.subspan(static_cast<std::size_t>(e) * n * n, n * n);
      for (std::size_t j = 0; j < n; ++j) {
        out[j * n + j] = 0.0;
        for (std::size_t i = 0; i < j; ++i) {
          const double n_pairs =
              static_cast<double>(n_spikes[i]) * static_cast<double>(n_spikes[j]);
          const double value =
              n_pairs > 0.0 ? 2.0 * static_cast<double>(order[j * n + i]) / n_pairs - 1.0 : 0.0;
          out[i * n + j] = value;
          out[j * n + i] = -value;
        }
      }
    }
  });
}

}  // namespace cofire
