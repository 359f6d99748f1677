#include "cofire/activation.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "cofire/simd.hpp"

namespace cofire {

namespace {

// Patterns whose weights lie side by side.
constexpr index_t group = 8;

// z of all units in some bins, and where the activation of one group of patterns goes.
template <typename T>
struct Job {
  const T* z;
  index_t z_stride;
  index_t n_units;
  const T* weights;  // weights[i * group + k] of unit i and pattern k
  T keep_squares;    // 0 to keep the products of a unit with itself
  T* out;
  index_t out_stride;
  index_t n_patterns;
};

// The activation of patterns first .. first + n_together in one vector of bins. Both sums of each
// pattern stay in registers while all units pass by.
template <int bytes, int n_together, typename T>
COFIRE_INLINE void express_vector(const Job<T>& job, index_t bin, index_t first) {
  using Vector = typename Lanes<T, bytes>::type;
  using InMemory = typename Lanes<T, bytes>::in_memory;
  Vector linear[n_together] = {};
  Vector squares[n_together] = {};
  for (index_t i = 0; i < job.n_units; ++i) {
    const Vector z = *reinterpret_cast<const InMemory*>(job.z + i * job.z_stride + bin);
    const T* const w = job.weights + i * group + first;
    for (int k = 0; k < n_together; ++k) {
      const Vector product = w[k] * z;
      linear[k] += product;
      squares[k] += product * product;
    }
  }
  for (int k = 0; k < n_together && first + k < job.n_patterns; ++k) {
    const Vector value = linear[k] * linear[k] - job.keep_squares * squares[k];
    // x == x is the NaN test that vectorizes.
    *reinterpret_cast<InMemory*>(job.out + (first + k) * job.out_stride + bin) =
        value == value ? value : Vector{};
  }
}

template <int bytes, int n_together, typename T>
COFIRE_INLINE void express_bins(const Job<T>& job, index_t n_bins) {
  constexpr index_t step = Lanes<T, bytes>::size;
  for (index_t first = 0; first < job.n_patterns; first += n_together) {
    index_t bin = 0;
    for (; bin + step <= n_bins; bin += step) express_vector<bytes, n_together>(job, bin, first);
    for (; bin < n_bins; ++bin) express_vector<sizeof(T), n_together>(job, bin, first);
  }
}

// As many patterns together as there are registers for.
#if COFIRE_HAS_WIDTHS
COFIRE_AT_AVX512 void express(const Job<float>& job, index_t n) { express_bins<64, 8>(job, n); }
COFIRE_AT_AVX512 void express(const Job<double>& job, index_t n) { express_bins<64, 8>(job, n); }
COFIRE_AT_AVX2 void express(const Job<float>& job, index_t n) { express_bins<32, 4>(job, n); }
COFIRE_AT_AVX2 void express(const Job<double>& job, index_t n) { express_bins<32, 4>(job, n); }
#endif
COFIRE_AT_BASELINE void express(const Job<float>& job, index_t n) { express_bins<16, 4>(job, n); }
COFIRE_AT_BASELINE void express(const Job<double>& job, index_t n) { express_bins<16, 4>(job, n); }

// Patterns in groups, zero beyond the last.
template <typename T>
class GroupedPatterns {
 public:
  explicit GroupedPatterns(const MatrixView<const T>& patterns)
      : n_patterns_(patterns.n_rows()),
        n_units_(patterns.n_cols()),
        weights_(static_cast<std::size_t>((n_patterns_ + group - 1) / group * group * n_units_)) {
    for (index_t k = 0; k < n_patterns_; ++k) {
      for (index_t i = 0; i < n_units_; ++i) {
        const index_t at = (k / group * n_units_ + i) * group + k % group;
        weights_[static_cast<std::size_t>(at)] = patterns(k, i);
      }
    }
  }

  [[nodiscard]] index_t n_patterns() const noexcept { return n_patterns_; }
  [[nodiscard]] index_t n_units() const noexcept { return n_units_; }

  // Bins of a tile whose z fits the second-level cache.
  [[nodiscard]] index_t tile_bins() const noexcept {
    constexpr index_t z_per_tile = 262'144 / static_cast<index_t>(sizeof(T));
    return std::clamp<index_t>(z_per_tile / std::max<index_t>(n_units_, 1) / 64 * 64, 64, 4096);
  }

  // out (patterns, n_bins) of z (units, n_bins), rows `stride` apart.
  void express_tile(const T* z, index_t z_stride, index_t n_bins, bool remove_diagonal, T* out,
                    index_t out_stride) const {
    for (index_t first = 0; first < n_patterns_; first += group) {
      const Job<T> job{.z = z,
                       .z_stride = z_stride,
                       .n_units = n_units_,
                       .weights = weights_.data() + first * n_units_,
                       .keep_squares = remove_diagonal ? T{1} : T{0},
                       .out = out + first * out_stride,
                       .out_stride = out_stride,
                       .n_patterns = std::min(group, n_patterns_ - first)};
      express(job, n_bins);
    }
  }

