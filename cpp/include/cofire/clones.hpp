// One function, several instruction sets: the loader picks the widest the machine has.
#pragma once

// On plain (non-template) functions only. Wider vectors change no result: nothing is contracted and
// no sum is reordered. ELF with GCC on x86-64 only; sanitizers run before the loader's choice is
// made, so they get the baseline.
#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && defined(__ELF__) && \
    !defined(__SANITIZE_ADDRESS__)
#define COFIRE_CLONES [[gnu::target_clones("avx512f", "avx2", "default")]]
#else
#define COFIRE_CLONES
#endif

// Helpers of such functions must be inlined, or they would stay at the baseline.
#if defined(__GNUC__)
#define COFIRE_INLINE [[gnu::always_inline]] inline
#else
#define COFIRE_INLINE inline
#endif
