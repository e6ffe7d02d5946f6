// Trains one stack (P1, 2309.08414, section 3) on a processor, a few images at a time, inside its caches.
//
// Planes. A channel of an image is one run of pixels, row after row, with KERNEL / 2 zeros between rows, so that a
// neighbouring pixel is at a fixed distance and every tap of a convolution is one shifted read. All arithmetic is on
// whole vectors along this run; a mask keeps the zeros between rows.
//
// Stages. A stage of b blocks with f filters is one convolution from f to b * f planes, followed by the sum over blocks.
// Sequential, mixed and parallel stacks differ only in b.
//
// Registers. A tile of several output planes and vectors stays in registers over all inputs and taps. Weights are laid
// out in the order of reading, anew for each step.
//
// Compiled for one KERNEL and one REAL; all other sizes are arguments. Vector types are the compiler's, so the same
// source serves AVX-512, AVX2 and NEON.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <new>
#include <vector>
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

struct Shape {
    int32_t classes, depth, branches, filters, channels, height, width, activation;
};

enum { RELU, TANH, GELU, SIGMOID };

// ---------------------------------------------------------------------------------------------------- activations

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

// ---------------------------------------------------------------------------------------------------- planes

struct Planes {
    long stride;   // between rows
    long vectors;  // in a plane
    long gap;      // zeros before, between and after planes
    long size;     // of a plane with its gap
    std::vector<Ints> mask;

    Planes(long height, long width) {
        stride = width + RIGHT;
        vectors = (height * stride + LANES - 1) / LANES;
        gap = (RIGHT * stride + RIGHT + LANES - 1) / LANES * LANES;
        size = vectors * LANES + gap;
        mask.assign(vectors, Ints{});
        for (long y = 0; y < height; y++)
            for (long x = 0; x < width; x++) mask[(y * stride + x) / LANES][(y * stride + x) % LANES] = -1;
    }
};

// Zeroed memory for planes or numbers, on cache lines.
class Buffer {
  public:
    Buffer(size_t count) : memory_(static_cast<Real *>(::operator new((count + LANES) * sizeof(Real), line))) {
        std::memset(memory_, 0, (count + LANES) * sizeof(Real));
    }
    Buffer(const Buffer &) = delete;
    ~Buffer() { ::operator delete(memory_, line); }
    Real *get() const { return memory_; }

  private:
    static constexpr std::align_val_t line{64};
    Real *memory_;
};

// ---------------------------------------------------------------------------------------------------- convolution

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

// ---------------------------------------------------------------------------------------------------- weights' gradient

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

// ---------------------------------------------------------------------------------------------------- dense layer

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

// ---------------------------------------------------------------------------------------------------- a network

struct Images {
    const uint8_t *pixels;  // (images, channels, height, width)
    const int64_t *labels;
    const Real *scale, *shift;  // by channel
};

constexpr long CACHE = 1 << 20;  // bytes of activations to hold between forward and backward
constexpr int MOST_IMAGES = 8;

class Network {
  public:
    Network(const Shape &shape, bool training)
        : s(shape), p(s.height, s.width), f(s.filters), stages(s.depth / s.branches), wide(f * s.branches),
          image_planes(s.channels), hidden_planes((training ? stages + 1 : 2) * f),
          slope_planes(training ? s.depth * f : wide), group(group_size()), few(few_images()), taps_(f * s.channels * K * K),
          block_taps_(s.depth * f * f * K * K), turned_(training ? s.depth * f * f * K * K : 0),
          image_(p.gap + group * image_planes * p.size), hidden_(p.gap + group * hidden_planes * p.size),
          slope_(p.gap + group * slope_planes * p.size), back_(p.gap + group * f * p.size),
          head_(p.gap + s.classes * f * p.size), logits_(group * s.classes) {
        if (training) {
            sums_.emplace_back(new Buffer(weights() * PARTS));
            sums_.emplace_back(new Buffer((f + s.depth * f) * PARTS));
            sums_.emplace_back(new Buffer(s.classes * f * p.size));
        }
    }

    ~Network() {
        for (Buffer *sums : sums_) delete sums;
    }

    long parameters() const { return weights() + f + s.depth * f + s.classes * (f * s.height * s.width + 1); }

    // Parameters in the order: embedding weight and bias, blocks' weights and biases, head's weight and bias.
    void set(const Real *values) {
        embedding_bias = values + f * s.channels * K * K;
        const Real *blocks = embedding_bias + f;
        biases = blocks + s.depth * f * f * K * K;
        const Real *head = biases + s.depth * f;
        head_bias = head + s.classes * f * s.height * s.width;
        lay(values, f, s.channels, taps_.get());
        const long each = wide * f * K * K;
        for (long i = 0; i < stages; i++) {
            lay(blocks + i * each, wide, f, block_taps_.get() + i * each);
            if (!sums_.empty()) lay_turned(blocks + i * each, wide, f, turned_.get() + i * each);
        }
        for (long c = 0; c < s.classes * f; c++)
            for (long y = 0; y < s.height; y++)
                std::memcpy(head_.get() + c * p.size + y * p.stride, head + (c * s.height + y) * s.width,
                            s.width * sizeof(Real));
    }

