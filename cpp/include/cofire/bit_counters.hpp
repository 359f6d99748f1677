// Adding many bit vectors, position by position, without unpacking them.
//
// A row of counters is stored bit-sliced ("vertical"): plane p holds bit p of every counter. Bit
// vectors wait in groups of eight; a full group goes through a tree of carry-save adders into the
// planes, about five logical operations per word and vector (Harley & Seal; Mula, Kurz & Lemire
// 2018, doi:10.1093/comjnl/bxx046).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "cofire/view.hpp"

namespace cofire {

// Words a vector of n_bits takes; a multiple of four, so that loops over words need no remainder.
[[nodiscard]] constexpr index_t bit_words(index_t n_bits) noexcept {
  return (n_bits + 255) / 256 * 4;
}

// planes[p] (each n_words long) += the eight vectors at `inputs`. Every counter must stay below
// 2^n_planes; n_planes >= 4.
void add_eight(const std::uint64_t* const* inputs, index_t n_words, index_t n_planes,
               std::uint64_t* planes);

// out[j] += counter j, for j < out.size().
void add_planes_to(const std::uint64_t* planes, index_t n_words, index_t n_planes,
                   std::span<std::int64_t> out);

// A row of counters per unit.
class BitCounters {
 public:
  // No row may receive more than max_adds vectors.
  BitCounters(index_t n_rows, index_t n_bits, index_t max_adds);

  // Adds `bits` (bit_words(n_bits) words) to the counters of a row.
  void add(index_t row, const std::uint64_t* bits);

  // out[j] += counter j of the row, for j < n_bits.
  void add_row_to(index_t row, std::span<std::int64_t> out) const;

 private:
  static constexpr index_t group = 8;

  [[nodiscard]] std::uint64_t* waiting(index_t row) noexcept { return &words_[row_index(row)]; }
  [[nodiscard]] std::size_t row_index(index_t row) const noexcept {
    return static_cast<std::size_t>(row * (group + n_planes_) * n_words_);
  }
  void flush(index_t row);

  index_t n_words_;
  index_t n_planes_;
  std::vector<std::uint64_t> words_;  // per row: `group` waiting vectors, then the planes
  std::vector<std::uint8_t> n_waiting_;
};

}  // namespace cofire
