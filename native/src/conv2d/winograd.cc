// SPDX-License-Identifier: Apache-2.0
// Winograd convolution: packing, the cut into tasks, and the loops around transforms and products. Knows no instruction set.
//
// The output is cut into tiles of m x m pixels, those of all images into blocks. Each block is transformed, multiplied and
// transformed back. A small layer's threads each take whole blocks, with V and M of their own in L2. Where the weights are what is
// large, or tiles are few, all threads work on one block together, so that the weights pass through the caches once: they split
// the transforms by channels, the products by frequencies and panels of output channels.
#include "conv2d/winograd.h"

#include <algorithm>
#include <vector>

#include "conv2d/blocking.h"
#include "conv2d/conv2d_lists.h"
#include "runtime/aligned.h"
#include "runtime/element.h"

namespace sextant {
namespace {

constexpr int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

constexpr int most_lanes = 16, winograd_most_taps = 25;

/// A panel: one or two vectors of output channels of one group.
struct panel {
    int64_t weights;  // offset of its weights within a frequency's
    int dst_block;
    int src_block;
    int vectors;
};

class conv2d_winograd final : public op {
  public:
    conv2d_winograd(const sextant_conv2d& problem, const conv2d_parameters& parameters, const device_traits& device,
                    const winograd_kernels& kernels)
        : op(problem.dst), problem_(problem), binding_(binding_of(problem, parameters)), kernels_(kernels),
          lanes_(kernels.lanes), m_(kernels.m), r_(kernels.r), packer_(binding_.view, r_, r_, lanes_, kernels.gather),
          size_(m_ + r_ - 1), channels_(problem.src.c / problem.groups), frequencies_(size_ * size_),
          src_blocks_(channel_blocks(problem.src)), dst_blocks_(channel_blocks(problem.dst)) {
        tiles_across_ = ceil_div(dst.w, m_);
        tiles_down_ = ceil_div(dst.h, m_);
        tiles_ = dst.n * tiles_down_ * tiles_across_;
        lay_out_panels();
        if (binding_.weights < 0) pack_once(parameters);
        choose_blocks(device);
        zeros_ = aligned_floats(int64_t{problem.src.w} * lanes_);
    }

    void run(thread_pool& pool, const address* operands, std::byte* scratch) const override {
        float* memory = reinterpret_cast<float*>(scratch);
        places at{operands[0], binding_.residual < 0 ? nullptr : operands[binding_.residual].as<std::byte>(),
                  operands[binding_.dst], weights_.data(), bias_.data()};
        if (binding_.weights >= 0) {
            float* const bias = memory + frequencies_ * frequency_weights_;
            pack(pool, operands[binding_.weights], memory);
            set_bias(binding_.bias < 0 ? nullptr : operands[binding_.bias].as<float>(), bias);
            at.weights = memory, at.bias = bias;
            memory += packed_floats();
        }
        if (shared_) {
            run_shared(pool, at, memory);
            return;
        }
        pool.parallel_for(blocks_, [&](int64_t task, int thread) {
            const block b = block_at(task, memory + thread * block_floats_);
            transform(b, 0, b.tiles, 0, src_blocks_, at.src);
            multiply(b, 0, frequencies_ * panel_count(), at.weights);
            finish(b, 0, b.tiles, 0, dst_blocks_, at);
        });
    }

    int operand_count() const override { return binding_.dst + 1; }
    int64_t scratch_bytes(int threads) const override {
        const int64_t packed = binding_.weights < 0 ? 0 : packed_floats();
        return int64_t{sizeof(float)} * (packed + block_floats_ * (shared_ ? 1 : threads));
    }
    int64_t weight_bytes() const override { return weights_.bytes() + bias_.bytes(); }
    int64_t flops() const override { return binding_.flops; }

  private:
    struct places {
        const std::byte *src, *residual;
        std::byte* dst;
        const float *weights, *bias;
    };

