// One binary, the widest vectors of the machine it runs on.
#pragma once

// Compiles a plain (not template) function once per instruction set and picks at load time; only
// where a measurement shows a gain. Kernels are built without contraction and no sum is reordered,
// so every clone gives the same bits. Sanitizers run before the resolvers and get the baseline, as
// do other compilers and platforms.
#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && defined(__ELF__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define COFIRE_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#define COFIRE_POPCNT_CLONES __attribute__((target_clones("popcnt", "default")))
// The same by hand, for code that is written for one width of vectors: a function is defined once
// each AT_BASELINE and, where COFIRE_HAS_WIDTHS, AT_AVX2 and AT_AVX512.
#define COFIRE_HAS_WIDTHS 1
#define COFIRE_AT_AVX512 __attribute__((target("avx512f")))
#define COFIRE_AT_AVX2 __attribute__((target("avx2")))
#define COFIRE_AT_BASELINE __attribute__((target("default")))
#else
#define COFIRE_CLONES
#define COFIRE_POPCNT_CLONES
#define COFIRE_HAS_WIDTHS 0
#define COFIRE_AT_BASELINE
#endif

namespace cofire {

// `type` is a vector of `bytes` bytes with the arithmetic of T on each of its `size` lanes, and
// `in_memory` the same at any address. Never wider than the instruction set at hand: GCC takes
// those apart badly.
template <typename T, int bytes>
struct Lanes {
#if defined(__GNUC__)
  using type [[gnu::vector_size(bytes)]] = T;
  using in_memory [[gnu::vector_size(bytes), gnu::aligned(alignof(T)), gnu::may_alias]] = T;
  static constexpr int size = bytes / static_cast<int>(sizeof(T));
#else
  using type = T;
  using in_memory = T;
  static constexpr int size = 1;
#endif
};

}  // namespace cofire

// A helper that must become part of each clone that calls it, or it would stay at the baseline.
#if defined(__GNUC__)
#define COFIRE_INLINE inline __attribute__((always_inline))
#define COFIRE_RESTRICT __restrict__
#else
#define COFIRE_INLINE inline
#define COFIRE_RESTRICT __restrict
#endif
