#include "cofire/zscore.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "cofire/simd.hpp"

namespace cofire {

namespace {

constexpr index_t tile_positions = 2048;

// A row whose deviation is this small against its mean is constant but for rounding.
constexpr double constant_below = 1e-13;

constexpr std::size_t lanes = 8;

struct Moments {
  double sum = 0.0;
  double squares = 0.0;
};

// Sums of x - shift and of its square; in lanes, so that it vectorizes with a fixed order.
COFIRE_CLONES Moments moments(const double* x, index_t n, double shift) {
  std::array<double, lanes> sum{};
  std::array<double, lanes> squares{};
  const auto size = static_cast<std::size_t>(n);
  std::size_t t = 0;
  for (; t + lanes <= size; t += lanes) {
    for (std::size_t l = 0; l < lanes; ++l) {
      const double d = x[t + l] - shift;
      sum[l] += d;
      squares[l] += d * d;
    }
  }
  Moments total;
  for (; t < size; ++t) {
    const double d = x[t] - shift;
    total.sum += d;
    total.squares += d * d;
  }
  for (std::size_t l = 0; l < lanes; ++l) {
    total.sum += sum[l];
    total.squares += squares[l];
  }
  return total;
}

// Sums of integers have no order, so they vectorize as they are.
COFIRE_CLONES Moments moments(std::span<const std::int32_t> counts) {
  std::int64_t sum = 0;
  std::int64_t squares = 0;
  for (const std::int64_t count : counts) {
    sum += count;
    squares += count * count;
  }
  return {static_cast<double>(sum), static_cast<double>(squares)};
}

// From the moments about `shift`.
RowScale scale_from(Moments about, double shift, index_t n, index_t ddof) {
  if (n <= ddof) return {};
  const auto count = static_cast<double>(n);
  const double mean = shift + about.sum / count;
  const double deviations = about.squares - about.sum * about.sum / count;
  const double sd = std::sqrt(std::max(deviations, 0.0) / static_cast<double>(n - ddof));
  // NaN fails the comparison: such a row counts as constant.
  return sd > constant_below * std::abs(mean) ? RowScale{mean, 1.0 / sd} : RowScale{mean, 0.0};
}

template <typename T>
COFIRE_INLINE void standardize_row(const double* x, RowScale row, index_t n, T* out) {
  for (index_t t = 0; t < n; ++t) out[t] = static_cast<T>((x[t] - row.mean) * row.scale);
}

// Fills the row with the z of an empty bin a piece at a time and patches the occupied bins while
// the piece is in L1.
template <typename T>
COFIRE_INLINE void write_counts(const PlacedUnit::List& occupied, RowScale row, index_t n_bins,
                                T* COFIRE_RESTRICT out) {
  constexpr index_t piece = 16384 / static_cast<index_t>(sizeof(T));
  const T silent = static_cast<T>(row.z(0.0));
  const auto n = static_cast<index_t>(occupied.positions.size());
  const std::int32_t* const positions = occupied.positions.data();
  const std::int32_t* const counts = occupied.counts.data();
  index_t i = 0;
  for (index_t begin = 0; begin < n_bins; begin += piece) {
    const index_t end = std::min(begin + piece, n_bins);
    for (index_t t = begin; t < end; ++t) out[t] = silent;
    for (; i < n && positions[i] < end; ++i) out[positions[i]] = static_cast<T>(row.z(counts[i]));
  }
}

COFIRE_CLONES void write_row(const PlacedUnit::List& occupied, RowScale row, index_t n,
                             float* out) {
  write_counts<float>(occupied, row, n, out);
}

COFIRE_CLONES void write_row(const PlacedUnit::List& occupied, RowScale row, index_t n,
                             double* out) {
  write_counts<double>(occupied, row, n, out);
}

template <typename T>
void write_smoothed(const PlacedUnit& unit, const SmoothingAxis& axis, RowScale row,
                    std::span<T> out) {
  Smoother smoother(axis);
  const index_t tile = smoother.tile_size(tile_positions);
  std::vector<double> x(static_cast<std::size_t>(tile));
  const T silent = static_cast<T>(row.z(0.0));
  Cursor cursor = smoother.seek(unit, 0);
  for (index_t begin = 0; begin < axis.length; begin += tile) {
    const TilePlan plan(axis, begin, std::min(axis.length, begin + tile));
    T* const to = out.data() + plan.first_bin;
    if (smoother.smooth(unit, plan, cursor, x.data())) {
      standardize(x.data(), row, plan.n_bins, to);
    } else {
      std::fill(to, to + plan.n_bins, silent);
    }
  }
}

}  // namespace

COFIRE_CLONES void standardize(const double* x, RowScale row, index_t n, double* out) {
  standardize_row<double>(x, row, n, out);
}

COFIRE_CLONES void standardize(const double* x, RowScale row, index_t n, float* out) {
  standardize_row<float>(x, row, n, out);
}

RowScale scale_of_counts(const PlacedUnit& unit, index_t n_bins, index_t ddof) {
  return scale_from(moments(unit.bins().counts), 0.0, n_bins, ddof);
}

RowScale scale_of_smoothed(const PlacedUnit& unit, const SmoothingAxis& axis, index_t ddof) {
  const index_t n_bins = axis.n_bins();
  if (n_bins == 0) return {};
  Smoother smoother(axis);
  const index_t tile = smoother.tile_size(tile_positions);
  std::vector<double> x(static_cast<std::size_t>(tile));
  // Close to the mean, so that subtracting the squared sum loses no digits.
  const double shift = static_cast<double>(unit.n_spikes()) / static_cast<double>(n_bins);
  Moments about;
  Cursor cursor = smoother.seek(unit, 0);
  for (index_t begin = 0; begin < axis.length; begin += tile) {
    const TilePlan plan(axis, begin, std::min(axis.length, begin + tile));
    Moments here{-shift * static_cast<double>(plan.n_bins),
                 shift * shift * static_cast<double>(plan.n_bins)};
    if (smoother.smooth(unit, plan, cursor, x.data())) {
      here = moments(x.data(), plan.n_bins, shift);
    }
    about.sum += here.sum;
    about.squares += here.squares;
  }
  return scale_from(about, shift, n_bins, ddof);
}

template <typename T>
void zscore_spikes(const SpikeView& spikes, const BinGrid& grid, const SmoothingAxis& axis,
                   index_t ddof, const Control& control, MatrixView<T> out) {
  parallel_for(spikes.n_rows(), control, [&](index_t i) {
    const PlacedUnit unit(spikes.row(i), grid, axis);
    if (axis.radius() == 0) {
      write_row(unit.bins(), scale_of_counts(unit, axis.n_bins(), ddof), axis.n_bins(),
                out.row(i).data());
    } else {
      write_smoothed<T>(unit, axis, scale_of_smoothed(unit, axis, ddof), out.row(i));
    }
  });
}

template <typename T>
void zscore_rows(const MatrixView<const double>& x, index_t ddof, const Control& control,
                 MatrixView<T> out) {
  const index_t n = x.n_cols();
  if (n == 0) return;
  parallel_for(x.n_rows(), control, [&](index_t i) {
    const double* row = x.row(i).data();
    const double mean = row[0] + moments(row, n, row[0]).sum / static_cast<double>(n);
    const RowScale scale = scale_from(moments(row, n, mean), mean, n, ddof);
    const auto to = out.row(i);
    if (scale.scale == 0.0) {
      std::fill(to.begin(), to.end(), T{0});
    } else {
      standardize(row, scale, n, to.data());
    }
  });
}

template void zscore_spikes<float>(const SpikeView&, const BinGrid&, const SmoothingAxis&, index_t,
                                   const Control&, MatrixView<float>);
template void zscore_spikes<double>(const SpikeView&, const BinGrid&, const SmoothingAxis&, index_t,
                                    const Control&, MatrixView<double>);
template void zscore_rows<float>(const MatrixView<const double>&, index_t, const Control&,
                                 MatrixView<float>);
template void zscore_rows<double>(const MatrixView<const double>&, index_t, const Control&,
                                  MatrixView<double>);

}  // namespace cofire
