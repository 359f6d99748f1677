#include "cofire/activation.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "cofire/simd.hpp"

namespace cofire {

namespace {

// Units taken together in the inner loop: their z stays in L1 while the accumulators of all
// patterns pass by, and one load and store of an accumulator serves eight products.
constexpr index_t group = 8;
// Bins of a tile, and patterns whose accumulators are kept at once (L2).
template <typename T>
constexpr index_t tile_bins = 2048 / static_cast<index_t>(sizeof(T));
constexpr index_t max_patterns = 32;

template <typename T>
using Rows = std::array<const T*, group>;

// linear += sum_i w_i z_i and squares += sum_i (w_i z_i)^2 over one group of units.
template <typename T>
COFIRE_INLINE void accumulate(const Rows<T>& z, const T* w, index_t n, T* COFIRE_RESTRICT linear,
                              T* COFIRE_RESTRICT squares) {
  const T* z0 = z[0];
  const T* z1 = z[1];
  const T* z2 = z[2];
  const T* z3 = z[3];
  const T* z4 = z[4];
  const T* z5 = z[5];
  const T* z6 = z[6];
  const T* z7 = z[7];
  for (index_t t = 0; t < n; ++t) {
    const T p0 = w[0] * z0[t];
    const T p1 = w[1] * z1[t];
    const T p2 = w[2] * z2[t];
    const T p3 = w[3] * z3[t];
    const T p4 = w[4] * z4[t];
    const T p5 = w[5] * z5[t];
    const T p6 = w[6] * z6[t];
    const T p7 = w[7] * z7[t];
    linear[t] += ((p0 + p1) + (p2 + p3)) + ((p4 + p5) + (p6 + p7));
    squares[t] +=
        ((p0 * p0 + p1 * p1) + (p2 * p2 + p3 * p3)) + ((p4 * p4 + p5 * p5) + (p6 * p6 + p7 * p7));
  }
}

// x != x is the NaN test that vectorizes.
template <typename T>
COFIRE_INLINE void finish(const T* linear, const T* squares, T keep_squares, index_t n, T* out) {
  for (index_t t = 0; t < n; ++t) {
    const T value = linear[t] * linear[t] - keep_squares * squares[t];
    out[t] = value != value ? T{0} : value;
  }
}

COFIRE_CLONES void accumulate_group(const Rows<float>& z, const float* w, index_t n, float* linear,
                                    float* squares) {
  accumulate<float>(z, w, n, linear, squares);
}
COFIRE_CLONES void accumulate_group(const Rows<double>& z, const double* w, index_t n,
                                    double* linear, double* squares) {
  accumulate<double>(z, w, n, linear, squares);
}
COFIRE_CLONES void finish_row(const float* linear, const float* squares, float keep, index_t n,
                              float* out) {
  finish<float>(linear, squares, keep, n, out);
}
COFIRE_CLONES void finish_row(const double* linear, const double* squares, double keep, index_t n,
                              double* out) {
  finish<double>(linear, squares, keep, n, out);
}

// Patterns by group of units: weights[(g * n_patterns + k) * group + i], zero beyond the last unit.
template <typename T>
class GroupedPatterns {
 public:
  explicit GroupedPatterns(const MatrixView<const T>& patterns)
      : n_patterns_(patterns.n_rows()),
        n_units_(patterns.n_cols()),
        n_groups_((n_units_ + group - 1) / group),
        weights_(static_cast<std::size_t>(n_groups_ * n_patterns_ * group), T{0}) {
    for (index_t k = 0; k < n_patterns_; ++k) {
      for (index_t i = 0; i < n_units_; ++i) {
        const index_t at = ((i / group) * n_patterns_ + k) * group + i % group;
        weights_[static_cast<std::size_t>(at)] = patterns(k, i);
      }
    }
  }

  [[nodiscard]] index_t n_patterns() const noexcept { return n_patterns_; }
  [[nodiscard]] index_t n_units() const noexcept { return n_units_; }
  [[nodiscard]] index_t n_groups() const noexcept { return n_groups_; }
  [[nodiscard]] const T* of(index_t g, index_t k) const noexcept {
    return weights_.data() + (g * n_patterns_ + k) * group;
  }

 private:
  index_t n_patterns_;
  index_t n_units_;
  index_t n_groups_;
  std::vector<T> weights_;
};

// The activation of one tile of bins. z(i) is the tile's row of unit i, emit(k, row) takes the
// result.
template <typename T>
class Tile {
 public:
  explicit Tile(const GroupedPatterns<T>& patterns)
      : patterns_(patterns),
        zeros_(static_cast<std::size_t>(tile_bins<T>), T{0}),
        linear_(static_cast<std::size_t>(max_patterns * tile_bins<T>)),
        squares_(linear_.size()),
        result_(zeros_.size()) {}

