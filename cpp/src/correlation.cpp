#include "cofire/correlation.hpp"

#include <algorithm>
#include <vector>

namespace cofire {

namespace {

// Bins handled at once: the lists of their active units stay in the cache.
constexpr index_t chunk_bins = 4096;

struct Entry {
  std::int32_t unit;
  std::int32_t count;
};

// Nonzero counts of a chunk of bins, twice: by unit (bin and count), and by bin (unit and count,
// units in order).
class ActiveLists {
 public:
  explicit ActiveLists(index_t n_units) : unit_ends_(static_cast<std::size_t>(n_units) + 1) {}

  struct Event {
    std::int32_t bin;
    std::int32_t count;
  };

  template <typename T>
  void fill(const MatrixView<const T>& counts, index_t first_bin, index_t n_bins) {
    events_.clear();
    bin_ends_.assign(static_cast<std::size_t>(n_bins) + 1, 0);
    for (index_t i = 0; i < counts.n_rows(); ++i) {
      const T* const row = counts.row(i).data() + first_bin;
      for (index_t bin = 0; bin < n_bins; ++bin) {
        if (row[bin] == 0) continue;
        events_.push_back({static_cast<std::int32_t>(bin), static_cast<std::int32_t>(row[bin])});
        ++bin_ends_[static_cast<std::size_t>(bin) + 1];
      }
      unit_ends_[static_cast<std::size_t>(i) + 1] = events_.size();
    }
    for (std::size_t b = 1; b < bin_ends_.size(); ++b) bin_ends_[b] += bin_ends_[b - 1];
    begins_.assign(bin_ends_.begin(), bin_ends_.end() - 1);
    entries_.resize(events_.size());
    ranks_.resize(events_.size());
    for (std::size_t i = 0; i + 1 < unit_ends_.size(); ++i) {
      for (std::size_t k = unit_ends_[i]; k < unit_ends_[i + 1]; ++k) {
        const std::uint32_t to = begins_[static_cast<std::size_t>(events_[k].bin)]++;
        entries_[to] = {static_cast<std::int32_t>(i), events_[k].count};
        ranks_[k] = to;
      }
    }
  }

  // out[j] += products of unit i with the units j >= i.
  void add_products(index_t i, std::span<std::int64_t> out) const {
    const auto unit = static_cast<std::size_t>(i);
    for (std::size_t k = unit_ends_[unit]; k < unit_ends_[unit + 1]; ++k) {
      const std::int64_t count = events_[k].count;
      const Entry* const end =
          entries_.data() + bin_ends_[static_cast<std::size_t>(events_[k].bin) + 1];
      for (const Entry* e = entries_.data() + ranks_[k]; e != end; ++e) {
        out[static_cast<std::size_t>(e->unit)] += count * e->count;
      }
    }
  }

 private:
  std::vector<Event> events_;
  std::vector<std::size_t> unit_ends_;
  std::vector<std::uint32_t> bin_ends_;
  std::vector<std::uint32_t> begins_;
  std::vector<Entry> entries_;
  std::vector<std::uint32_t> ranks_;  // where an event of a unit is among the entries
};

}  // namespace

template <typename T>
void sum_products(const MatrixView<const T>& counts, const Control& control,
                  MatrixView<std::int64_t> products) {
  const index_t n = counts.n_rows();
  std::fill_n(products.data(), n * n, 0);
  ActiveLists lists(n);
  for (index_t first = 0; first < counts.n_cols(); first += chunk_bins) {
    lists.fill(counts, first, std::min(chunk_bins, counts.n_cols() - first));
    parallel_for(n, control, [&](index_t i) { lists.add_products(i, products.row(i)); });
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
