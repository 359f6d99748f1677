// Sixteen samples side by side: the vectors that the network kernels compute with.
//
// Included once per instruction set, inside that set's own namespace, by files that are compiled
// with its flags; vectors are as wide as its registers. Every operation is elementwise IEEE
// arithmetic without contraction, so all instruction sets give the same bits. Nothing here comes
// from the standard library's templates: the linker could share such code between instruction sets.

#if defined(__AVX512F__)
#define COFIRE_VECTOR_BYTES 64
#elif defined(__AVX2__)
#define COFIRE_VECTOR_BYTES 32
#else
#define COFIRE_VECTOR_BYTES 16
#endif

template <typename T>
struct VectorOf;
template <>
struct VectorOf<float> {
  typedef float Real __attribute__((vector_size(COFIRE_VECTOR_BYTES)));
  typedef std::int32_t Int __attribute__((vector_size(COFIRE_VECTOR_BYTES)));
};
template <>
struct VectorOf<double> {
  typedef double Real __attribute__((vector_size(COFIRE_VECTOR_BYTES)));
  typedef std::int64_t Int __attribute__((vector_size(COFIRE_VECTOR_BYTES)));
};
typedef std::uint32_t Word __attribute__((vector_size(COFIRE_VECTOR_BYTES)));

template <typename T>
struct Lanes {
  using Real = typename VectorOf<T>::Real;
  using Int = typename VectorOf<T>::Int;
  static constexpr int kVectors = kLanes * static_cast<int>(sizeof(T)) / COFIRE_VECTOR_BYTES;
  Real v[kVectors];
};

template <typename T>
struct Mask {
  using Int = typename VectorOf<T>::Int;
  Int m[Lanes<T>::kVectors];
};

#define COFIRE_EACH for (int k = 0; k < Lanes<T>::kVectors; ++k)

template <typename T>
COFIRE_INLINE Lanes<T> load(const T* row) {
  Lanes<T> x;
  COFIRE_EACH x.v[k] = reinterpret_cast<const typename Lanes<T>::Real*>(row)[k];
  return x;
}

template <typename T>
COFIRE_INLINE void store(T* row, const Lanes<T>& x) {
  COFIRE_EACH reinterpret_cast<typename Lanes<T>::Real*>(row)[k] = x.v[k];
}

template <typename T>
COFIRE_INLINE Lanes<T> all_lanes(T value) {
  Lanes<T> x;
  COFIRE_EACH x.v[k] = value - typename Lanes<T>::Real{};
  return x;
}

template <typename T>
COFIRE_INLINE Lanes<T> operator+(Lanes<T> a, const Lanes<T>& b) {
  COFIRE_EACH a.v[k] += b.v[k];
  return a;
}
template <typename T>
COFIRE_INLINE Lanes<T> operator-(Lanes<T> a, const Lanes<T>& b) {
  COFIRE_EACH a.v[k] -= b.v[k];
  return a;
}
template <typename T>
COFIRE_INLINE Lanes<T> operator*(Lanes<T> a, const Lanes<T>& b) {
  COFIRE_EACH a.v[k] *= b.v[k];
  return a;
}
template <typename T>
COFIRE_INLINE Lanes<T> operator/(Lanes<T> a, const Lanes<T>& b) {
  COFIRE_EACH a.v[k] /= b.v[k];
  return a;
}
template <typename T>
COFIRE_INLINE Lanes<T> operator+(Lanes<T> a, T b) {
  COFIRE_EACH a.v[k] += b;
  return a;
}
template <typename T>
COFIRE_INLINE Lanes<T> operator-(Lanes<T> a, T b) {
  COFIRE_EACH a.v[k] -= b;
  return a;
}
template <typename T>
COFIRE_INLINE Lanes<T> operator*(Lanes<T> a, T b) {
  COFIRE_EACH a.v[k] *= b;
  return a;
}
template <typename T>
COFIRE_INLINE Lanes<T> operator*(T a, Lanes<T> b) {
  COFIRE_EACH b.v[k] *= a;
  return b;
}
template <typename T>
COFIRE_INLINE Lanes<T> operator-(T a, Lanes<T> b) {
  COFIRE_EACH b.v[k] = a - b.v[k];
  return b;
}
template <typename T>
COFIRE_INLINE Lanes<T> operator/(T a, Lanes<T> b) {
  COFIRE_EACH b.v[k] = a / b.v[k];
  return b;
}

