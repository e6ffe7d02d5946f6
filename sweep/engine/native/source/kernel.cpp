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

#include <cmath>
#include <new>
#include <vector>

#include "network.h"

namespace {

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
