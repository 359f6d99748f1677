#include "cofire/correlogram.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <memory>
#include <stdexcept>
#include <utility>
#include <vector>

#include "cofire/large_pages.hpp"
#include "cofire/time_order.hpp"

namespace cofire {

namespace {

// Bin of a lag in [edge(-half), edge(half + 1)]: guess, then correct against the exact edges.
[[nodiscard]] index_t bin_of(double lag, const LagBins& bins, double bins_per_second) {
  auto k = static_cast<index_t>(lag * bins_per_second + 0.5);
  while (lag < bins.edge(k)) --k;
  while (lag >= bins.edge(k + 1)) ++k;
  return k;
}

// A spike in the form that the counting loop reads.
//
// Its time is also kept as a fixed-point number in units of 2^-fraction_bits bins, modulo 2^32, so
// that lag and bin are a subtraction and a shift. Rounding both ends moves a lag by little more
// than one unit; only lags that near to an edge need the exact comparison.
struct Entry {
  double time;
  std::uint32_t ticks;
  std::uint32_t column;  // unit * stride: where its histogram starts
};

struct LagList {
  std::unique_ptr<Entry[]> entries;          // ordered by time
  std::unique_ptr<std::uint32_t[]> n_ahead;  // number of later spikes with lag <= edge(half + 1)
  std::unique_ptr<std::uint32_t[]> places;   // list position of each spike, unit after unit
  unsigned fraction_bits;
  std::uint32_t stride;
};

constexpr std::uint32_t kNearEdge = 2;

// First and last time of all trains.
std::pair<double, double> time_span(const SpikeView& spikes) {
  double first = std::numeric_limits<double>::infinity();
  double last = -first;
  for (index_t u = 0; u < spikes.n_rows(); ++u) {
    const auto train = spikes.row(u);
    if (train.empty()) continue;
    first = std::min(first, train.front());
    last = std::max(last, train.back());
  }
  return {first, last};
}

LagList make_list(const SpikeView& spikes, const LagBins& bins, const Control& control) {
  const auto n = spikes.values().size();
  const double stride = static_cast<double>(bins.half) + 2.0;
  const double table = stride * static_cast<double>(std::max<index_t>(spikes.n_rows(), 1));
  constexpr double kLimit = 0x1.0p32;
  if (static_cast<double>(n) >= kLimit || table >= kLimit || stride >= 0x1.0p29) {
    throw std::invalid_argument("too many spikes, units or bins for one correlogram");
  }
  const auto [first, last] = time_span(spikes);
  const double n_span_bins = n > 0 ? (last - first) / bins.width : 0.0;
  if (!(n_span_bins < 0x1.0p46)) {
    throw std::invalid_argument("bin_width is too small for the time between the spikes");
  }
  LagList list;
  list.stride = static_cast<std::uint32_t>(bins.half + 2);
  // All lags fit into 32 bits, and the rounding error of a time stays far below one unit.
  const auto span_bits = static_cast<int>(std::bit_width(static_cast<std::uint64_t>(n_span_bins)));
  const auto stride_bits = static_cast<int>(std::bit_width(list.stride));
  const int fraction_bits = std::min({20, 31 - stride_bits, 48 - span_bits});
  list.fraction_bits = static_cast<unsigned>(fraction_bits);
  list.entries = make_in_large_pages<Entry>(n);
  list.n_ahead = make_in_large_pages<std::uint32_t>(n);
  list.places = make_in_large_pages<std::uint32_t>(n);

  const double unit_per_second = std::ldexp(1.0 / bins.width, fraction_bits);
  const double origin = first;
  visit_time_order(spikes, control, [&](index_t from, std::span<const OrderedSpike> slice) {
    auto place = static_cast<std::uint32_t>(from);
    for (const auto& [time, unit, source] : slice) {
      const auto ticks = static_cast<std::int64_t>((time - origin) * unit_per_second + 0.5);
      list.entries[place] = {time, static_cast<std::uint32_t>(ticks),
                             static_cast<std::uint32_t>(unit) * list.stride};
      list.places[source] = place++;
    }
  });

  const double farthest = bins.edge(bins.half + 1);
  const std::span<const Entry> entries(list.entries.get(), n);
  constexpr index_t kBlock = 1 << 16;
  parallel_blocks(static_cast<index_t>(n), kBlock, control, [&](index_t from, index_t to) {
    auto end = static_cast<std::size_t>(from);
    for (auto k = end; k < static_cast<std::size_t>(to); ++k) {
      end = std::max(end, k + 1);
      while (end < n && entries[end].time - entries[k].time <= farthest) ++end;
      list.n_ahead[k] = static_cast<std::uint32_t>(end - k - 1);
    }
  });
  return list;
}

// Asks for a cache line early; a hint only.
inline void prefetch(const void* address) noexcept {
#if defined(__GNUC__)
  __builtin_prefetch(address);
#else
  static_cast<void>(address);
#endif
}

// Histograms of one reference unit against all units over lags >= 0.
class ForwardRow {
 public:
  ForwardRow(const LagList& list, const LagBins& bins, index_t n_units)
      : list_(list),
        bins_(bins),
        bins_per_second_(1.0 / bins.width),
        recent_(static_cast<std::size_t>(n_units) * list.stride),
        recent_on_edge_(recent_.size()),
        counts_(recent_.size()),
        on_edge_(recent_.size()) {}

