#include "cofire/correlation.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

namespace cofire {

namespace {

// Bins handled at once: the lists of their spikes stay in the cache.
constexpr index_t chunk_bins = 2048;

// Calls visit(bin) for each bin that is not 0; most words of memory hold none.
template <typename T, typename Visit>
void for_each_occupied(const T* row, index_t n_bins, Visit&& visit) {
  constexpr auto bins_per_word = static_cast<index_t>(sizeof(std::uint64_t) / sizeof(T));
  index_t bin = 0;
  for (; bin + bins_per_word <= n_bins; bin += bins_per_word) {
    std::uint64_t word = 0;
    std::memcpy(&word, row + bin, sizeof(word));
    if (word == 0) continue;
    for (index_t b = bin; b < bin + bins_per_word; ++b) {
      if (row[b] != 0) visit(b);
    }
  }
  for (; bin < n_bins; ++bin) {
    if (row[bin] != 0) visit(bin);
  }
}

// The spikes of a chunk of bins, twice: by unit (bin and count), and by bin (a unit as often as it
// fired, units in order).
class SpikeLists {
 public:
  explicit SpikeLists(index_t n_units) : unit_ends_(static_cast<std::size_t>(n_units) + 1) {}

  template <typename T>
  void fill(const MatrixView<const T>& counts, index_t first_bin, index_t n_bins) {
    events_.clear();
    bin_ends_.assign(static_cast<std::size_t>(n_bins) + 1, 0);
    for (index_t i = 0; i < counts.n_rows(); ++i) {
      const T* const row = counts.row(i).data() + first_bin;
      for_each_occupied(row, n_bins, [&](index_t bin) {
        const auto count = static_cast<std::uint32_t>(row[bin]);
        events_.push_back({static_cast<std::uint32_t>(bin), count, 0});
        bin_ends_[static_cast<std::size_t>(bin) + 1] += count;
      });
      unit_ends_[static_cast<std::size_t>(i) + 1] = events_.size();
    }
    for (std::size_t b = 1; b < bin_ends_.size(); ++b) bin_ends_[b] += bin_ends_[b - 1];
    filled_.assign(bin_ends_.begin(), bin_ends_.end() - 1);
    units_.resize(bin_ends_.back());
    for (std::size_t i = 0; i + 1 < unit_ends_.size(); ++i) {
      for (std::size_t k = unit_ends_[i]; k < unit_ends_[i + 1]; ++k) {
        Event& event = events_[k];
        event.rank = filled_[event.bin];
        filled_[event.bin] += event.count;
        std::fill_n(units_.begin() + static_cast<index_t>(event.rank), event.count,
                    static_cast<std::uint32_t>(i));
      }
    }
  }

  // out[j] += products of unit i with the units j >= i.
  void add_products(index_t i, std::int64_t* out) const {
    const auto unit = static_cast<std::size_t>(i);
    for (std::size_t k = unit_ends_[unit]; k < unit_ends_[unit + 1]; ++k) {
      const Event& event = events_[k];
      const std::int64_t count = event.count;
      const std::size_t end = bin_ends_[event.bin + 1];
      for (std::size_t e = event.rank; e < end; ++e) out[units_[e]] += count;
    }
  }

 private:
  struct Event {
    std::uint32_t bin;
    std::uint32_t count;
    std::size_t rank;  // of the unit's first spike among those of its bin's list
  };

  std::vector<Event> events_;
  std::vector<std::size_t> unit_ends_;
  std::vector<std::size_t> bin_ends_;
  std::vector<std::size_t> filled_;
  std::vector<std::uint32_t> units_;
};

}  // namespace

template <typename T>
void sum_products(const MatrixView<const T>& counts, const Control& control,
                  MatrixView<std::int64_t> products) {
  const index_t n = counts.n_rows();
  std::fill_n(products.data(), n * n, 0);
  SpikeLists lists(n);
  for (index_t first = 0; first < counts.n_cols(); first += chunk_bins) {
    lists.fill(counts, first, std::min(chunk_bins, counts.n_cols() - first));
    parallel_for(n, control, [&](index_t i) { lists.add_products(i, products.row(i).data()); });
  }
  for (index_t i = 0; i < n; ++i) {
    for (index_t j = 0; j < i; ++j) products(i, j) = products(j, i);
  }
}

template void sum_products<std::uint8_t>(const MatrixView<const std::uint8_t>&, const Control&,
                                         MatrixView<std::int64_t>);
template void sum_products<std::int32_t>(const MatrixView<const std::int32_t>&, const Control&,
                                         MatrixView<std::int64_t>);

}  // namespace cofire