    /// Consecutive tiles that are worked on at a time, and their V and M.
    struct block {
        int64_t first, tiles;
        float *v, *m;
    };

    int64_t panel_count() const { return static_cast<int64_t>(panels_.size()); }

    void lay_out_panels() {
        const int per_group = dst.c / problem_.groups, k_blocks = static_cast<int>(ceil_div(per_group, lanes_));
        for (int g = 0; g < problem_.groups; ++g)
            for (int b = 0; b < k_blocks; b += tile_vectors) {
                const int vectors = std::min(tile_vectors, k_blocks - b);
                panels_.push_back({frequency_weights_, g * k_blocks + b, g * channels_ / lanes_, vectors});
                frequency_weights_ += int64_t{channels_} * vectors * lanes_;
            }
        frequency_weights_ = odd_lines(frequency_weights_);
    }

    int64_t packed_floats() const { return frequencies_ * frequency_weights_ + dst_blocks_ * lanes_; }

    void pack_once(const conv2d_parameters& parameters) {
        weights_ = aligned_floats(frequencies_ * frequency_weights_);
        bias_ = aligned_floats(dst_blocks_ * lanes_);
        thread_pool alone(1);
        pack(alone, parameters.weights, weights_.data());
        set_bias(parameters.bias, bias_.data());
    }

    void set_bias(const float* bias, float* to) const {
        const int64_t given = bias ? dst.c : 0;
        if (bias) std::copy_n(bias, given, to);
        std::fill(to + given, to + dst_blocks_ * lanes_, 0.0f);
    }

    /// Transforms the weights, a block of input channels of a vector of output channels at a time.
    void pack(thread_pool& pool, const float* weights, float* packed) const {
        const int per_group = dst.c / problem_.groups;
        const int64_t blocks = ceil_div(channels_, lanes_), floats = tile_vectors * lanes_ * lanes_ * frequencies_;
        const bool streamed = frequencies_ * frequency_weights_ * int64_t{sizeof(float)} > blocking::winograd_cached_weights;
        pack_in_parallel(pool, panel_count() * blocks, floats, [&](int64_t first, int64_t last, int) {
            alignas(64) float taps[most_lanes * winograd_most_taps * most_lanes];  // [channel][tap][lanes]
            for (int64_t unit = first; unit < last; ++unit) {
                const panel& p = panels_[unit / blocks];
                const int input = static_cast<int>(unit % blocks) * lanes_, inputs = std::min(lanes_, channels_ - input);
                const int group = p.src_block * lanes_ / channels_, width = p.vectors * lanes_;
                for (int v = 0; v < p.vectors; ++v) {
                    const int output = (p.dst_block + v) * lanes_ - group * per_group;
                    packer_.pack(weights, group, output, std::min(lanes_, per_group - output), input, inputs, taps, lanes_,
                                 r_ * r_ * lanes_);
                    kernels_.weights(taps, inputs, packed + p.weights + int64_t{input} * width + v * lanes_, width,
                                     frequency_weights_, streamed);
                }
            }
        });
    }

