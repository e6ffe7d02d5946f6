#pragma once

// One stack with its memory: losses, right answers and gradients of images.

#include <algorithm>
#include <cmath>

#include "activations.h"
#include "dense.h"

namespace {

struct Shape {
    int32_t classes, depth, branches, filters, channels, height, width, activation;
};

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

}  // namespace
