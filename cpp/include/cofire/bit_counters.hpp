// Adding many bit vectors, position by position, without unpacking them.
//
// A row of counters is stored bit-sliced ("vertical"): plane p holds bit p of every counter. Eight
// bit vectors at a time go through a tree of carry-save adders (Harley & Seal; Mula, Kurz & Lemire
// 2018, doi:10.1093/comjnl/bxx046). The carry vector of a group waits for that of the next group,
// the carry of two groups for that of the next two, and so on: about five logical operations per
// word and vector in all.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "cofire/view.hpp"

namespace cofire {

// Words a vector of n_bits takes; a multiple of four, so that loops over words need no remainder.
[[nodiscard]] constexpr index_t bit_words(index_t n_bits) noexcept {
  return (n_bits + 255) / 256 * 4;
}

// A row of counters in borrowed memory.
class BitCounterRow {
 public:
  static constexpr index_t group = 8;

  // Planes for counters that receive up to max_adds vectors.
  [[nodiscard]] static index_t planes_for(index_t max_adds) noexcept;
  [[nodiscard]] static constexpr index_t words_for(index_t n_words, index_t n_planes) noexcept {
    return 2 * n_planes * n_words;
  }

  // `words` holds words_for(n_words, n_planes) zeros at first; n_groups is how often add was
  // called on them.
  BitCounterRow(std::uint64_t* words, index_t n_words, index_t n_planes,
                std::uint64_t n_groups) noexcept
      : planes_(words),
        waiting_(words + n_planes * n_words),
        n_words_(n_words),
        n_planes_(n_planes),
        n_groups_(n_groups) {}

  // Adds eight vectors.
  void add(const std::array<const std::uint64_t*, group>& vectors) noexcept;

  // out[j] += counter j, for j < out.size().
  void add_to(std::span<std::int64_t> out) const noexcept {
    add_to(planes_, n_words_, n_planes_, n_groups_, out);
  }
  static void add_to(const std::uint64_t* words, index_t n_words, index_t n_planes,
                     std::uint64_t n_groups, std::span<std::int64_t> out) noexcept;

 private:
  std::uint64_t* planes_;
  std::uint64_t* waiting_;  // waiting_[p]: a carry of weight 2^p
  index_t n_words_;
  index_t n_planes_;
  std::uint64_t n_groups_;
};

// out[j] += weight where bit j is set, for j < out.size().
void add_bits_to(const std::uint64_t* bits, std::int64_t weight,
                 std::span<std::int64_t> out) noexcept;

// Rows of counters that take one vector at a time, in any order of rows.
class BitCounters {
 public:
  // No row may receive more than max_adds vectors.
  BitCounters(index_t n_rows, index_t n_bits, index_t max_adds);

  // Adds `bits` (bit_words(n_bits) words) to the counters of a row.
  void add(index_t row, const std::uint64_t* bits) noexcept;

  // out[j] += counter j of the row, for j < n_bits.
  void add_row_to(index_t row, std::span<std::int64_t> out) const noexcept;

 private:
  static constexpr index_t group = BitCounterRow::group;

  void flush(index_t row) noexcept;
  [[nodiscard]] std::uint64_t* queue(index_t row) noexcept {
    return queues_.data() + row * group * n_words_;
  }

  index_t n_words_;
  index_t n_planes_;
  std::vector<std::uint64_t> queues_;  // `group` vectors a row, of which some are filled
  std::vector<std::uint64_t> words_;
  std::vector<index_t> n_adds_;
};

}  // namespace cofire
