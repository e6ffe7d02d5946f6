#pragma once

// Activations and their slopes, on vectors.

#include <cmath>
#include <initializer_list>
#include "vectors.h"

namespace {

enum { RELU, TANH, GELU, SIGMOID };

template <class F> inline Vec each(Vec x, F f) {
    for (int i = 0; i < LANES; i++) x[i] = f(x[i]);
    return x;
}

// Relative error below 2e-7. Arguments beyond the ends of float's range are taken as those ends.
inline Vec exponential(Vec x) {
    if constexpr (sizeof(Real) == 8) {
        return each(x, [](Real v) { return std::exp(v); });
    } else {
        x = x > all(88) ? all(88) : x;
        x = x < all(-87) ? all(-87) : x;
        const Vec shift = all(12582912);  // 1.5 * 2^23: adding it rounds to an integer
        Vec n = (x * all(1.44269504f) + shift) - shift;
        Vec r = x - n * all(0.693359375f) - n * all(-2.12194440e-4f);
        Vec p = all(1.0f / 5040);
        for (float c : {1.0f / 720, 1.0f / 120, 1.0f / 24, 1.0f / 6, 0.5f, 1.0f, 1.0f}) p = p * r + c;
        // A NaN has no integer, but its product stays one.
        Ints power = (__builtin_convertvector(n, Ints) + 127) << 23;
        return p * (Vec)power;
    }
}

inline Vec tanh_of(Vec x) {
    if constexpr (sizeof(Real) == 8) {
        return each(x, [](Real v) { return std::tanh(v); });
    } else {
        Vec size = x < 0 ? -x : x;
        Vec far = 1 - 2 / (exponential(2 * size) + 1);
        far = x < 0 ? -far : far;
        // Where the quotient loses digits: a polynomial fitted for |x| < 0.65, relative error below 1e-8.
        Vec z = x * x, p = all(-5.4394267e-3f);
        for (float c : {2.0397950e-2f, -5.3665042e-2f, 0.13330543f, -0.33333248f}) p = p * z + c;
        Vec near = x + x * z * p;
        return size < all(0.65f) ? near : far;
    }
}

struct Activated {
    Vec value, slope;
};

inline Activated gelu(Vec x) {
    const Real root = 0.70710678118654752440, density = 0.39894228040143267794;
    if constexpr (sizeof(Real) == 8) {
        Vec cdf = each(x, [=](Real v) { return 0.5 * std::erfc(-v * root); });
        return {x * cdf, cdf + x * exponential(x * x * -0.5) * density};
    } else {
        Vec bell = exponential(x * x * all(-0.5f)), size = x < 0 ? -x : x;
        // The normal distribution's tail is the bell times a smooth function of u; fitted, error below 2e-10.
        Vec u = 1 / (1 + all(0.3f) * size), p = all(5.2445017e-2f);
        for (float c : {-0.32768760f, 0.71693033f, -0.56086576f, 0.49179935f, -1.7568627e-2f, 0.14736870f,
                        -2.4213980e-3f})
            p = p * u + c;
        Vec tail = bell * p, cdf = x < 0 ? tail : 1 - tail;
        return {x * cdf, cdf + x * bell * (Real)density};
    }
}

template <int A> inline Activated activate(Vec x) {
    if constexpr (A == RELU) return {x <= 0 ? Vec{} : x, x > 0 ? all(1) : Vec{}};  // NaN stays NaN
    if constexpr (A == TANH) {
        Vec y = tanh_of(x);
        return {y, 1 - y * y};
    }
    if constexpr (A == GELU) return gelu(x);
    if constexpr (A == SIGMOID) {
        Vec y = 1 / (1 + exponential(-x));
        return {y, y * (1 - y)};
    }
}

}  // namespace
