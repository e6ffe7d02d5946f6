#pragma once

// The dense layer, for several images at a time.

#include "convolution.h"

namespace {

constexpr int CLASSES = REGISTERS >= 32 ? 5 : 3, TOGETHER = REGISTERS >= 32 ? 4 : 2;

template <int C, int N>
inline void products(Batch features, const Real *weights, long size, const Real *bias, Real *logits, long classes) {
    Vec sum[N][C] = {};
    for (long v = 0; v < size; v += LANES) {
        Vec x[N];
        for (int n = 0; n < N; n++) x[n] = load(features.first + n * features.step + v);
        for (int c = 0; c < C; c++) {
            Vec w = load(weights + c * size + v);
            for (int n = 0; n < N; n++) sum[n][c] += x[n] * w;
        }
    }
    for (int n = 0; n < N; n++)
        for (int c = 0; c < C; c++) logits[n * classes + c] = total(fold(sum[n][c])) + bias[c];
}

template <int N>
void classify(Batch features, const Real *weights, long size, const Real *bias, Real *logits, long classes) {
    long c = 0;
    for (; c + CLASSES <= classes; c += CLASSES)
        products<CLASSES, N>(features, weights + c * size, size, bias + c, logits + c, classes);
    for (; c < classes; c++) products<1, N>(features, weights + c * size, size, bias + c, logits + c, classes);
}

template <int N>
void classify_back(Batch features, const Real *weights, long size, const Real *slopes, long classes, Real *gradient,
                   Real *to, long step) {
    for (long v = 0; v < size; v += LANES) {
        Vec x[N], d[N];
        for (int n = 0; n < N; n++) x[n] = load(features.first + n * features.step + v), d[n] = Vec{};
        for (long c = 0; c < classes; c++) {
            Vec w = load(weights + c * size + v), g = load(gradient + c * size + v);
            for (int n = 0; n < N; n++) {
                Real s = slopes[n * classes + c];
                d[n] += w * s;
                g += x[n] * s;
            }
            store(gradient + c * size + v, g);
        }
        for (int n = 0; n < N; n++) store(to + n * step + v, d[n]);
    }
}

}  // namespace