  // Counts the spikes that follow those at the given list positions.
  void count_from(std::span<const std::uint32_t> places) {
    // The spikes of one unit lie far apart in the list: without asking for the next ones early,
    // half of the time is spent waiting for memory.
    constexpr std::size_t kAhead = 4;
    for (std::size_t s = 0; s < places.size(); ++s) {
      if (s + 2 * kAhead < places.size()) prefetch(&list_.n_ahead[places[s + 2 * kAhead]]);
      if (s + kAhead < places.size()) prefetch_reference(places[s + kAhead]);
      add_reference(places[s]);
    }
    flush();
  }

  // Number of lags in bin k >= 0 of unit j, and of those that equal edge(k), k >= 1.
  [[nodiscard]] std::int64_t count(index_t j, index_t k) const { return counts_[at(j, k)]; }
  [[nodiscard]] std::int64_t on_edge(index_t j, index_t k) const { return on_edge_[at(j, k)]; }

 private:
  using Counter = std::uint32_t;

  [[nodiscard]] std::size_t at(index_t j, index_t k) const noexcept {
    return static_cast<std::size_t>(j) * list_.stride + static_cast<std::size_t>(k);
  }

  void prefetch_reference(std::uint32_t p) const noexcept {
    constexpr std::uint32_t kPerLine = 64 / sizeof(Entry);
    constexpr std::uint32_t kMostLines = 16;
    const std::uint32_t n = std::min(list_.n_ahead[p], kMostLines * kPerLine);
    for (std::uint32_t k = 0; k <= n; k += kPerLine) prefetch(&list_.entries[p + k]);
  }

  void add_reference(std::uint32_t p) {
    const std::uint32_t n = list_.n_ahead[p];
    if (budget_ < n) flush();
    budget_ -= n;
    const unsigned shift = list_.fraction_bits;
    const std::uint32_t mask = (1U << shift) - 1U;
    const Entry reference = list_.entries[p];
    // Half a bin is added so that bins start at whole numbers.
    const std::uint32_t origin = reference.ticks - (1U << (shift - 1U));
    Counter* const recent = recent_.data();
    for (const Entry& later : std::span(&list_.entries[p] + 1, n)) {
      const std::uint32_t lag = later.ticks - origin;
      std::size_t cell = later.column + (lag >> shift);
      if (((lag + kNearEdge) & mask) < 2 * kNearEdge) [[unlikely]] {
        cell = settle(later.time - reference.time, later.column);
      }
      ++recent[cell];
    }
  }

  // Cell of a lag that lies within rounding of an edge.
  [[nodiscard]] std::size_t settle(double lag, std::uint32_t column) {
    const index_t bin = bin_of(lag, bins_, bins_per_second_);
    const std::size_t cell = column + static_cast<std::size_t>(bin);
    if (bin > 0 && lag == bins_.edge(bin)) ++recent_on_edge_[cell];
    return cell;
  }

  void flush() {
    const auto move_counts = [](std::vector<Counter>& from, std::vector<std::int64_t>& to) {
      for (std::size_t c = 0; c < from.size(); ++c) {
        to[c] += from[c];
        from[c] = 0;
      }
    };
    move_counts(recent_, counts_);
    move_counts(recent_on_edge_, on_edge_);
    budget_ = std::numeric_limits<Counter>::max();
  }