    /// How many tiles a block has, and who works on it.
    void choose_blocks(const device_traits& device) {
        const int64_t tile_bytes = frequencies_ * (src_blocks_ + dst_blocks_) * lanes_ * int64_t{sizeof(float)};
        const double room = static_cast<double>(device.l2_bytes) * blocking::winograd_share_of_l2;
        int64_t own = std::clamp<int64_t>(static_cast<int64_t>(room / static_cast<double>(tile_bytes)), kernels_.tiles,
                                          blocking::winograd_own_tiles);
        if (kernels_.whole_groups) own -= own % kernels_.tiles;
        // Each block reads all weights; of a shared one, V and M are moved too, each written by one thread and read by another.
        const double all_weights = static_cast<double>(frequencies_ * frequency_weights_ * int64_t{sizeof(float)});
        const double own_reads = all_weights / static_cast<double>(own);
        const double shared_moves = all_weights / blocking::winograd_shared_tiles + 2.0 * static_cast<double>(tile_bytes);
        shared_ = frequency_weights_ >= blocking::winograd_shared_weights ||
                  own_reads > blocking::winograd_own_reads * shared_moves ||
                  tiles_ < device.threads * blocking::winograd_fewest_own_tiles;
        blocks_ = ceil_div(tiles_, shared_ ? blocking::winograd_shared_tiles : own);
        if (!shared_) blocks_ = std::min(tiles_, ceil_div(blocks_, device.threads) * device.threads);
        block_tiles_ = ceil_div(tiles_, blocks_);
        v_frequency_ = frequency_pitch(src_blocks_);
        m_frequency_ = frequency_pitch(dst_blocks_);
        block_floats_ = frequencies_ * (v_frequency_ + m_frequency_);
        tasks_ = device.threads == 1 ? 1 : device.threads * blocking::tasks_per_thread;
    }

    /// An odd number of cache lines, lest the frequencies of a tile, or of a weight, all lie in the same set of a cache.
    static int64_t odd_lines(int64_t floats) {
        constexpr int64_t line = 16;
        return (ceil_div(floats, line) | 1) * line;
    }

    int64_t frequency_pitch(int64_t channel_blocks) const { return odd_lines(channel_blocks * block_tiles_ * lanes_); }

    block block_at(int64_t number, float* memory) const {
        const int64_t first = number * tiles_ / blocks_, end = (number + 1) * tiles_ / blocks_;
        return {first, end - first, memory, memory + frequencies_ * v_frequency_};
    }

    /// One block after the other. A block's way back and the next one's transform need not wait for each other.
    void run_shared(thread_pool& pool, const places& at, float* memory) const {
        // Channels are split first; where these are too few, tiles.
        const int64_t src_cuts = ceil_div(tasks_, src_blocks_), dst_cuts = ceil_div(tasks_, dst_blocks_);
        for (int64_t number = 0; number <= blocks_; ++number) {
            const int64_t src_tasks = number < blocks_ ? src_blocks_ * src_cuts : 0, dst_tasks = number ? dst_blocks_ * dst_cuts : 0;
            pool.parallel_for(dst_tasks + src_tasks, [&](int64_t task, int) {
                if (task < dst_tasks) {
                    const block b = block_at(number - 1, memory);
                    const int64_t channels = task / dst_cuts, cut = task % dst_cuts;
                    finish(b, b.tiles * cut / dst_cuts, b.tiles * (cut + 1) / dst_cuts, channels, channels + 1, at);
                } else {
                    const block b = block_at(number, memory);
                    const int64_t channels = (task - dst_tasks) / src_cuts, cut = (task - dst_tasks) % src_cuts;
                    transform(b, b.tiles * cut / src_cuts, b.tiles * (cut + 1) / src_cuts, channels, channels + 1, at.src);
                }
            });
            if (number == blocks_) return;
            const int64_t units = frequencies_ * panel_count(), tasks = std::min(units, tasks_);
            pool.parallel_for(tasks, [&](int64_t task, int) {
                multiply(block_at(number, memory), units * task / tasks, units * (task + 1) / tasks, at.weights);
            });
        }
    }

    /// body(image, row of tiles, first column of tiles, tiles, first within the block) for each stretch of a row of tiles.
    template <class Body>
    void each_strip(const block& b, int64_t first, int64_t end, Body&& body) const {
        while (first < end) {
            const int64_t tile = b.first + first, row = tile / tiles_across_, across = tile % tiles_across_;
            const int64_t count = std::min(end - first, tiles_across_ - across);
            body(row / tiles_down_, static_cast<int>(row % tiles_down_), static_cast<int>(across), static_cast<int>(count), first);
            first += count;
        }
    }

