// One binary, the widest vectors of the machine it runs on.
#pragma once

// Compiles a plain (not template) function once per instruction set and picks at load time. Kernels
// are built without contraction, so every clone gives the same bits. Sanitizers cannot run the
// resolvers; other compilers and platforms use their baseline.
#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && defined(__ELF__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define COFIRE_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define COFIRE_CLONES
#endif

// A helper that must become part of each clone that calls it.
#if defined(__GNUC__)
#define COFIRE_INLINE inline __attribute__((always_inline))
#define COFIRE_RESTRICT __restrict__
#else
#define COFIRE_INLINE inline
#define COFIRE_RESTRICT __restrict
#endif