  template <typename RowOf, typename Emit>
  void run(index_t n, bool remove_diagonal, RowOf&& row_of, Emit&& emit) {
    const T keep = remove_diagonal ? T{1} : T{0};
    for (index_t first = 0; first < patterns_.n_patterns(); first += max_patterns) {
      const index_t n_here = std::min(max_patterns, patterns_.n_patterns() - first);
      std::fill(linear_.begin(), linear_.end(), T{0});
      std::fill(squares_.begin(), squares_.end(), T{0});
      for (index_t g = 0; g < patterns_.n_groups(); ++g) {
        Rows<T> rows;
        for (index_t i = 0; i < group; ++i) {
          const index_t unit = g * group + i;
          rows[static_cast<std::size_t>(i)] =
              unit < patterns_.n_units() ? row_of(unit) : zeros_.data();
        }
        for (index_t k = 0; k < n_here; ++k) {
          accumulate_group(rows, patterns_.of(g, first + k), n, linear(k), squares(k));
        }
      }
      for (index_t k = 0; k < n_here; ++k) {
        finish_row(linear(k), squares(k), keep, n, result_.data());
        emit(first + k, result_.data());
      }
    }
  }

 private:
  T* linear(index_t k) { return linear_.data() + k * tile_bins<T>; }
  T* squares(index_t k) { return squares_.data() + k * tile_bins<T>; }

  const GroupedPatterns<T>& patterns_;
  std::vector<T> zeros_;
  std::vector<T> linear_;
  std::vector<T> squares_;
  std::vector<T> result_;
};

// Unsmoothed counts are sparse: every bin starts as a silent one and each occupied bin of a unit
// moves the two sums. All patterns of a block lie side by side, so that a step is whole vectors.
constexpr index_t block_patterns = 16;
constexpr index_t sparse_tile = 256;

// w and w^2 of one unit for a block of patterns, zero beyond the last.
template <typename T>
struct UnitWeights {
  std::array<T, block_patterns> weight{};
  std::array<T, block_patterns> square{};
};

template <typename T>
struct Sums {
  T* linear;
  T* squares;
};

// Adds the bins of one unit before `stop`; returns the first one left.
template <typename T>
COFIRE_INLINE std::size_t add_occupied(const PlacedUnit::List& occupied, std::size_t from,
                                       index_t origin, index_t stop, RowScale row,
                                       const UnitWeights<T>& weights, Sums<T> sums) {
  const double silent = row.z(0.0);
  const std::size_t size = occupied.positions.size();
  const T* COFIRE_RESTRICT w = weights.weight.data();
  const T* COFIRE_RESTRICT u = weights.square.data();
  std::size_t i = from;
  for (; i < size && occupied.positions[i] < stop; ++i) {
    const index_t at = (occupied.positions[i] - origin) * block_patterns;
    const double step = occupied.counts[i] * row.scale;
    const T linear_step = static_cast<T>(step);
    const T square_step = static_cast<T>(step * (step + 2.0 * silent));
    T* COFIRE_RESTRICT linear = sums.linear + at;
    T* COFIRE_RESTRICT squares = sums.squares + at;
    for (index_t k = 0; k < block_patterns; ++k) {
      linear[k] += linear_step * w[k];
      squares[k] += square_step * u[k];
    }
  }
  return i;
}

COFIRE_CLONES std::size_t add_bins(const PlacedUnit::List& occupied, std::size_t from,
                                   index_t origin, index_t stop, RowScale row,
                                   const UnitWeights<float>& weights, Sums<float> sums) {
  return add_occupied<float>(occupied, from, origin, stop, row, weights, sums);
}
COFIRE_CLONES std::size_t add_bins(const PlacedUnit::List& occupied, std::size_t from,
                                   index_t origin, index_t stop, RowScale row,
                                   const UnitWeights<double>& weights, Sums<double> sums) {
  return add_occupied<double>(occupied, from, origin, stop, row, weights, sums);
}

// One block of patterns over all bins.
template <typename T>
class SparseActivation {
 public:
  SparseActivation(const MatrixView<const T>& patterns, index_t first,
                   const std::vector<PlacedUnit>& units, const std::vector<RowScale>& scales,
                   bool remove_diagonal)
      : units_(units),
        scales_(scales),
        first_(first),
        n_patterns_(std::min(block_patterns, patterns.n_rows() - first)),
        keep_(remove_diagonal ? T{1} : T{0}),
        weights_(units.size()) {
    std::array<double, block_patterns> linear{};
    std::array<double, block_patterns> squares{};
    for (std::size_t i = 0; i < units.size(); ++i) {
      const double silent = scales[i].z(0.0);
      for (std::size_t k = 0; k < static_cast<std::size_t>(n_patterns_); ++k) {
        const T w = patterns(first + static_cast<index_t>(k), static_cast<index_t>(i));
        weights_[i].weight[k] = w;
        weights_[i].square[k] = w * w;
        linear[k] += w * silent;
        squares[k] += w * w * silent * silent;
      }
    }
    for (std::size_t k = 0; k < block_patterns; ++k) {
      silent_linear_[k] = static_cast<T>(linear[k]);
      silent_squares_[k] = static_cast<T>(squares[k]);
    }
  }