    // Sums of losses and of right answers over images; with `mean_over`, also adds gradients of losses over it.
    void pass(const Images &data, const int64_t *index, long count, long mean_over, double *loss, double *right) {
        for (long at = 0; at < count; at += group) {
            int n = int(std::min<long>(group, count - at));
            for (int i = 0; i < n; i++) {
                gather(data, index[at + i], i);
                forward(i, mean_over > 0);
            }
            head(n);
            for (int i = 0; i < n; i++) judge(i, data.labels[index[at + i]], mean_over, loss, right);
            if (mean_over == 0) continue;
            head_back(n);
            for (int i = 0; i < n; i += few) backward(i, std::min(few, n - i));
        }
    }

    void clear_gradient() {
        std::memset(sums_[0]->get(), 0, weights() * PARTS * sizeof(Real));
        std::memset(sums_[1]->get(), 0, (f + s.depth * f) * PARTS * sizeof(Real));
        std::memset(sums_[2]->get(), 0, s.classes * f * p.size * sizeof(Real));
        head_bias_sums.assign(s.classes, 0);
    }

    void read_gradient(Real *to) const {
        const Sums *sums = reinterpret_cast<const Sums *>(sums_[0]->get());
        const Sums *bias = reinterpret_cast<const Sums *>(sums_[1]->get());
        const long first = f * s.channels * K * K;
        for (long i = 0; i < first; i++) *to++ = total(sums[i]);
        for (long i = 0; i < f; i++) *to++ = total(bias[i]);
        for (long i = first; i < weights(); i++) *to++ = total(sums[i]);
        for (long i = f; i < f + s.depth * f; i++) *to++ = total(bias[i]);
        for (long c = 0; c < s.classes * f; c++)
            for (long y = 0; y < s.height; y++, to += s.width)
                std::memcpy(to, sums_[2]->get() + c * p.size + y * p.stride, s.width * sizeof(Real));
        std::copy(head_bias_sums.begin(), head_bias_sums.end(), to);
    }

  private:
    const Shape s;
    const Planes p;
    const long f, stages, wide, image_planes, hidden_planes, slope_planes;
    const int group, few;  // images whose dense layers are computed together, and those of gradients of one stage
    Buffer taps_, block_taps_, turned_, image_, hidden_, slope_, back_, head_, logits_;
    std::vector<Buffer *> sums_;
    std::vector<Real> head_bias_sums;
    const Real *embedding_bias = nullptr, *biases = nullptr, *head_bias = nullptr;

    long weights() const { return (f * s.channels + s.depth * f * f) * K * K; }

    int few_images() const {
        long planes = std::min<long>(wide, outputs_at_once()) + std::min<long>(f, inputs_at_once());
        return int(std::clamp<long>(NEAR / (planes * p.size * long(sizeof(Real))), 1, group));
    }

    int group_size() const {
        long bytes = (image_planes + hidden_planes + slope_planes + f) * p.size * long(sizeof(Real));
        long fit = CACHE / bytes;
        return fit >= MOST_IMAGES ? MOST_IMAGES : fit >= 4 ? 4 : 1;
    }

    // A plane's first pixel comes after the gap.
    Real *image(long i) const { return image_.get() + p.gap + i * image_planes * p.size; }
    Real *slope(long i) const { return slope_.get() + p.gap + i * slope_planes * p.size; }
    Real *back(long i) const { return back_.get() + p.gap + i * f * p.size; }
    Real *hidden(long i, long stage) const {
        long place = hidden_planes == 2 * f && stages > 1 ? stage % 2 : stage;
        return hidden_.get() + p.gap + (i * hidden_planes + place * f) * p.size;
    }

    void gather(const Images &data, int64_t index, long i) const {
        const uint8_t *from = data.pixels + index * s.channels * s.height * s.width;
        for (long c = 0; c < s.channels; c++)
            for (long y = 0; y < s.height; y++, from += s.width) {
                Real *to = image(i) + c * p.size + y * p.stride;
                for (long x = 0; x < s.width; x++) to[x] = data.shift[c] + from[x] * data.scale[c];
            }
    }

    void forward(int i, bool training) const {
        const long each = wide * f * K * K;
        convolve(image(i), s.channels, taps_.get(), embedding_bias, f, hidden(i, 0), p, LEFT);
        for (long o = 0; o < f; o++) masked(hidden(i, 0) + o * p.size);
        for (long stage = 0; stage < stages; stage++) {
            Real *z = slope(i) + (training ? stage * wide * p.size : 0);
            convolve(hidden(i, stage), f, block_taps_.get() + stage * each, biases + stage * wide, wide, z, p, LEFT);
            add_blocks(hidden(i, stage), z, hidden(i, stage + 1));
        }
    }