    void transform(const block& b, int64_t first_tile, int64_t end_tile, int64_t first_block, int64_t end_block,
                   const std::byte* src) const {
        const sextant_tensor& t = problem_.src;
        const int64_t bytes = element_bytes(t);
        each_strip(b, first_tile, end_tile, [&](int64_t n, int tile_row, int across, int count, int64_t first) {
            winograd_strip strip{};
            strip.first_column = across * m_ - problem_.pad_left;
            strip.width = t.w;
            strip.tiles = count;
            strip.frequency = v_frequency_;
            for (int64_t block = first_block; block < end_block; ++block) {
                const std::byte* plane = src + bytes * (n * image_pitch(t) + block * plane_pitch(t) + origin(t));
                for (int i = 0; i < size_; ++i) {
                    const int y = tile_row * m_ - problem_.pad_top + i;
                    const bool inside = y >= 0 && y < t.h;
                    strip.rows[i] = inside ? static_cast<const void*>(plane + bytes * y * row_pitch(t)) : zeros_.data();
                }
                strip.v = b.v + (block * block_tiles_ + first) * lanes_;
                kernels_.source(strip);
            }
        });
    }

    /// Some of the frequencies x panels, for all tiles in groups of even size. Long sums are cut so that their rounding errors
    /// stay small.
    void multiply(const block& b, int64_t first_unit, int64_t end_unit, const float* weights) const {
        const int full = channels_ / lanes_, chunk = blocking::winograd_chunk_channels / lanes_;
        const int64_t groups = ceil_div(b.tiles, kernels_.tiles);
        for (int64_t unit = first_unit; unit < end_unit; ++unit) {
            const int64_t f = unit / panel_count();
            const panel& p = panels_[unit % panel_count()];
            const int64_t channel_weights = p.vectors * lanes_, panel_weights = channels_ * channel_weights;
            const float* u = weights + f * frequency_weights_ + p.weights;
            const float* next = u + panel_weights;
            const bool fetch = unit + 1 < end_unit && panel_weights * int64_t{sizeof(float)} > blocking::prefetch_panel_bytes;
            winograd_product a{};
            a.v_block = a.m_block = block_tiles_ * lanes_;
            a.next_lines = fetch ? static_cast<int>(ceil_div(lanes_ * channel_weights / 16, groups)) : 0;
            for (int from = 0; from < std::max(full, 1); from += chunk) {
                a.blocks = std::min(chunk, full - from);
                a.tail_channels = from + chunk >= full ? channels_ % lanes_ : 0;
                a.add = from > 0;
                a.u = u + from * lanes_ * channel_weights;
                for (int64_t group = 0; group < groups; ++group) {
                    const int64_t tile = group * b.tiles / groups, count = (group + 1) * b.tiles / groups - tile;
                    a.v = b.v + f * v_frequency_ + (p.src_block + from) * a.v_block + tile * lanes_;
                    a.m = b.m + f * m_frequency_ + p.dst_block * a.m_block + tile * lanes_;
                    a.next = next;
                    kernels_.product[p.vectors - 1][count](a);
                    next += int64_t{a.blocks} * a.next_lines * 16;
                }
            }
        }
    }

    void finish(const block& b, int64_t first_tile, int64_t end_tile, int64_t first_block, int64_t end_block,
                const places& at) const {
        each_strip(b, first_tile, end_tile, [&](int64_t n, int tile_row, int across, int count, int64_t first) {
            winograd_result a{};
            a.frequency = m_frequency_;
            a.tiles = count;
            a.dst_row = row_pitch(dst);
            a.residual_row = row_pitch(problem_.residual);
            a.rows = dst.h - tile_row * m_;
            a.columns = dst.w - across * m_;
            a.activation = problem_.activation;
            const auto pixel = [&](const sextant_tensor& t, int64_t block) {
                return element_bytes(t) * (n * image_pitch(t) + block * plane_pitch(t) + origin(t) +
                                           tile_row * m_ * row_pitch(t) + int64_t{across} * m_ * lanes_);
            };
            for (int64_t block = first_block; block < end_block; ++block) {
                a.m = b.m + (block * block_tiles_ + first) * lanes_;
                a.bias = at.bias + block * lanes_;
                a.dst = at.dst + pixel(dst, block);
                if (at.residual) a.residual = at.residual + pixel(problem_.residual, block);
                kernels_.result(a);
            }
        });
    }

