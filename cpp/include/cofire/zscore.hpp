// z-scores of binned spikes without a matrix of counts.
#pragma once

#include <vector>

#include "cofire/smoothing.hpp"

namespace cofire {

// z = (x - mean) * scale; a constant row has scale 0, hence z = 0.
struct RowScale {
  double mean = 0.0;
  double scale = 0.0;

  [[nodiscard]] double z(double x) const noexcept { return (x - mean) * scale; }
};

// Mean and 1 / standard deviation (divisor n_bins - ddof) of a unit's counts, from its occupied
// bins.
[[nodiscard]] RowScale scale_of_counts(const PlacedUnit& unit, index_t n_bins, index_t ddof);

// The same for its smoothed counts.
[[nodiscard]] RowScale scale_of_smoothed(const PlacedUnit& unit, const SmoothingAxis& axis,
                                         index_t ddof);

// Sets out (units, bins) to the z-scored, smoothed counts.
template <typename T>
void zscore_spikes(const SpikeView& spikes, const BinGrid& grid, const SmoothingAxis& axis,
                   index_t ddof, const Control& control, MatrixView<T> out);

// Sets out to the z-scored rows of x. Constant rows and rows that hold NaN give 0.
template <typename T>
void zscore_rows(const MatrixView<const double>& x, index_t ddof, const Control& control,
                 MatrixView<T> out);

// z = out of x, n values.
void standardize(const double* x, RowScale row, index_t n, double* out);
void standardize(const double* x, RowScale row, index_t n, float* out);

}  // namespace cofire