template <typename T>
COFIRE_INLINE Mask<T> operator>(const Lanes<T>& a, T b) {
  Mask<T> x;
  COFIRE_EACH x.m[k] = a.v[k] > b;
  return x;
}
template <typename T>
COFIRE_INLINE Mask<T> operator>=(const Lanes<T>& a, T b) {
  Mask<T> x;
  COFIRE_EACH x.m[k] = a.v[k] >= b;
  return x;
}
template <typename T>
COFIRE_INLINE Mask<T> operator<=(const Lanes<T>& a, T b) {
  Mask<T> x;
  COFIRE_EACH x.m[k] = a.v[k] <= b;
  return x;
}
template <typename T>
COFIRE_INLINE Mask<T> operator&(Mask<T> a, const Mask<T>& b) {
  COFIRE_EACH a.m[k] &= b.m[k];
  return a;
}
// `a` where the mask is set, `b` elsewhere.
template <typename T>
COFIRE_INLINE Lanes<T> choose(const Mask<T>& mask, const Lanes<T>& a, const Lanes<T>& b) {
  Lanes<T> x;
  COFIRE_EACH x.v[k] = mask.m[k] ? a.v[k] : b.v[k];
  return x;
}
// `a` where the mask is set, 0 elsewhere.
template <typename T>
COFIRE_INLINE Lanes<T> keep(const Mask<T>& mask, Lanes<T> a) {
  COFIRE_EACH a.v[k] = reinterpret_cast<typename Lanes<T>::Real>(
      reinterpret_cast<typename Lanes<T>::Int>(a.v[k]) & mask.m[k]);
  return a;
}
template <typename T>
COFIRE_INLINE Lanes<T> at_least(const Lanes<T>& a, T floor) {
  return choose(a > floor, a, all_lanes(floor));
}
template <typename T>
COFIRE_INLINE Lanes<T> at_most(const Lanes<T>& a, T ceiling) {
  return choose(a > ceiling, all_lanes(ceiling), a);
}
template <typename T>
COFIRE_INLINE Lanes<T> magnitude(const Lanes<T>& a) {
  return choose(a > T(0), a, T(0) - a);
}
template <typename T>
COFIRE_INLINE Lanes<T> ones_where(const Mask<T>& mask) {
  return keep(mask, all_lanes(T(1)));
}

// Whether a row is nowhere different from zero.
template <typename T>
COFIRE_INLINE bool is_silent(const T* row) {
  typename Lanes<T>::Int any{};
  const Lanes<T> x = load(row);
  COFIRE_EACH any |= x.v[k] != T(0);
  std::int64_t found = 0;
  const auto words = reinterpret_cast<typename VectorOf<double>::Int>(any);
  for (int k = 0; k < COFIRE_VECTOR_BYTES / 8; ++k) found |= words[k];
  return found == 0;
}

// Sum over lanes, always in the same order.
template <typename T>
COFIRE_INLINE double lane_sum(const Lanes<T>& x) {
  double total = 0.0;
  for (int k = 0; k < Lanes<T>::kVectors; ++k) {
    for (int i = 0; i < COFIRE_VECTOR_BYTES / static_cast<int>(sizeof(T)); ++i) {
      total += static_cast<double>(x.v[k][i]);
    }
  }
  return total;
}

// A sum over lanes by halves, in an order that no instruction set changes.
template <typename T>
COFIRE_INLINE T fold_lanes(Lanes<T> x) {
  using Real = typename Lanes<T>::Real;
  using Int = typename Lanes<T>::Int;
  constexpr int kPerVector = COFIRE_VECTOR_BYTES / static_cast<int>(sizeof(T));
  for (int half = Lanes<T>::kVectors / 2; half > 0; half /= 2) {
    for (int k = 0; k < half; ++k) x.v[k] += x.v[k + half];
  }
  Int place;
  for (int i = 0; i < kPerVector; ++i) place[i] = i;
  Real sum = x.v[0];
  for (int half = kPerVector / 2; half > 0; half /= 2) {
    sum += __builtin_shuffle(sum, place + half);
  }
  return sum[0];
}

// exp(x): x = n ln 2 + r, |r| <= ln 2 / 2, and the Taylor series of exp(r); the error is below two
// units in the last place. Arguments are clamped to the range of normal results.
template <typename T>
COFIRE_INLINE Lanes<T> exponential(const Lanes<T>& x) {
  constexpr bool kSingle = sizeof(T) == 4;
  constexpr T kLimit = kSingle ? T(87) : T(708);
  constexpr T kRound = kSingle ? T(12582912.0) : T(6755399441055744.0);  // 1.5 * 2^23, 1.5 * 2^52
  constexpr T kLog2E = T(1.44269504088896340736);
  constexpr T kLn2High = kSingle ? T(0.693359375) : T(6.93147180369123816490e-01);
  constexpr T kLn2Low = kSingle ? T(-2.12194440e-4) : T(1.90821492927058770002e-10);
  constexpr int kMantissa = kSingle ? 23 : 52;
  constexpr T kTerms[] = {T(1.0 / 6227020800.0), T(1.0 / 479001600.0), T(1.0 / 39916800.0),
                          T(1.0 / 3628800.0),    T(1.0 / 362880.0),    T(1.0 / 40320.0),
                          T(1.0 / 5040.0),       T(1.0 / 720.0),       T(1.0 / 120.0),
                          T(1.0 / 24.0),         T(1.0 / 6.0),         T(0.5)};
  constexpr int kFirst = kSingle ? 6 : 0;
  const Lanes<T> limited = at_most(at_least(x, -kLimit), kLimit);
  const Lanes<T> shifted = limited * kLog2E + kRound;
  const Lanes<T> n = shifted - kRound;
  const Lanes<T> r = (limited - n * kLn2High) - n * kLn2Low;
  Lanes<T> p = all_lanes(kTerms[kFirst]);
  for (int i = kFirst + 1; i < 12; ++i) p = p * r + kTerms[i];
  p = p * (r * r) + r + T(1);
  COFIRE_EACH {
    const auto exponent = reinterpret_cast<typename Lanes<T>::Int>(shifted.v[k]) << kMantissa;
    p.v[k] = reinterpret_cast<typename Lanes<T>::Real>(
        reinterpret_cast<typename Lanes<T>::Int>(p.v[k]) + exponent);
  }
  return p;
}

template <typename T>
COFIRE_INLINE Lanes<T> logistic(const Lanes<T>& x) {
  return T(1) / (exponential(T(0) - x) + T(1));
}
