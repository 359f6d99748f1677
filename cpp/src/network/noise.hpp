// Standard normals for sixteen samples at a time, from a counter: Philox4x32-10 (Salmon et al.
// 2011, doi:10.1145/2063384.2063405) and the transform of Box and Muller. The numbers depend on
// (seed, sample, step, site) only: not on the batch a sample is in, nor on threads or vectors.
// Always in float32, so that both precisions see the same noise. Included like lanes.hpp.

typedef std::int32_t SignedWord __attribute__((vector_size(COFIRE_VECTOR_BYTES)));
typedef std::uint64_t Wide __attribute__((vector_size(COFIRE_VECTOR_BYTES)));
using Single = VectorOf<float>::Real;

COFIRE_INLINE Wide multiply_even(Wide a, Wide b) {
#if defined(__AVX512F__)
  return reinterpret_cast<Wide>(
      _mm512_mul_epu32(reinterpret_cast<__m512i>(a), reinterpret_cast<__m512i>(b)));
#elif defined(__AVX2__)
  return reinterpret_cast<Wide>(
      _mm256_mul_epu32(reinterpret_cast<__m256i>(a), reinterpret_cast<__m256i>(b)));
#elif defined(__SSE2__)
  return reinterpret_cast<Wide>(
      _mm_mul_epu32(reinterpret_cast<__m128i>(a), reinterpret_cast<__m128i>(b)));
#else
  return (a & 0xFFFFFFFFU) * (b & 0xFFFFFFFFU);
#endif
}

// Words of sixteen samples' counters, those of even and odd lanes apart, each in the low half of 64
// bits: products need no shuffling then. High halves may hold anything; products ignore them.
struct Words {
  Wide even, odd;
};

COFIRE_INLINE Words all_words(std::uint32_t x) {
  const Wide wide = Wide{} + std::uint64_t{x};
  return {wide, wide};
}

COFIRE_INLINE Words multiply(const Words& a, std::uint32_t constant) {
  const Wide factor = Wide{} + std::uint64_t{constant};
  return {multiply_even(a.even, factor), multiply_even(a.odd, factor)};
}

// The high half of `product`, xor two words.
COFIRE_INLINE Words mix(const Words& product, const Words& x, std::uint32_t key) {
  const Wide k = Wide{} + std::uint64_t{key};
  return {(product.even >> 32) ^ x.even ^ k, (product.odd >> 32) ^ x.odd ^ k};
}

COFIRE_INLINE Word interleave(const Words& x) {
  return reinterpret_cast<Word>((x.even & 0xFFFFFFFFU) | (x.odd << 32));
}

COFIRE_INLINE Single square_root(Single x) {
#if defined(__AVX512F__)
  return reinterpret_cast<Single>(_mm512_sqrt_ps(reinterpret_cast<__m512>(x)));
#elif defined(__AVX2__)
  return reinterpret_cast<Single>(_mm256_sqrt_ps(reinterpret_cast<__m256>(x)));
#elif defined(__SSE2__)
  return reinterpret_cast<Single>(_mm_sqrt_ps(reinterpret_cast<__m128>(x)));
#else
  for (int i = 0; i < COFIRE_VECTOR_BYTES / 4; ++i) x[i] = __builtin_sqrtf(x[i]);
  return x;
#endif
}

COFIRE_INLINE Single to_single(Word x) {
  return __builtin_convertvector(reinterpret_cast<SignedWord>(x), Single);
}

// ln(x) for normal x in (0, 1]: exponent and mantissa in [sqrt(1/2), sqrt(2)), minimax polynomial
// (coefficients of the Cephes library's logf).
COFIRE_INLINE Single natural_log(Single x) {
  const SignedWord bits = reinterpret_cast<SignedWord>(x);
  const SignedWord shifted = bits - 0x3F3504F3;
  const SignedWord exponent = shifted >> 23;
  const Single m = reinterpret_cast<Single>((shifted & 0x007FFFFF) + 0x3F3504F3) - 1.0F;
  const Single e = __builtin_convertvector(exponent, Single);
  const Single z = m * m;
  Single p = m * 7.0376836292E-2F - 1.1514610310E-1F;
  p = p * m + 1.1676998740E-1F;
  p = p * m - 1.2420140846E-1F;
  p = p * m + 1.4249322787E-1F;
  p = p * m - 1.6668057665E-1F;
  p = p * m + 2.0000714765E-1F;
  p = p * m - 2.4999993993E-1F;
  p = p * m + 3.3333331174E-1F;
  p = p * m * z + e * -2.12194440E-4F - z * 0.5F;
  return m + p + e * 0.693359375F;
}

