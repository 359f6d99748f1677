// Plain functions that the loader picks by instruction set. Only where a measurement shows a gain.
#pragma once

#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && defined(__ELF__) && \
    !defined(__SANITIZE_ADDRESS__)
#define COFIRE_CLONES(...) __attribute__((target_clones(__VA_ARGS__, "default")))
#else
#define COFIRE_CLONES(...)
#endif