  void run(index_t begin, index_t end, MatrixView<T> out) const {
    std::vector<T> linear(static_cast<std::size_t>(sparse_tile * block_patterns));
    std::vector<T> squares(linear.size());
    std::vector<std::size_t> cursor(units_.size());
    for (std::size_t i = 0; i < units_.size(); ++i) {
      const auto positions = units_[i].bins().positions;
      const auto at = std::lower_bound(positions.begin(), positions.end(), begin);
      cursor[i] = static_cast<std::size_t>(at - positions.begin());
    }
    for (index_t t = begin; t < end; t += sparse_tile) {
      const index_t stop = std::min(end, t + sparse_tile);
      for (index_t b = 0; b < stop - t; ++b) {
        std::copy_n(silent_linear_.data(), block_patterns, linear.data() + b * block_patterns);
        std::copy_n(silent_squares_.data(), block_patterns, squares.data() + b * block_patterns);
      }
      for (std::size_t i = 0; i < units_.size(); ++i) {
        cursor[i] = add_bins(units_[i].bins(), cursor[i], t, stop, scales_[i], weights_[i],
                             Sums<T>{linear.data(), squares.data()});
      }
      for (index_t b = 0; b < stop - t; ++b) {
        const T* l = linear.data() + b * block_patterns;
        const T* s = squares.data() + b * block_patterns;
        T* to = out.row(t + b).data() + first_;
        for (index_t k = 0; k < n_patterns_; ++k) to[k] = l[k] * l[k] - keep_ * s[k];
      }
    }
  }

 private:
  const std::vector<PlacedUnit>& units_;
  const std::vector<RowScale>& scales_;
  index_t first_;
  index_t n_patterns_;
  T keep_;
  std::vector<UnitWeights<T>> weights_;
  std::array<T, block_patterns> silent_linear_{};
  std::array<T, block_patterns> silent_squares_{};
};

// Smoothed counts: the z of all units in one tile at a time, then the dense kernel.
template <typename T>
class SmoothedActivation {
 public:
  SmoothedActivation(const GroupedPatterns<T>& patterns, const SmoothingAxis& axis,
                     const std::vector<PlacedUnit>& units, const std::vector<RowScale>& scales,
                     bool remove_diagonal)
      : patterns_(patterns),
        axis_(axis),
        units_(units),
        scales_(scales),
        remove_diagonal_(remove_diagonal),
        silent_(static_cast<std::size_t>(patterns.n_patterns())) {
    Tile<T> tile(patterns);
    std::vector<T> z(units.size());
    for (std::size_t i = 0; i < units.size(); ++i) z[i] = static_cast<T>(scales[i].z(0.0));
    tile.run(
        1, remove_diagonal, [&](index_t unit) { return z.data() + unit; },
        [&](index_t k, const T* row) { silent_[static_cast<std::size_t>(k)] = row[0]; });
  }

  void run(index_t begin, index_t end, MatrixView<T> out) const {
    Smoother smoother(axis_);
    Tile<T> tile(patterns_);
    const index_t step = smoother.tile_size(tile_bins<T>);
    std::vector<double> x(static_cast<std::size_t>(step));
    std::vector<T> z(units_.size() * static_cast<std::size_t>(step));
    std::vector<Cursor> cursors;
    cursors.reserve(units_.size());
    for (const PlacedUnit& unit : units_) cursors.push_back(smoother.seek(unit, begin));
    for (index_t position = begin; position < end; position += step) {
      const TilePlan plan(axis_, position, std::min(end, position + step));
      if (!standardized(smoother, plan, cursors, x, z, step)) {
        for (index_t t = 0; t < plan.n_bins; ++t) {
          std::copy(silent_.begin(), silent_.end(), out.row(plan.first_bin + t).data());
        }
        continue;
      }
      for (index_t t = 0; t < plan.n_bins; t += tile_bins<T>) {
        const index_t n = std::min(tile_bins<T>, plan.n_bins - t);
        T* to = out.row(plan.first_bin + t).data();
        tile.run(
            n, remove_diagonal_, [&](index_t unit) { return z.data() + unit * step + t; },
            [&](index_t k, const T* row) {
              for (index_t b = 0; b < n; ++b) to[b * out.n_cols() + k] = row[b];
            });
      }
    }
  }