    void head(int n) const {
        int i = 0;
        for (; i + TOGETHER <= n; i += TOGETHER)
            classify<TOGETHER>(last(i), head_.get(), f * p.size, head_bias, logits_.get() + i * s.classes, s.classes);
        for (; i < n; i++)
            classify<1>(last(i), head_.get(), f * p.size, head_bias, logits_.get() + i * s.classes, s.classes);
    }

    Batch last(long i) const { return {hidden(i, stages), hidden_planes * p.size}; }

    void masked(Real *plane) const {
        for (long v = 0; v < p.vectors; v++) store(plane + v * LANES, keep(load(plane + v * LANES), p.mask[v]));
    }

    // Adds every block's activations to the stage's input, and leaves their slopes in place of their arguments.
    void add_blocks(const Real *in, Real *z, Real *out) const {
        switch (s.activation) {
        case RELU: return add_blocks_of<RELU>(in, z, out);
        case TANH: return add_blocks_of<TANH>(in, z, out);
        case GELU: return add_blocks_of<GELU>(in, z, out);
        default: return add_blocks_of<SIGMOID>(in, z, out);
        }
    }

    template <int A> void add_blocks_of(const Real *in, Real *z, Real *out) const {
        for (long o = 0; o < wide; o++, z += p.size) {
            const Real *base = (o < f ? in : out) + o % f * p.size;
            Real *to = out + o % f * p.size;
            for (long v = 0; v < p.vectors; v++) {
                Activated a = activate<A>(load(z + v * LANES));
                store(to + v * LANES, load(base + v * LANES) + keep(a.value, p.mask[v]));
                store(z + v * LANES, keep(a.slope, p.mask[v]));
            }
        }
    }

    // Cross-entropy of one image; leaves its gradient in place of the logits.
    void judge(long i, int64_t label, long mean_over, double *loss, double *right) {
        Real *logit = logits_.get() + i * s.classes;
        Real *most = std::max_element(logit, logit + s.classes), top = *most;
        *right += most - logit == label;
        Real own = logit[label] - top, sum = 0;
        for (long c = 0; c < s.classes; c++) sum += logit[c] = std::exp(logit[c] - top);
        *loss += std::log(sum) - own;
        if (mean_over == 0) return;
        for (long c = 0; c < s.classes; c++) {
            logit[c] = (logit[c] / sum - (c == label)) / mean_over;
            head_bias_sums[c] += logit[c];
        }
    }

    void head_back(int n) const {
        const long size = f * p.size;
        int i = 0;
        Real *head_sums = sums_[2]->get();
        for (; i + TOGETHER <= n; i += TOGETHER)
            classify_back<TOGETHER>(last(i), head_.get(), size, logits_.get() + i * s.classes, s.classes, head_sums,
                                    back(i), size);
        for (; i < n; i++)
            classify_back<1>(last(i), head_.get(), size, logits_.get() + i * s.classes, s.classes, head_sums, back(i),
                             size);
    }

    // Gradients of images `first` to `first + n`, from those of their features.
    void backward(int first, int n) const {
        const long size = f * p.size, each = wide * f * K * K;
        Real *block_sums = sums_[0]->get() + f * s.channels * K * K * PARTS, *bias_sums = sums_[1]->get() + f * PARTS;
        for (long stage = stages - 1; stage >= 0; stage--) {
            for (int i = first; i < first + n; i++)
                for (long o = 0; o < wide; o++)
                    through(back(i) + o % f * p.size, slope(i) + (stage * wide + o) * p.size,
                            bias_sums + (stage * wide + o) * PARTS);
            Batch in{hidden(first, stage), hidden_planes * p.size};
            Batch out{slope(first) + stage * wide * p.size, slope_planes * p.size};
            weight_gradients(in, f, out, wide, n, block_sums + stage * each * PARTS, p);
            for (int i = first; i < first + n; i++)
                convolve(slope(i) + stage * wide * p.size, wide, turned_.get() + stage * each, nullptr, f, back(i), p,
                         RIGHT);
        }
        for (int i = first; i < first + n; i++)
            for (long o = 0; o < f; o++) {
                Real *plane = back(i) + o * p.size;
                masked(plane);
                Vec sum{};
                for (long v = 0; v < p.vectors; v++) sum += load(plane + v * LANES);
                *reinterpret_cast<Sums *>(sums_[1]->get() + o * PARTS) += fold(sum);
            }
        weight_gradients({image(first), image_planes * p.size}, s.channels, {back(first), size}, f, n, sums_[0]->get(), p);
    }

