#include "cofire/bit_counters.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace cofire {

namespace {

// Two words: the width that every x86-64 and arm64 machine has.
using Lane = std::uint64_t __attribute__((vector_size(16)));
constexpr index_t lane_words = 2;

inline Lane load(const std::uint64_t* from) noexcept {
  Lane lane;
  std::memcpy(&lane, from, sizeof lane);
  return lane;
}

inline void store(Lane lane, std::uint64_t* to) noexcept { std::memcpy(to, &lane, sizeof lane); }

// Sum of three bits at every position: returns the carry, leaves the sum in `a`.
inline Lane carry_save(Lane& a, Lane b, Lane c) noexcept {
  const Lane half = a ^ b;
  const Lane carry = (a & b) | (half & c);
  a = half ^ c;
  return carry;
}

}  // namespace

index_t BitCounterRow::planes_for(index_t max_adds) noexcept {
  return std::max<index_t>(4, std::bit_width(static_cast<std::uint64_t>(max_adds)));
}

void BitCounterRow::add(const std::array<const std::uint64_t*, group>& vectors) noexcept {
  const index_t n = n_words_;
  const auto [v0, v1, v2, v3, v4, v5, v6, v7] = vectors;
  // The level at which the carry of this group finds no partner; it waits there.
  const index_t free_level = 3 + std::countr_one(n_groups_++);
  std::uint64_t* const ones_plane = planes_;
  std::uint64_t* const twos_plane = planes_ + n;
  std::uint64_t* const fours_plane = planes_ + 2 * n;
  for (index_t w = 0; w < n; w += lane_words) {
    Lane ones = load(ones_plane + w);
    Lane twos = load(twos_plane + w);
    Lane fours = load(fours_plane + w);
    const Lane twos_a = carry_save(ones, load(v0 + w), load(v1 + w));
    const Lane twos_b = carry_save(ones, load(v2 + w), load(v3 + w));
    const Lane fours_a = carry_save(twos, twos_a, twos_b);
    const Lane twos_c = carry_save(ones, load(v4 + w), load(v5 + w));
    const Lane twos_d = carry_save(ones, load(v6 + w), load(v7 + w));
    const Lane fours_b = carry_save(twos, twos_c, twos_d);
    Lane carry = carry_save(fours, fours_a, fours_b);
    store(ones, ones_plane + w);
    store(twos, twos_plane + w);
    store(fours, fours_plane + w);
    for (index_t level = 3; level < free_level; ++level) {
      Lane sum = load(planes_ + level * n + w);
      carry = carry_save(sum, load(waiting_ + level * n + w), carry);
      store(sum, planes_ + level * n + w);
    }
    store(carry, waiting_ + free_level * n + w);
  }
}

void BitCounterRow::add_to(const std::uint64_t* words, index_t n_words, index_t n_planes,
                           std::uint64_t n_groups, std::span<std::int64_t> out) noexcept {
  const std::uint64_t* const waiting = words + n_planes * n_words;
  for (index_t p = 0; p < n_planes; ++p) {
    add_bits_to(words + p * n_words, std::int64_t{1} << p, out);
    if (p >= 3 && ((n_groups >> (p - 3)) & 1U) != 0) {
      add_bits_to(waiting + p * n_words, std::int64_t{1} << p, out);
    }
  }
}

void add_bits_to(const std::uint64_t* bits, std::int64_t weight,
                 std::span<std::int64_t> out) noexcept {
  for (std::size_t begin = 0; begin < out.size(); begin += 64) {
    const std::uint64_t word = bits[begin / 64];
    if (word == 0) continue;
    const std::size_t n = std::min<std::size_t>(64, out.size() - begin);
    for (std::size_t j = 0; j < n; ++j) {
      out[begin + j] += weight & -static_cast<std::int64_t>((word >> j) & 1U);
    }
  }
}

BitCounters::BitCounters(index_t n_rows, index_t n_bits, index_t max_adds)
    : n_words_(bit_words(n_bits)),
      n_planes_(BitCounterRow::planes_for(max_adds)),
      queues_(static_cast<std::size_t>(n_rows * group * n_words_)),
      words_(static_cast<std::size_t>(n_rows * BitCounterRow::words_for(n_words_, n_planes_))),
      n_adds_(static_cast<std::size_t>(n_rows)) {}

void BitCounters::add(index_t row, const std::uint64_t* bits) noexcept {
  index_t& n_adds = n_adds_[static_cast<std::size_t>(row)];
  std::uint64_t* const to = queue(row) + (n_adds % group) * n_words_;
  for (index_t w = 0; w < n_words_; w += 4) {
    std::memcpy(to + w, bits + w, 4 * sizeof(std::uint64_t));
  }
  if (++n_adds % group == 0) flush(row);
}

void BitCounters::flush(index_t row) noexcept {
  std::array<const std::uint64_t*, group> vectors;
  for (index_t k = 0; k < group; ++k) {
    vectors[static_cast<std::size_t>(k)] = queue(row) + k * n_words_;
  }
  const index_t n_row_words = BitCounterRow::words_for(n_words_, n_planes_);
  const auto n_groups =
      static_cast<std::uint64_t>(n_adds_[static_cast<std::size_t>(row)] / group - 1);
  BitCounterRow(words_.data() + row * n_row_words, n_words_, n_planes_, n_groups).add(vectors);
}

void BitCounters::add_row_to(index_t row, std::span<std::int64_t> out) const noexcept {
  const index_t n_adds = n_adds_[static_cast<std::size_t>(row)];
  for (index_t k = 0; k < n_adds % group; ++k) {
    add_bits_to(queues_.data() + (row * group + k) * n_words_, 1, out);
  }
  const index_t n_row_words = BitCounterRow::words_for(n_words_, n_planes_);
  BitCounterRow::add_to(words_.data() + row * n_row_words, n_words_, n_planes_,
                        static_cast<std::uint64_t>(n_adds / group), out);
}

}  // namespace cofire
