// Counter-based random numbers: Philox4x32-10 (Salmon et al. 2011, doi:10.1145/2063384.2063405).
//
// A stream is named by (seed, row, draw); any thread can produce it, so results do not depend on
// the number of threads.
#pragma once

#include <array>
#include <cstdint>

namespace cofire {

class CounterRng {
 public:
  // `row` and `draw` name the stream: for example unit and shuffle number.
  constexpr CounterRng(std::uint64_t seed, std::uint64_t row, std::uint64_t draw = 0) noexcept
      : key_{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32U)},
        stream_{row, draw} {}

  [[nodiscard]] constexpr std::uint64_t next_u64() noexcept {
    if (position_ == 2) refill();
    return buffer_[position_++];
  }

  // Uniform in [0, 1), 53 bits.
  [[nodiscard]] constexpr double uniform() noexcept {
    return static_cast<double>(next_u64() >> 11U) * 0x1.0p-53;
  }

  // Uniform integer in [0, bound), unbiased; bound > 0. Rejection on the low part of a 128-bit
  // product (Lemire 2019, doi:10.1145/3230636).
  [[nodiscard]] constexpr std::uint64_t below(std::uint64_t bound) noexcept {
    const std::uint64_t threshold = (0 - bound) % bound;
    for (;;) {
      const auto [high, low] = multiply(next_u64(), bound);
      if (low >= threshold) return high;
    }
  }

 private:
  struct Product {
    std::uint64_t high;
    std::uint64_t low;
  };

  static constexpr Product multiply(std::uint64_t a, std::uint64_t b) noexcept {
    const std::uint64_t a_lo = a & 0xFFFFFFFFU;
    const std::uint64_t a_hi = a >> 32U;
    const std::uint64_t b_lo = b & 0xFFFFFFFFU;
    const std::uint64_t b_hi = b >> 32U;
    const std::uint64_t mid = a_hi * b_lo + ((a_lo * b_lo) >> 32U);
    const std::uint64_t mid2 = a_lo * b_hi + (mid & 0xFFFFFFFFU);
    return {a_hi * b_hi + (mid >> 32U) + (mid2 >> 32U), a * b};
  }

  constexpr void refill() noexcept {
    // The 128-bit Philox counter holds the block number (low 32 bits), the row (48 bits) and the
    // draw (48 bits): 2^32 blocks of 128 bits in each of 2^96 streams.
    std::array<std::uint32_t, 4> x{
        block_,
        static_cast<std::uint32_t>(stream_[0]),
        static_cast<std::uint32_t>(stream_[1]),
        static_cast<std::uint32_t>(((stream_[0] >> 32U) & 0xFFFFU) |
                                   (((stream_[1] >> 32U) & 0xFFFFU) << 16U)),
    };
    std::array<std::uint32_t, 2> key = key_;
    for (int round = 0; round < 10; ++round) {
      const std::uint64_t p0 = std::uint64_t{0xD2511F53U} * x[0];
      const std::uint64_t p1 = std::uint64_t{0xCD9E8D57U} * x[2];
      x = {static_cast<std::uint32_t>(p1 >> 32U) ^ x[1] ^ key[0], static_cast<std::uint32_t>(p1),
           static_cast<std::uint32_t>(p0 >> 32U) ^ x[3] ^ key[1], static_cast<std::uint32_t>(p0)};
      key[0] += 0x9E3779B9U;
      key[1] += 0xBB67AE85U;
    }
    buffer_ = {(std::uint64_t{x[1]} << 32U) | x[0], (std::uint64_t{x[3]} << 32U) | x[2]};
    ++block_;
    position_ = 0;
  }

  std::array<std::uint32_t, 2> key_;
  std::array<std::uint64_t, 2> stream_;
  std::uint32_t block_ = 0;
  std::array<std::uint64_t, 2> buffer_{};
  unsigned position_ = 2;
};

// Uniform integers below a bound, two from each 64-bit word (Lemire 2019,
// doi:10.1145/3230636); the division is needed only when a draw may have to be rejected.
class SmallIntegers {
 public:
  SmallIntegers(std::uint64_t seed, std::uint64_t draw) noexcept : rng_(seed, 0, draw) {}

  [[nodiscard]] std::uint32_t below(std::uint32_t bound) noexcept {
    std::uint64_t product = std::uint64_t{next()} * bound;
    if (static_cast<std::uint32_t>(product) < bound) {
      const std::uint32_t threshold = (0 - bound) % bound;
      while (static_cast<std::uint32_t>(product) < threshold) {
        product = std::uint64_t{next()} * bound;
      }
    }
    return static_cast<std::uint32_t>(product >> 32U);
  }

 private:
  [[nodiscard]] std::uint32_t next() noexcept {
    if (half_left_) {
      half_left_ = false;
      return static_cast<std::uint32_t>(word_ >> 32U);
    }
    word_ = rng_.next_u64();
    half_left_ = true;
    return static_cast<std::uint32_t>(word_);
  }

  CounterRng rng_;
  std::uint64_t word_ = 0;
  bool half_left_ = false;
};

}  // namespace cofire
