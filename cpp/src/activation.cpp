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

template void activation<float>(const MatrixView<const float>&, const MatrixView<const float>&,
                                bool, const Control&, MatrixView<float>);
template void activation<double>(const MatrixView<const double>&, const MatrixView<const double>&,
                                 bool, const Control&, MatrixView<double>);

}  // namespace cofire
