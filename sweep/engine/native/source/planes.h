#pragma once

// Channels of images as runs of pixels with zeros between rows.

#include <cstring>
#include <new>
#include <vector>
#include "vectors.h"

namespace {

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

}  // namespace
