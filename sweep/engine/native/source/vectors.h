#pragma once

// Vectors of the processor at hand, and how numbers are kept in them.

#include <cstdint>
#if defined(__SSE__)
#include <xmmintrin.h>
#endif

namespace {

using Real = REAL;
constexpr int K = KERNEL;
constexpr int LEFT = (K - 1) / 2, RIGHT = K / 2;

#if defined(__AVX512F__)
constexpr int BYTES = 64, REGISTERS = 32;
#elif defined(__AVX__)
constexpr int BYTES = 32, REGISTERS = 16;
#elif defined(__aarch64__)
constexpr int BYTES = 16, REGISTERS = 32;
#else
constexpr int BYTES = 16, REGISTERS = 16;
#endif
constexpr int LANES = BYTES / sizeof(Real);
constexpr int PARTS = LANES < 4 ? LANES : 4;  // partial sums that a weight's gradient keeps in memory

template <class T> struct Same;
template <> struct Same<float> { using Int = int32_t; };
template <> struct Same<double> { using Int = int64_t; };
using Int = Same<Real>::Int;

typedef Real Vec __attribute__((vector_size(BYTES)));
typedef Real Loose __attribute__((vector_size(BYTES), aligned(sizeof(Real)), may_alias));
typedef Int Ints __attribute__((vector_size(BYTES)));
typedef Real Sums __attribute__((vector_size(PARTS * sizeof(Real)), may_alias));

inline Vec load(const Real *p) { return *reinterpret_cast<const Loose *>(p); }
inline void store(Real *p, Vec v) { *reinterpret_cast<Loose *>(p) = v; }
inline Vec keep(Vec v, Ints mask) { return (Vec)((Ints)v & mask); }
inline Vec all(Real value) { return Vec{} + value; }

inline Sums fold(Vec v) {
    const Sums *parts = reinterpret_cast<const Sums *>(&v);
    Sums sum = parts[0];
    for (int i = 1; i < LANES / PARTS; i++) sum += parts[i];
    return sum;
}

inline Real total(Sums v) {
    Real sum = 0;
    for (int i = 0; i < PARTS; i++) sum += v[i];
    return sum;
}

// Takes numbers below the smallest normal one for zero while it lives: processors are a hundred times slower on them,
// and the gradients of images that a network is sure of are full of them.
class NoTinyNumbers {
#if defined(__SSE__)
    unsigned before = _mm_getcsr();

  public:
    NoTinyNumbers() { _mm_setcsr(before | 0x8040); }
    ~NoTinyNumbers() { _mm_setcsr(before); }
#elif defined(__aarch64__)
    uint64_t before;

  public:
    NoTinyNumbers() {
        asm volatile("mrs %0, fpcr" : "=r"(before));
        asm volatile("msr fpcr, %0" ::"r"(before | 1ull << 24));
    }
    ~NoTinyNumbers() { asm volatile("msr fpcr, %0" ::"r"(before)); }
#endif
};

}  // namespace
