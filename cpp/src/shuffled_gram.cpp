#include "cofire/shuffled_gram.hpp"

#include <algorithm>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <utility>
#include <vector>

#include "cofire/rng.hpp"

namespace cofire {

namespace {

struct Entry {
  double value;
  std::uint32_t row;
};

// A bin for every entry, distinct within a row: the first steps of a Fisher-Yates shuffle. The
// array of bins need not be put in order between rows, any permutation is a valid start.
std::vector<std::uint32_t> choose_bins(RaggedView<double> rows, std::uint32_t n_bins,
                                       SmallIntegers& integers) {
  std::vector<std::uint32_t> order(n_bins);
  std::iota(order.begin(), order.end(), 0U);
  std::vector<std::uint32_t> bins(rows.values().size());
  std::size_t entry = 0;
  for (index_t i = 0; i < rows.n_rows(); ++i) {
    const auto n_entries = static_cast<std::uint32_t>(rows.row(i).size());
    for (std::uint32_t k = 0; k < n_entries; ++k) {
      std::swap(order[k], order[k + integers.below(n_bins - k)]);
      bins[entry++] = order[k];
    }
  }
  return bins;
}

// The bin of every entry after a roll of each row.
std::vector<std::uint32_t> roll_bins(RaggedView<double> rows, std::span<const std::int64_t> from,
                                     index_t n_bins, std::span<const std::int64_t> shifts) {
  std::vector<std::uint32_t> bins(from.size());
  std::size_t entry = 0;
  for (index_t i = 0; i < rows.n_rows(); ++i) {
    const std::int64_t shift = shifts[static_cast<std::size_t>(i)];
    for (const std::size_t end = entry + rows.row(i).size(); entry < end; ++entry) {
      const std::int64_t bin = from[entry] + shift;
      bins[entry] = static_cast<std::uint32_t>(bin < n_bins ? bin : bin - n_bins);
    }
  }
  return bins;
}

// Entries sorted by bin, by row within a bin; bin t has entries first[t] .. first[t + 1].
std::pair<std::vector<Entry>, std::vector<std::uint32_t>> group_by_bin(
    RaggedView<double> rows, std::uint32_t n_bins, const std::vector<std::uint32_t>& bins) {
  std::vector<std::uint32_t> first(std::size_t{n_bins} + 2, 0);
  for (const std::uint32_t bin : bins) ++first[std::size_t{bin} + 2];
  std::partial_sum(first.begin(), first.end(), first.begin());
  std::vector<Entry> entries(bins.size());
  std::size_t entry = 0;
  for (index_t i = 0; i < rows.n_rows(); ++i) {
    for (const double value : rows.row(i)) {
      const std::uint32_t slot = first[std::size_t{bins[entry++]} + 1]++;
      entries[slot] = {value, static_cast<std::uint32_t>(i)};
    }
  }
  return {std::move(entries), std::move(first)};
}

// Gram matrix of rows whose entries are in the given bins.
void gram_of(RaggedView<double> rows, std::uint32_t n_bins, const std::vector<std::uint32_t>& bins,
             MatrixView<double> out) {
  const auto [entries, first] = group_by_bin(rows, n_bins, bins);
  std::fill_n(out.data(), out.n_rows() * out.n_cols(), 0.0);
  for (std::size_t t = 0; t < n_bins; ++t) {
    for (std::size_t a = first[t]; a < first[t + 1]; ++a) {
      double* const row = out.row(static_cast<index_t>(entries[a].row)).data();
      const double value = entries[a].value;
      for (std::size_t b = a; b < first[t + 1]; ++b)
        row[entries[b].row] += value * entries[b].value;
    }
  }
  for (index_t i = 0; i < out.n_rows(); ++i) {
    for (index_t j = 0; j < i; ++j) out(i, j) = out(j, i);
  }
}

void check_sizes(RaggedView<double> rows, index_t n_bins) {
  constexpr auto limit = static_cast<index_t>(std::numeric_limits<std::uint32_t>::max()) - 2;
  if (n_bins < 0 || n_bins > limit || static_cast<index_t>(rows.values().size()) > limit) {
    throw std::invalid_argument("the number of bins and of entries must be below 2^32 - 2");
  }
}

// Calls fill(d, Gram matrix of draw d) for all draws that `out` has room for.
template <typename Fill>
void for_each_draw(index_t n_rows, const Control& control, MatrixView<double> out, Fill&& fill) {
  const index_t n_draws = n_rows == 0 ? 0 : out.n_rows() / n_rows;
  parallel_for(n_draws, control, [&](index_t d) {
    fill(d, MatrixView<double>(out.row(d * n_rows).data(), n_rows, n_rows));
  });
}

}  // namespace

void shuffled_grams(RaggedView<double> rows, index_t n_bins, std::uint64_t seed,
                    std::uint64_t first_draw, const Control& control, MatrixView<double> out) {
  check_sizes(rows, n_bins);
  for (index_t i = 0; i < rows.n_rows(); ++i) {
    if (static_cast<index_t>(rows.row(i).size()) > n_bins) {
      throw std::invalid_argument("a row has more entries than bins");
    }
  }
  const auto size = static_cast<std::uint32_t>(n_bins);
  for_each_draw(rows.n_rows(), control, out, [&](index_t d, MatrixView<double> gram) {
    SmallIntegers integers(seed, first_draw + static_cast<std::uint64_t>(d));
    gram_of(rows, size, choose_bins(rows, size, integers), gram);
  });
}

void rolled_grams(RaggedView<double> rows, std::span<const std::int64_t> bins, index_t n_bins,
                  MatrixView<const std::int64_t> shifts, const Control& control,
                  MatrixView<double> out) {
  check_sizes(rows, n_bins);
  const auto outside = [n_bins](std::int64_t bin) { return bin < 0 || bin >= n_bins; };
  const std::span all_shifts(shifts.data(),
                             static_cast<std::size_t>(shifts.n_rows() * shifts.n_cols()));
  if (std::ranges::any_of(bins, outside) || std::ranges::any_of(all_shifts, outside)) {
    throw std::invalid_argument("bins and shifts must be in [0, n_bins)");
  }
  for_each_draw(rows.n_rows(), control, out, [&](index_t d, MatrixView<double> gram) {
    gram_of(rows, static_cast<std::uint32_t>(n_bins), roll_bins(rows, bins, n_bins, shifts.row(d)),
            gram);
  });
}

}  // namespace cofire