  const LagList& list_;
  const LagBins& bins_;
  double bins_per_second_;
  // Since the last flush, in small numbers, so that they stay in cache.
  std::vector<Counter> recent_;
  std::vector<Counter> recent_on_edge_;
  std::vector<std::int64_t> counts_;
  std::vector<std::int64_t> on_edge_;
  std::size_t budget_ = std::numeric_limits<Counter>::max();
};

}  // namespace

// A pair of spikes with lag x >= 0 is found once, at the earlier spike a, and counts in bin(x) of
// (unit a, unit b) and in bin(-x) of (unit b, unit a). The two bins mirror each other unless x lies
// exactly on an edge: [c - w/2, c + w/2) holds its lower edge only. Row i is first filled with what
// its own spikes find: the forward bins of (i, j), and in the place of the backward bins of (i, j)
// those of (j, i). A second pass exchanges these.
void correlogram(const SpikeView& spikes, const LagBins& bins, const Control& control,
                 std::span<std::int64_t> counts) {
  const index_t n_units = spikes.n_rows();
  const index_t n_bins = bins.n_bins();
  const index_t half = bins.half;
  const LagList list = make_list(spikes, bins, control);
  std::vector<std::int64_t> first_edge(static_cast<std::size_t>(n_units * n_units));
  const auto cell = [&](index_t i, index_t j) {
    return counts.data() + (i * n_units + j) * n_bins + half;
  };

  parallel_for(n_units, control, [&](index_t i) {
    ForwardRow row(list, bins, n_units);
    const auto begin = spikes.offsets()[static_cast<std::size_t>(i)];
    const auto end = spikes.offsets()[static_cast<std::size_t>(i) + 1];
    row.count_from(
        std::span(list.places.get(), spikes.values().size())
            .subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin)));
    for (index_t j = 0; j < n_units; ++j) {
      std::int64_t* const out = cell(i, j);
      out[0] = row.count(j, 0);
      for (index_t k = 1; k <= half; ++k) {
        out[k] = row.count(j, k);
        out[-k] = row.count(j, k) - row.on_edge(j, k) + row.on_edge(j, k + 1);
      }
      first_edge[static_cast<std::size_t>(i * n_units + j)] = row.on_edge(j, 1);
    }
  });
  parallel_for(n_units, control, [&](index_t i) {
    const auto edge = [&](index_t a, index_t b) {
      return first_edge[static_cast<std::size_t>(a * n_units + b)];
    };
    std::int64_t* const own = cell(i, i);
    own[0] = 2 * own[0] + edge(i, i) + static_cast<std::int64_t>(spikes.row(i).size());
    for (index_t j = i + 1; j < n_units; ++j) {
      std::int64_t* const ij = cell(i, j);
      std::int64_t* const ji = cell(j, i);
      std::swap_ranges(ij - half, ij, ji - half);
      const std::int64_t near_zero = ij[0] + ji[0];
      ij[0] = near_zero + edge(j, i);
      ji[0] = near_zero + edge(i, j);
    }
  });
}

void correlogram_pairs(const SpikeView& spikes, MatrixView<const std::int64_t> pairs,
                       const LagBins& bins, const Control& control,
                       MatrixView<std::int64_t> counts) {
  const double bins_per_second = 1.0 / bins.width;
  const double nearest = bins.edge(-bins.half);
  const double farthest = bins.edge(bins.half + 1);
  parallel_for(pairs.n_rows(), control, [&](index_t p) {
    const auto row = counts.row(p);
    std::fill(row.begin(), row.end(), std::int64_t{0});
    const auto other = spikes.row(pairs(p, 1));
    std::size_t begin = 0;
    for (const double t : spikes.row(pairs(p, 0))) {
      while (begin < other.size() && other[begin] - t < nearest) ++begin;
      for (auto b = begin; b < other.size(); ++b) {
        const double lag = other[b] - t;
        if (lag >= farthest) break;
        ++row[static_cast<std::size_t>(bin_of(lag, bins, bins_per_second) + bins.half)];
      }
    }
  });
}

void cross_corr(std::span<const double> t1, std::span<const double> t2, double width,
                std::span<std::int64_t> counts) {
  std::fill(counts.begin(), counts.end(), std::int64_t{0});
  const double half = static_cast<double>(counts.size()) / 2.0 * width;
  const auto n_bins = static_cast<double>(counts.size());
  std::size_t begin = 0;
  for (const double t : t1) {
    const double low = t - half;
    const double high = low + n_bins * width;
    while (begin < t2.size() && t2[begin] < low) ++begin;
    for (auto b = begin; b < t2.size() && t2[b] < high; ++b) {
      const double bin = (t2[b] - low) / width;
      if (bin < n_bins) ++counts[static_cast<std::size_t>(bin)];
    }
  }
}

}  // namespace cofire
