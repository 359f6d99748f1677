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
#else
#define COFIRE_CLONES
#define COFIRE_POPCNT_CLONES
#endif

// A helper that must become part of each clone that calls it, or it would stay at the baseline.
#if defined(__GNUC__)
#define COFIRE_INLINE inline __attribute__((always_inline))
#define COFIRE_RESTRICT __restrict__
#else
#define COFIRE_INLINE inline
#define COFIRE_RESTRICT __restrict
#endif