    const sextant_conv2d problem_;
    const conv2d_binding binding_;
    const winograd_kernels& kernels_;
    const int lanes_, m_, r_;
    const weight_packer packer_;
    const int size_, channels_;  // channels of src: per group
    const int64_t frequencies_, src_blocks_, dst_blocks_;
    std::vector<panel> panels_;
    int64_t frequency_weights_ = 0;
    aligned_floats weights_, bias_, zeros_;

    int64_t tiles_across_, tiles_down_, tiles_, blocks_, block_tiles_;
    bool shared_;
    int64_t v_frequency_, m_frequency_, block_floats_, tasks_;
};

}  // namespace

std::string winograd_declines(const sextant_conv2d& a, const winograd_kernels& kernels) {
    if (a.strict) return "only direct sums are allowed";
    const std::string size = std::to_string(kernels.r);
    if (a.r != kernels.r || a.s != kernels.r || a.stride_h != 1 || a.stride_w != 1 || a.dilation_h != 1 || a.dilation_w != 1)
        return "it does " + size + "x" + size + " with stride 1 and dilation 1 only";
    if (a.pre_activation) return "a pre-activation is asked for";
    if (block_of(a.src) != kernels.lanes || block_of(a.dst) != kernels.lanes ||
        (a.has_residual && block_of(a.residual) != kernels.lanes))
        return "src, dst and residual must be in blocks of " + std::to_string(kernels.lanes) + " channels";
    if (a.groups > 1 && (a.src.c / a.groups % kernels.lanes || a.dst.c / a.groups % kernels.lanes))
        return "groups have " + std::to_string(a.src.c / a.groups) + " and " + std::to_string(a.dst.c / a.groups) +
               " channels, not multiples of " + std::to_string(kernels.lanes);
    return {};
}

/// Multiply-adds of vectors, and what the transforms of a block of channels take in the same measure.
std::string winograd_yields(const sextant_conv2d& a, const winograd_kernels& kernels, bool in_each_run) {
    const int64_t tiles = int64_t{a.dst.n} * ceil_div(a.dst.h, kernels.m) * ceil_div(a.dst.w, kernels.m);
    const int64_t size = kernels.m + kernels.r - 1, channels = a.src.c / a.groups, c = channel_blocks(a.src), k = channel_blocks(a.dst);
    const double transforms = blocking::winograd_transform_cost * static_cast<double>(tiles * size * size * (c + k));
    const double products = static_cast<double>(tiles * size * size * channels * k);
    const double direct = static_cast<double>(int64_t{a.dst.n} * a.dst.h * a.dst.w * a.r * a.s * channels * k);
    const double weights = !in_each_run ? 0
                           : blocking::winograd_weights_cost * static_cast<double>((size * size - a.r * a.s) * channels * k);
    if (products + transforms + weights > direct / (a.src.dtype == SEXTANT_BF16 ? blocking::winograd_bf16_direct_speed : 1))
        return "its transforms would take longer than the products that it saves";
    if (kernels.m == 4 && tiles <= blocking::winograd4_fewest_tiles &&
        channels * a.dst.c >= blocking::winograd_shared_weights)
        return "its weights take longer to read than its few tiles to multiply";
    return {};
}

std::unique_ptr<op> create_winograd(const sextant_conv2d& problem, const conv2d_parameters& parameters,
                                    const device_traits& device, const winograd_kernels& kernels) {
    return std::make_unique<conv2d_winograd>(problem, parameters, device, kernels);
}

}  // namespace sextant
