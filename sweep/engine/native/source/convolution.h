#pragma once

// Convolutions of planes, and the gradients of their weights.

#include <algorithm>
#include <initializer_list>
#include <type_traits>

#include "planes.h"

namespace {

constexpr int most_vectors(int outputs) {
    int room = (REGISTERS - 4) / outputs;
    return room > 8 ? 8 : room < 1 ? 1 : room;
}

// Adds to or replaces `T` vectors of `O` planes by the convolution of `inputs` planes; `in` is at the first tap.
template <int O, int T, bool ADD>
inline void tile(const Real *in, long inputs, const Real *weights, const Real *bias, Real *out, const Planes &p) {
    Vec sum[O][T];
    for (int o = 0; o < O; o++)
        for (int t = 0; t < T; t++) sum[o][t] = ADD ? Vec{} : all(bias[o]);
    for (long i = 0; i < inputs; i++, in += p.size)
        for (int ky = 0; ky < K; ky++) {
            const Real *row = in + ky * p.stride;
#pragma GCC unroll 15
            for (int kx = 0; kx < K; kx++, weights += O) {
                Vec x[T];
#pragma GCC unroll 8
                for (int t = 0; t < T; t++) x[t] = load(row + kx + t * LANES);
#pragma GCC unroll 8
                for (int o = 0; o < O; o++) {
                    Vec w = all(weights[o]);
#pragma GCC unroll 8
                    for (int t = 0; t < T; t++) sum[o][t] += x[t] * w;
                }
            }
        }
    for (int o = 0; o < O; o++)
        for (int t = 0; t < T; t++) {
            Real *to = out + o * p.size + t * LANES;
            store(to, ADD ? load(to) + sum[o][t] : sum[o][t]);
        }
}

template <int O, int T, bool ADD>
inline void some(int count, const Real *in, long inputs, const Real *w, const Real *bias, Real *out, const Planes &p) {
    if (count == T)
        tile<O, T, ADD>(in, inputs, w, bias, out, p);
    else if constexpr (T > 1)
        some<O, T - 1, ADD>(count, in, inputs, w, bias, out, p);
}

template <int O, bool ADD>
void block(const Real *in, long inputs, const Real *w, const Real *bias, Real *out, const Planes &p, int left) {
    constexpr int MOST = most_vectors(O);
    long tiles = (p.vectors + MOST - 1) / MOST;
    in -= left * (p.stride + 1);
    for (long i = 0; i < tiles; i++) {
        long from = p.vectors * i / tiles, to = p.vectors * (i + 1) / tiles;
        some<O, MOST, ADD>(int(to - from), in + from * LANES, inputs, w, bias, out + from * LANES, p);
    }
}

// Calls f(first, width) for runs of 8, 4, 2 and 1 that make up `count`.
template <class F> inline void runs(long count, F f) {
    long at = 0;
    for (int width : {8, 4, 2, 1})
        for (; count - at >= width; at += width) f(at, width);
}

template <bool ADD>
void any_block(int width, const Real *in, long inputs, const Real *w, const Real *bias, Real *out, const Planes &p,
               int left) {
    switch (width) {
    case 8: return block<8, ADD>(in, inputs, w, bias, out, p, left);
    case 4: return block<4, ADD>(in, inputs, w, bias, out, p, left);
    case 2: return block<2, ADD>(in, inputs, w, bias, out, p, left);
    default: return block<1, ADD>(in, inputs, w, bias, out, p, left);
    }
}

constexpr long NEAR = 24 << 10;  // bytes of planes to go over again and again, in the first-level cache

// Convolves `inputs` planes to `outputs` planes with `taps` laid out by `lay`; `left` pixels lie before the centre.
// Adds to what is there, or to the bias if there is one. Takes as many inputs at a time as stay near.
void convolve(const Real *in, long inputs, const Real *taps, const Real *bias, long outputs, Real *out, const Planes &p,
              int left) {
    const long some = std::max<long>(1, NEAR / (p.size * long(sizeof(Real))));
    for (long at = 0; at < inputs; at += some) {
        const long n = std::min(some, inputs - at);
        runs(outputs, [&](long first, int width) {
            const Real *from = in + at * p.size, *w = taps + (first * inputs + at * width) * K * K;
            Real *to = out + first * p.size;
            if (bias && at == 0)
                any_block<false>(width, from, n, w, bias + first, to, p, left);
            else
                any_block<true>(width, from, n, w, nullptr, to, p, left);
        });
    }
}

// Lays weights (outputs, inputs, K, K) out as `convolve` reads them.
void lay(const Real *weights, long outputs, long inputs, Real *taps) {
    runs(outputs, [&](long first, int width) {
        Real *to = taps + first * inputs * K * K;
        for (long i = 0; i < inputs; i++)
            for (int k = 0; k < K * K; k++)
                for (int o = 0; o < width; o++) *to++ = weights[((first + o) * inputs + i) * K * K + k];
    });
}

// The same for the gradient of the inputs: taps turned round, inputs and outputs exchanged.
void lay_turned(const Real *weights, long outputs, long inputs, Real *taps) {
    runs(inputs, [&](long first, int width) {
        Real *to = taps + first * outputs * K * K;
        for (long o = 0; o < outputs; o++)
            for (int k = K * K - 1; k >= 0; k--)
                for (int i = 0; i < width; i++) *to++ = weights[(o * inputs + first + i) * K * K + k];
    });
}

// ---- gradients of weights

constexpr int ROOM = REGISTERS - 4;
constexpr int outputs_at_once() { return 4 * K + 4 <= ROOM ? 4 : 2 * K + 2 <= ROOM ? 2 : 1; }
constexpr int inputs_at_once() { return 16 * K + 5 <= ROOM ? 4 : 8 * K + 5 <= ROOM ? 2 : 1; }

// Images of which each lies `step` numbers after the one before.
struct Batch {
    const Real *first;
    long step;
};

// Adds the gradient of one row of taps between I input and O output planes, over several images.
template <int O, int I>
inline void row_gradient(Batch in, Batch out, int images, Real *sums, long inputs, const Planes &p) {
    constexpr int U = O * I * K >= 8 ? 1 : 8 / (O * I * K);  // enough sums to hide the latency of an addition
    Vec sum[U][O][I][K] = {};
    for (int n = 0; n < images; n++) {
        const Real *x = in.first + n * in.step, *g = out.first + n * out.step;
        long v = 0;
        auto add = [&](int u) {
            Vec gradient[O];
#pragma GCC unroll 8
            for (int o = 0; o < O; o++) gradient[o] = load(g + o * p.size + v * LANES);
#pragma GCC unroll 8
            for (int i = 0; i < I; i++)
#pragma GCC unroll 15
                for (int k = 0; k < K; k++) {
                    Vec pixel = load(x + i * p.size + v * LANES + k);
#pragma GCC unroll 8
                    for (int o = 0; o < O; o++) sum[u][o][i][k] += gradient[o] * pixel;
                }
            v++;
        };
        while (v + U <= p.vectors)
#pragma GCC unroll 8
            for (int u = 0; u < U; u++) add(u);
        while (v < p.vectors) add(0);
    }
    for (int o = 0; o < O; o++)
        for (int i = 0; i < I; i++)
            for (int k = 0; k < K; k++) {
                Vec whole = sum[0][o][i][k];
                for (int u = 1; u < U; u++) whole += sum[u][o][i][k];
                Sums *to = reinterpret_cast<Sums *>(sums + ((o * inputs + i) * K * K + k) * PARTS);
                *to += fold(whole);
            }
}

template <int O, int I>
void gradients(Batch in, Batch out, int images, Real *sums, long inputs, const Planes &p) {
    for (int ky = 0; ky < K; ky++) {
        Batch row{in.first + (ky - LEFT) * p.stride - LEFT, in.step};
        row_gradient<O, I>(row, out, images, sums + ky * K * PARTS, inputs, p);
    }
}

template <int O> void gradients_of(Batch in, long inputs, Batch out, int images, Real *sums, const Planes &p) {
    constexpr int I = inputs_at_once();
    long i = 0;
    auto run = [&](auto width) {
        Batch from{in.first + i * p.size, in.step};
        gradients<O, decltype(width)::value>(from, out, images, sums + i * K * K * PARTS, inputs, p);
        i += decltype(width)::value;
    };
    while (i + I <= inputs) run(std::integral_constant<int, I>{});
    while (i < inputs) run(std::integral_constant<int, 1>{});
}

// Adds the gradient of weights (outputs, inputs, K, K), PARTS partial sums of each.
void weight_gradients(Batch in, long inputs, Batch out, long outputs, int images, Real *sums, const Planes &p) {
    constexpr int O = outputs_at_once();
    long o = 0;
    auto run = [&](auto width) {
        Batch from{out.first + o * p.size, out.step};
        gradients_of<decltype(width)::value>(in, inputs, from, images, sums + o * inputs * K * K * PARTS, p);
        o += decltype(width)::value;
    };
    while (o + O <= outputs) run(std::integral_constant<int, O>{});
    if constexpr (O > 2)
        while (o + 2 <= outputs) run(std::integral_constant<int, 2>{});
    while (o < outputs) run(std::integral_constant<int, 1>{});
}

}  // namespace