// Two independent normals from two words.
struct NormalPair {
  Single first;
  Single second;
};

COFIRE_INLINE NormalPair box_muller(Word a, Word b) {
  // Uniform in (0, 1): 24 bits and half a step.
  const Single u = to_single(a >> 8) * 0x1.0p-24F + 0x1.0p-25F;
  const Single radius = square_root(natural_log(u) * -2.0F);
  // Two bits choose a quadrant, 24 bits an angle in [-pi/4, pi/4).
  const Single angle = to_single((b >> 6) & 0x00FFFFFFU) * 0x1.921FB6p-24F - 0x1.921FB6p-1F;
  const Single z = angle * angle;
  Single sine = z * -1.9515295891E-4F + 8.3321608736E-3F;
  sine = sine * z - 1.6666654611E-1F;
  sine = sine * z * angle + angle;
  Single cosine = z * 2.443315711809948E-5F - 1.388731625493765E-3F;
  cosine = cosine * z + 4.166664568298827E-2F;
  cosine = cosine * z * z - z * 0.5F + 1.0F;
  const SignedWord swap = (reinterpret_cast<SignedWord>(b) << 1) >> 31;
  const Word sign_cosine = (b ^ (b << 1)) & 0x80000000U;
  const Word sign_sine = b & 0x80000000U;
  const Single x = swap ? sine : cosine;
  const Single y = swap ? cosine : sine;
  return {
      radius * reinterpret_cast<Single>(reinterpret_cast<Word>(x) ^ sign_cosine),
      radius * reinterpret_cast<Single>(reinterpret_cast<Word>(y) ^ sign_sine),
  };
}

template <typename T>
COFIRE_INLINE void store_normals(T* row, int first_lane, Single x) {
  for (int i = 0; i < COFIRE_VECTOR_BYTES / 4; ++i) row[first_lane + i] = static_cast<T>(x[i]);
}
template <>
COFIRE_INLINE void store_normals<float>(float* row, int first_lane, Single x) {
  *reinterpret_cast<Single*>(row + first_lane) = x;
}

// Fills the rows [first, last) of `noise` (a row a site, a lane a sample); rows up to the next
// multiple of four on either side are written too.
template <typename T>
COFIRE_INLINE void fill_noise(std::uint64_t seed, std::uint64_t first_sample, std::uint64_t step,
                              index_t first, index_t last, T* noise) {
  constexpr int kPerVector = COFIRE_VECTOR_BYTES / 4;
  Words lane;
  for (int i = 0; i < kPerVector / 2; ++i) {
    lane.even[i] = static_cast<std::uint64_t>(2 * i);
    lane.odd[i] = static_cast<std::uint64_t>(2 * i + 1);
  }
  for (index_t block = first / 4; block * 4 < last; ++block) {
    T* rows = noise + block * 4 * kLanes;
    for (int part = 0; part < kLanes; part += kPerVector) {
      const std::uint64_t sample = first_sample + static_cast<std::uint64_t>(part);
      Words x0 = all_words(static_cast<std::uint32_t>(block));
      Words x1 = all_words(static_cast<std::uint32_t>(step));
      Words x2 = {lane.even + sample, lane.odd + sample};
      Words x3 = all_words(static_cast<std::uint32_t>(step >> 32));
      std::uint32_t k0 = static_cast<std::uint32_t>(seed);
      std::uint32_t k1 = static_cast<std::uint32_t>(seed >> 32);
      for (int round = 0; round < 10; ++round) {
        const Words p0 = multiply(x0, 0xD2511F53U);
        const Words p1 = multiply(x2, 0xCD9E8D57U);
        x0 = mix(p1, x1, k0);
        x1 = p1;
        x2 = mix(p0, x3, k1);
        x3 = p0;
        k0 += 0x9E3779B9U;
        k1 += 0xBB67AE85U;
      }
      const NormalPair a = box_muller(interleave(x0), interleave(x1));
      const NormalPair b = box_muller(interleave(x2), interleave(x3));
      store_normals(rows, part, a.first);
      store_normals(rows + kLanes, part, a.second);
      store_normals(rows + 2 * kLanes, part, b.first);
      store_normals(rows + 3 * kLanes, part, b.second);
    }
  }
}
