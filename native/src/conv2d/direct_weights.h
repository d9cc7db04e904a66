// SPDX-License-Identifier: Apache-2.0
// The weights of a direct convolution, cut into panels of output channels, and their packing for its register tiles.
#pragma once
#include <algorithm>
#include <vector>

#include "conv2d/blocking.h"
#include "conv2d/direct.h"

namespace sextant {

/// One or two vectors of output channels of one group.
struct direct_panel {
    int64_t weights;  // offset of its weights
    int dst_block;
    int src_block;
    int vectors;
    int group;
    int outputs;  // that there are: the last panel of a group may be narrower than its vectors
};

template <class Format>
class direct_weights {
    using weight = typename Format::weight;
    static constexpr int channels = Format::channels;

  public:
    direct_weights(const sextant_conv2d& a, const weight_view& view, const direct_kernels<Format>& kernels)
        : kernels_(kernels), lanes_(kernels.lanes), inputs_(a.src.c / a.groups), outputs_(a.dst.c / a.groups),
          taps_(int64_t{a.r} * a.s), packer_(view, a.r, a.s, lanes_, kernels.gather) {
        const int k_blocks = ceil_div(outputs_, lanes_), widest = a.stride_w > 2 ? 1 : tile_vectors;
        for (int g = 0; g < a.groups; ++g)
            for (int b = 0; b < k_blocks; b += widest) {
                const int vectors = std::min(widest, k_blocks - b);
                panels_.push_back({count_, g * k_blocks + b, g * inputs_ / lanes_, vectors, g,
                                   std::min(vectors * lanes_, outputs_ - b * lanes_)});
                count_ += terms() * vectors * lanes_;
            }
    }

    const std::vector<direct_panel>& panels() const { return panels_; }

    /// Weights of one output channel, as packed: a last partial block's channels are filled up to whole multiply-adds.
    int64_t terms() const { return int64_t{ceil_div(inputs_, channels)} * channels * taps_; }
    /// Of all, as packed.
    int64_t count() const { return count_; }

    /// Working memory of each thread that packs.
    int64_t buffer_bytes() const {
        return channels == 1 ? 0 : taps_ * lanes_ * lanes_ * int64_t{sizeof(float)};
    }

    /// A block of input channels of a panel at a time. With narrow weights a vector's go to the buffer first, [tap][input][lanes].
    void pack(thread_pool& pool, const float* weights, weight* packed, std::byte* buffers) const {
        const int64_t blocks = ceil_div(inputs_, lanes_), floats = int64_t{tile_vectors} * lanes_ * lanes_ * taps_;
        const auto body = [&](int64_t first, int64_t last, int thread) {
            for (int64_t unit = first; unit < last; ++unit) {
                const direct_panel& p = panels_[unit / blocks];
                const int input = static_cast<int>(unit % blocks) * lanes_;
                for (int v = 0; v < p.vectors; ++v)
                    pack_vector(weights, p, v, input, packed + p.weights + input * taps_ * p.vectors * lanes_ + v * lanes_ * channels,
                                reinterpret_cast<float*>(buffers + thread * buffer_bytes()));
            }
        };
        pack_in_parallel(pool, static_cast<int64_t>(panels_.size()) * blocks, floats, body);
    }

  private:
    static constexpr int ceil_div(int a, int b) { return (a + b - 1) / b; }

    void pack_vector(const float* weights, const direct_panel& p, int v, int input, weight* to, float* buffer) const {
        const int64_t width = p.vectors * lanes_;
        const int output = (p.dst_block + v) * lanes_ - p.group * outputs_, outputs = std::min(lanes_, p.outputs - v * lanes_);
        const int inputs = std::min(lanes_, inputs_ - input);
        if constexpr (channels == 1) {
            packer_.pack(weights, p.group, output, outputs, input, inputs, to, inputs * width, width);
        } else {
            const int steps = ceil_div(inputs, channels), filled = steps * channels;
            for (int64_t tap = 0; inputs < filled && tap < taps_; ++tap)
                std::fill_n(buffer + (tap * filled + inputs) * lanes_, (filled - inputs) * lanes_, 0.0f);
            packer_.pack(weights, p.group, output, outputs, input, inputs, buffer, filled * lanes_, lanes_);
            kernels_.narrow(buffer, taps_ * steps, to, width * channels);
        }
    }

    const direct_kernels<Format>& kernels_;
    const int lanes_, inputs_, outputs_;  // of a group
    const int64_t taps_;
    const weight_packer packer_;
    std::vector<direct_panel> panels_;
    int64_t count_ = 0;
};

}  // namespace sextant
