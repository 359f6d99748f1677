#include "cofire/bit_counters.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

namespace cofire {

namespace {

// Sum of three bits at every position: returns the carry, leaves the sum in `a`.
inline std::uint64_t carry_save(std::uint64_t& a, std::uint64_t b, std::uint64_t c) noexcept {
  const std::uint64_t half = a ^ b;
  const std::uint64_t carry = (a & b) | (half & c);
  a = half ^ c;
  return carry;
}

}  // namespace

void add_eight(const std::uint64_t* const* inputs, index_t n_words, index_t n_planes,
               std::uint64_t* planes) {
  std::uint64_t any_carry = 0;
  for (index_t w = 0; w < n_words; w += 4) {
    std::array<std::uint64_t, 4> carry;
    for (index_t k = 0; k < 4; ++k) {
      const index_t i = w + k;
      std::uint64_t ones = planes[i];
      std::uint64_t twos = planes[n_words + i];
      std::uint64_t fours = planes[2 * n_words + i];
      const std::uint64_t twos_a = carry_save(ones, inputs[0][i], inputs[1][i]);
      const std::uint64_t twos_b = carry_save(ones, inputs[2][i], inputs[3][i]);
      const std::uint64_t fours_a = carry_save(twos, twos_a, twos_b);
      const std::uint64_t twos_c = carry_save(ones, inputs[4][i], inputs[5][i]);
      const std::uint64_t twos_d = carry_save(ones, inputs[6][i], inputs[7][i]);
      const std::uint64_t fours_b = carry_save(twos, twos_c, twos_d);
      carry[static_cast<std::size_t>(k)] = carry_save(fours, fours_a, fours_b);
      planes[i] = ones;
      planes[n_words + i] = twos;
      planes[2 * n_words + i] = fours;
    }
    for (index_t p = 3; p < n_planes; ++p) {
      any_carry = 0;
      for (index_t k = 0; k < 4; ++k) {
        std::uint64_t& plane = planes[p * n_words + w + k];
        std::uint64_t& c = carry[static_cast<std::size_t>(k)];
        const std::uint64_t next = plane & c;
        plane ^= c;
        c = next;
        any_carry |= next;
      }
      if (any_carry == 0) break;
    }
  }
}

void add_planes_to(const std::uint64_t* planes, index_t n_words, index_t n_planes,
                   std::span<std::int64_t> out) {
  const auto n_bits = static_cast<index_t>(out.size());
  for (index_t p = 0; p < n_planes; ++p) {
    for (index_t w = 0; w < n_words; ++w) {
      const std::uint64_t word = planes[p * n_words + w];
      if (word == 0) continue;
      const index_t n = std::min<index_t>(64, n_bits - w * 64);
      for (index_t j = 0; j < n; ++j) {
        out[static_cast<std::size_t>(w * 64 + j)] +=
            static_cast<std::int64_t>(((word >> j) & 1U) << p);
      }
    }
  }
}

BitCounters::BitCounters(index_t n_rows, index_t n_bits, index_t max_adds)
    : n_words_(bit_words(n_bits)),
      n_planes_(std::max<index_t>(4, std::bit_width(static_cast<std::uint64_t>(max_adds)))),
      words_(static_cast<std::size_t>(n_rows * (group + n_planes_) * n_words_)),
      n_waiting_(static_cast<std::size_t>(n_rows)) {}

void BitCounters::add(index_t row, const std::uint64_t* bits) {
  std::uint8_t& n = n_waiting_[static_cast<std::size_t>(row)];
  std::memcpy(waiting(row) + n * n_words_, bits,
              static_cast<std::size_t>(n_words_) * sizeof(std::uint64_t));
  if (++n == group) flush(row);
}

void BitCounters::flush(index_t row) {
  std::uint64_t* const first = waiting(row);
  std::array<const std::uint64_t*, group> inputs;
  for (index_t k = 0; k < group; ++k) {
    inputs[static_cast<std::size_t>(k)] = first + k * n_words_;
  }
  add_eight(inputs.data(), n_words_, n_planes_, first + group * n_words_);
  n_waiting_[static_cast<std::size_t>(row)] = 0;
}

void BitCounters::add_row_to(index_t row, std::span<std::int64_t> out) const {
  const std::uint64_t* const first = &words_[row_index(row)];
  for (index_t k = 0; k < n_waiting_[static_cast<std::size_t>(row)]; ++k) {
    add_planes_to(first + k * n_words_, n_words_, 1, out);
  }
  add_planes_to(first + group * n_words_, n_words_, n_planes_, out);
}

}  // namespace cofire