 private:
  index_t n_patterns_;
  index_t n_units_;
  std::vector<T> weights_;
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

// to += step * weights for a block of patterns. By hand, as GCC unrolls the loop into single
// numbers before it looks for vectors.
template <int bytes, typename T>
COFIRE_INLINE void add_block(T step, const T* weights, T* to) {
  using InMemory = typename Lanes<T, bytes>::in_memory;
  for (index_t k = 0; k < block_patterns; k += Lanes<T, bytes>::size) {
    *reinterpret_cast<InMemory*>(to + k) += step * *reinterpret_cast<const InMemory*>(weights + k);
  }
}

// Adds the bins of one unit before `stop`; returns the first one left.
template <int bytes, typename T>
COFIRE_INLINE std::size_t add_occupied(const PlacedUnit::List& occupied, std::size_t from,
                                       index_t origin, index_t stop, RowScale row,
                                       const UnitWeights<T>& weights, Sums<T> sums) {
  const double silent = row.z(0.0);
  const std::size_t size = occupied.positions.size();
  std::size_t i = from;
  for (; i < size && occupied.positions[i] < stop; ++i) {
    const index_t at = (occupied.positions[i] - origin) * block_patterns;
    const double step = occupied.counts[i] * row.scale;
    const double square_step = step * (step + 2.0 * silent);
    add_block<bytes>(static_cast<T>(step), weights.weight.data(), sums.linear + at);
    add_block<bytes>(static_cast<T>(square_step), weights.square.data(), sums.squares + at);
  }
  return i;
}

#define COFIRE_ADD_BINS(AT, bytes, T)                                                         \
  AT std::size_t add_bins(const PlacedUnit::List& occupied, std::size_t from, index_t origin, \
                          index_t stop, RowScale row, const UnitWeights<T>& weights,          \
                          Sums<T> sums) {                                                     \
    return add_occupied<bytes, T>(occupied, from, origin, stop, row, weights, sums);          \
  }

#if COFIRE_HAS_WIDTHS
COFIRE_ADD_BINS(COFIRE_AT_AVX512, 64, float)
COFIRE_ADD_BINS(COFIRE_AT_AVX512, 64, double)
COFIRE_ADD_BINS(COFIRE_AT_AVX2, 32, float)
COFIRE_ADD_BINS(COFIRE_AT_AVX2, 32, double)
#endif
COFIRE_ADD_BINS(COFIRE_AT_BASELINE, 16, float)
COFIRE_ADD_BINS(COFIRE_AT_BASELINE, 16, double)

#undef COFIRE_ADD_BINS

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
    std::vector<T> z(units.size());
    for (std::size_t i = 0; i < units.size(); ++i) z[i] = static_cast<T>(scales[i].z(0.0));
    patterns.express_tile(z.data(), 1, 1, remove_diagonal, silent_.data(), 1);
  }

  void run(index_t begin, index_t end, MatrixView<T> out) const {
    Smoother smoother(axis_);
    const index_t tile = patterns_.tile_bins();
    const index_t step = smoother.tile_size(tile);
    std::vector<T> rows(static_cast<std::size_t>(patterns_.n_patterns() * tile));
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
      for (index_t t = 0; t < plan.n_bins; t += tile) {
        const index_t n = std::min(tile, plan.n_bins - t);
        patterns_.express_tile(z.data() + t, step, n, remove_diagonal_, rows.data(), tile);
        for (index_t b = 0; b < n; ++b) {
          T* const to = out.row(plan.first_bin + t + b).data();
          for (index_t k = 0; k < out.n_cols(); ++k) {
            to[k] = rows[static_cast<std::size_t>(k * tile + b)];
          }
        }
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
  const index_t tile = grouped.tile_bins();
  parallel_blocks(z.n_cols(), tiles_per_block * tile, control, [&](index_t begin, index_t end) {
    // A copy, for rows of z a power of two apart would compete for few places of the cache.
    std::vector<T> rows(static_cast<std::size_t>(z.n_rows() * tile));
    for (index_t t = begin; t < end; t += tile) {
      const index_t n = std::min(tile, end - t);
      for (index_t i = 0; i < z.n_rows(); ++i) {
        std::copy_n(z.row(i).data() + t, n, rows.data() + i * tile);
      }
      grouped.express_tile(rows.data(), tile, n, remove_diagonal, out.data() + t, out.n_cols());
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
    const index_t block = 16 * Smoother(axis).tile_size(grouped.tile_bins());
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
