// Non-owning views of the arrays that kernels read and write.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace cofire {

// Signed, so that differences and loop bounds need no casts.
using index_t = std::ptrdiff_t;

// Row-major matrix with contiguous rows.
template <typename T>
class MatrixView {
 public:
  constexpr MatrixView(T* data, index_t n_rows, index_t n_cols) noexcept
      : data_(data), n_rows_(n_rows), n_cols_(n_cols) {}

  [[nodiscard]] constexpr T* data() const noexcept { return data_; }
  [[nodiscard]] constexpr index_t n_rows() const noexcept { return n_rows_; }
  [[nodiscard]] constexpr index_t n_cols() const noexcept { return n_cols_; }
  [[nodiscard]] constexpr std::span<T> row(index_t i) const noexcept {
    return {data_ + i * n_cols_, static_cast<std::size_t>(n_cols_)};
  }
  [[nodiscard]] constexpr T& operator()(index_t i, index_t j) const noexcept {
    return data_[i * n_cols_ + j];
  }

 private:
  T* data_;
  index_t n_rows_;
  index_t n_cols_;
};

// Rows of different length in compressed form: row i is values[offsets[i] .. offsets[i + 1]).
template <typename T>
class RaggedView {
 public:
  constexpr RaggedView(std::span<const T> values, std::span<const std::int64_t> offsets) noexcept
      : values_(values), offsets_(offsets) {}

  [[nodiscard]] constexpr index_t n_rows() const noexcept {
    return static_cast<index_t>(offsets_.size()) - 1;
  }
  [[nodiscard]] constexpr std::span<const T> values() const noexcept { return values_; }
  [[nodiscard]] constexpr std::span<const std::int64_t> offsets() const noexcept {
    return offsets_;
  }
  [[nodiscard]] constexpr std::span<const T> row(index_t i) const noexcept {
    const auto begin = static_cast<std::size_t>(offsets_[static_cast<std::size_t>(i)]);
    const auto end = static_cast<std::size_t>(offsets_[static_cast<std::size_t>(i) + 1]);
    return values_.subspan(begin, end - begin);
  }

 private:
  std::span<const T> values_;
  std::span<const std::int64_t> offsets_;
};

using SpikeView = RaggedView<double>;

// Half-open intervals [start, stop), rows of an (n, 2) array.
using IntervalView = MatrixView<const double>;

}  // namespace cofire