    // Turns slopes into gradients of the arguments, and adds those of the bias.
    void through(const Real *gradient, Real *slopes, Real *bias) const {
        Vec sum{};
        for (long v = 0; v < p.vectors; v++) {
            Vec d = load(gradient + v * LANES) * load(slopes + v * LANES);
            store(slopes + v * LANES, d);
            sum += d;
        }
        *reinterpret_cast<Sums *>(bias) += fold(sum);
    }
};

// ---------------------------------------------------------------------------------------------------- optimisers

struct Optimizer {
    int32_t method;  // 0 AdamW, 1 SGD, 2 SGD with Nesterov's momentum
    double decay, momentum;
};

void update(const Optimizer &how, Real *__restrict value, const Real *__restrict gradient, Real *__restrict first,
            Real *__restrict second, long count, double rate, long step) {
    const Real decay = Real(how.decay), momentum = Real(how.momentum), r = Real(rate);
    if (how.method == 0) {
        const Real keep1 = Real(0.9), keep2 = Real(0.999), shrink = 1 - Real(rate * how.decay);
        const Real part1 = Real(1 - 0.9), part2 = Real(1 - 0.999);
        const Real scale = Real(1 / std::sqrt(1 - std::pow(0.999, double(step))));
        const Real pace = Real(rate / (1 - std::pow(0.9, double(step))));
        for (long i = 0; i < count; i++) {
            Real g = gradient[i];
            first[i] = keep1 * first[i] + part1 * g;
            second[i] = keep2 * second[i] + part2 * g * g;
            value[i] = value[i] * shrink - pace * first[i] / (std::sqrt(second[i]) * scale + Real(1e-8));
        }
        return;
    }
    for (long i = 0; i < count; i++) {
        Real g = gradient[i] + decay * value[i];
        first[i] = momentum * first[i] + g;
        value[i] -= r * (how.method == 1 ? first[i] : g + momentum * first[i]);
    }
}

}  // namespace

// Each returns 0, or 1 where memory is short, or 2 where a number is no longer finite.
extern "C" {

int lanes() { return LANES; }

// Mean loss and its gradient over images, without an update.
int gradient(const Shape *shape, const Real *parameters, const uint8_t *pixels, const int64_t *labels, const Real *scale,
             const Real *shift, const int64_t *index, int64_t count, Real *to, double *loss_and_right) try {
    NoTinyNumbers mode;
    Network network(*shape, true);
    double loss = 0, right = 0;
    network.clear_gradient();
    network.set(parameters);
    network.pass({pixels, labels, scale, shift}, index, count, count, &loss, &right);
    network.read_gradient(to);
    loss_and_right[0] = loss / double(count), loss_and_right[1] = right / double(count);
    return 0;
} catch (const std::bad_alloc &) {
    return 1;
}

// Steps over batches of `batch` images in the given order, the last one shorter. `rates` holds the learning rate of
// each step, `done` counts earlier steps. Adds to `sums` loss, right answers and gradient norm of each image's step.
// State is two vectors like the parameters.
int steps(const Shape *shape, Real *parameters, Real *first, Real *second, const Optimizer *how, const uint8_t *pixels,
          const int64_t *labels, const Real *scale, const Real *shift, const int64_t *order, int64_t count,
          int64_t batch, const double *rates, int64_t done, double *sums) try {
    NoTinyNumbers mode;
    Network network(*shape, true);
    const long size = network.parameters();
    std::vector<Real> slope(size);
    for (int64_t at = 0; at < count; at += batch, rates++) {
        const long n = std::min<int64_t>(batch, count - at);
        double loss = 0, right = 0, norm = 0;
        network.clear_gradient();
        network.set(parameters);
        network.pass({pixels, labels, scale, shift}, order + at, n, n, &loss, &right);
        network.read_gradient(slope.data());
        for (Real g : slope) norm += double(g) * double(g);
        norm = std::sqrt(norm);
        sums[0] += loss, sums[1] += right, sums[2] += norm * double(n);
        if (!std::isfinite(loss) || !std::isfinite(norm)) return 2;
        update(*how, parameters, slope.data(), first, second, size, *rates, ++done);
    }
    return 0;
} catch (const std::bad_alloc &) {
    return 1;
}

// Adds the losses of images and the number of right answers to `sums`.
int evaluate(const Shape *shape, const Real *parameters, const uint8_t *pixels, const int64_t *labels, const Real *scale,
             const Real *shift, const int64_t *index, int64_t count, double *sums) try {
    NoTinyNumbers mode;
    Network network(*shape, false);
    network.set(parameters);
    network.pass({pixels, labels, scale, shift}, index, count, 0, &sums[0], &sums[1]);
    return std::isfinite(sums[0]) ? 0 : 2;
} catch (const std::bad_alloc &) {
    return 1;
}

}  // extern "C"