 private:
  // Fills z (units, step) with the tile; false if every unit is silent there.
  bool standardized(Smoother& smoother, const TilePlan& plan, std::vector<Cursor>& cursors,
                    std::vector<double>& x, std::vector<T>& z, index_t step) const {
    bool any = false;
    for (std::size_t i = 0; i < units_.size(); ++i) {
      T* row = z.data() + static_cast<index_t>(i) * step;
      if (smoother.smooth(units_[i], plan, cursors[i], x.data())) {
        standardize(x.data(), scales_[i], plan.n_bins, row);
        any = true;
      } else {
        std::fill_n(row, plan.n_bins, static_cast<T>(scales_[i].z(0.0)));
      }
    }
    return any;
  }

  const GroupedPatterns<T>& patterns_;
  const SmoothingAxis& axis_;
  const std::vector<PlacedUnit>& units_;
  const std::vector<RowScale>& scales_;
  bool remove_diagonal_;
  std::vector<T> silent_;
};

}  // namespace

template <typename T>
void activation(const MatrixView<const T>& patterns, const MatrixView<const T>& z,
                bool remove_diagonal, const Control& control, MatrixView<T> out) {
  constexpr index_t tiles_per_block = 16;
  const GroupedPatterns<T> grouped(patterns);
  parallel_blocks(
      z.n_cols(), tiles_per_block * tile_bins<T>, control, [&](index_t begin, index_t end) {
        Tile<T> tile(grouped);
        for (index_t t = begin; t < end; t += tile_bins<T>) {
          const index_t n = std::min(tile_bins<T>, end - t);
          tile.run(
              n, remove_diagonal, [&](index_t unit) { return z.row(unit).data() + t; },
              [&](index_t k, const T* row) { std::copy_n(row, n, out.row(k).data() + t); });
        }
      });
}

template <typename T>
void activation_of_spikes(const MatrixView<const T>& patterns, const SpikeView& spikes,
                          const BinGrid& grid, const SmoothingAxis& axis, bool remove_diagonal,
                          const Control& control, MatrixView<T> out) {
  constexpr index_t positions_per_block = 16 * sparse_tile;
  const auto n_units = static_cast<std::size_t>(spikes.n_rows());
  const bool smoothed = axis.radius() > 0;
  std::vector<PlacedUnit> units(n_units);
  std::vector<RowScale> scales(n_units);
  parallel_for(spikes.n_rows(), control, [&](index_t i) {
    const auto unit = static_cast<std::size_t>(i);
    units[unit] = PlacedUnit(spikes.row(i), grid, axis);
    scales[unit] = smoothed ? scale_of_smoothed(units[unit], axis, 0)
                            : scale_of_counts(units[unit], axis.n_bins(), 0);
  });
  if (smoothed) {
    const GroupedPatterns<T> grouped(patterns);
    const SmoothedActivation<T> kernel(grouped, axis, units, scales, remove_diagonal);
    // A block is many tiles, however wide the kernel is.
    const index_t block = 16 * Smoother(axis).tile_size(tile_bins<T>);
    parallel_blocks(axis.length, block, control,
                    [&](index_t begin, index_t end) { kernel.run(begin, end, out); });
    return;
  }
  for (index_t first = 0; first < patterns.n_rows(); first += block_patterns) {
    const SparseActivation<T> kernel(patterns, first, units, scales, remove_diagonal);
    parallel_blocks(axis.n_bins(), positions_per_block, control,
                    [&](index_t begin, index_t end) { kernel.run(begin, end, out); });
  }
}

template void activation<float>(const MatrixView<const float>&, const MatrixView<const float>&,
                                bool, const Control&, MatrixView<float>);
template void activation<double>(const MatrixView<const double>&, const MatrixView<const double>&,
                                 bool, const Control&, MatrixView<double>);
template void activation_of_spikes<float>(const MatrixView<const float>&, const SpikeView&,
                                          const BinGrid&, const SmoothingAxis&, bool,
                                          const Control&, MatrixView<float>);
template void activation_of_spikes<double>(const MatrixView<const double>&, const SpikeView&,
                                           const BinGrid&, const SmoothingAxis&, bool,
                                           const Control&, MatrixView<double>);

}  // namespace cofire
