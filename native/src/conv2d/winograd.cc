// SPDX-License-Identifier: Apache-2.0
// Winograd convolution: packing, the cut into tasks, and the loops around transforms and products. Knows no instruction set.
//
// The output is cut into tiles of m x m pixels, the tiles into blocks, a block into groups of as many tiles as a product takes.
// Each block is transformed, multiplied and transformed back. A small layer's threads each take whole blocks, with V and M of
// their own in L2. Where the weights are what is large, all threads work on one block together, so that the weights pass through
// the caches once: a block's transform, its products frequency by frequency, its way back.
#include "conv2d/winograd.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "conv2d/blocking.h"
#include "conv2d/conv2d_lists.h"
#include "runtime/aligned.h"

namespace sextant {
namespace {

constexpr int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

constexpr int most_taps = 5;

/// G of F(m, r): row j holds the powers of point j over the product of its distances to the others; the last is infinity's.
std::vector<std::array<double, most_taps>> weight_transform(int m, int r) {
    const std::vector<double> points = m + r == 7 ? std::vector{0.0, 0.625, -0.625, 1.5, -1.5} : std::vector{0.0, 1.0, -1.0};
    std::vector<std::array<double, most_taps>> g;
    for (const double point : points) {
        double value = 1;
        for (const double other : points)
            if (other != point) value /= point - other;
        auto& row = g.emplace_back();
        for (int i = 0; i < r; ++i, value *= point) row[i] = value;
    }
    g.emplace_back()[r - 1] = 1;
    return g;
}

class conv2d_winograd final : public op {
  public:
    conv2d_winograd(const sextant_conv2d& problem, const conv2d_parameters& parameters, const device_traits& device,
                    const winograd_kernels& kernels)
        : op(problem.dst), problem_(problem), kernels_(kernels), lanes_(kernels.lanes), m_(kernels.m), r_(kernels.r),
          size_(m_ + r_ - 1), frequencies_(size_ * size_), src_blocks_(channel_blocks(problem.src)),
          dst_blocks_(channel_blocks(problem.dst)), panels_(ceil_div(dst_blocks_, tile_vectors)) {
        tiles_across_ = ceil_div(dst.w, m_);
        tiles_down_ = ceil_div(dst.h, m_);
        tiles_ = dst.n * tiles_down_ * tiles_across_;
        choose_blocks(device);
        pack(parameters);
    }

    void run(thread_pool& pool, const address* operands, std::byte* scratch) const override {
        const std::byte* src = operands[0];
        const std::byte* residual = problem_.has_residual ? operands[1].as<std::byte>() : nullptr;
        std::byte* out = operands[operand_count() - 1];
        float* const memory = reinterpret_cast<float*>(scratch);
        if (!shared_) {
            pool.parallel_for(blocks_, [&](int64_t task, int thread) {
                const block b = block_at(task, memory + thread * thread_floats_);
                transform(b, 0, src_blocks_, src, memory + thread * thread_floats_ + block_floats_);
                multiply(b, 0, frequencies_, 0, panels_);
                finish(b, 0, dst_blocks_, residual, out);
            });
            return;
        }
        for (int64_t number = 0; number < blocks_; ++number) {
            const block b = block_at(number, memory);
            pool.parallel_for(source_tasks_, [&](int64_t task, int thread) {
                transform(b, src_blocks_ * task / source_tasks_, src_blocks_ * (task + 1) / source_tasks_, src,
                          memory + block_floats_ + thread * strip_floats_);
            });
            pool.parallel_for(frequencies_ * panel_tasks_, [&](int64_t task, int) {
                const int64_t frequency = task / panel_tasks_, part = task % panel_tasks_;
                multiply(b, frequency, frequency + 1, panels_ * part / panel_tasks_, panels_ * (part + 1) / panel_tasks_);
            });
            pool.parallel_for(result_tasks_, [&](int64_t task, int) {
                finish(b, dst_blocks_ * task / result_tasks_, dst_blocks_ * (task + 1) / result_tasks_, residual, out);
            });
        }
    }

    int operand_count() const override { return problem_.has_residual ? 3 : 2; }
    int64_t scratch_bytes(int threads) const override {
        return int64_t{sizeof(float)} * (shared_ ? block_floats_ + threads * strip_floats_ : threads * thread_floats_);
    }
    int64_t weight_bytes() const override { return weights_.bytes() + bias_.bytes(); }
    int64_t flops() const override { return conv2d_flops(problem_); }

  private:
    /// Consecutive tiles that are worked on at a time, and their V and M.
    struct block {
        int64_t first;
        int tiles, group_tiles;
        float *v, *m;
    };

    /// How many tiles a block has, and who works on it.
    void choose_blocks(const device_traits& device) {
        const int64_t channels = (src_blocks_ + dst_blocks_) * lanes_;
        const int64_t tile_bytes = frequencies_ * channels * int64_t{sizeof(float)};
        shared_ = device.threads > 1 && src_blocks_ * dst_blocks_ * lanes_ * lanes_ >= blocking::winograd_shared_weights;
        const double room = static_cast<double>(device.l2_bytes) * blocking::winograd_share_of_l2;
        const int64_t own = std::clamp<int64_t>(static_cast<int64_t>(room / static_cast<double>(tile_bytes)), kernels_.tiles,
                                                blocking::winograd_own_tiles);
        const int64_t most = src_blocks_ * dst_blocks_ * lanes_ * lanes_ >= blocking::winograd_shared_weights
                                 ? blocking::winograd_shared_tiles
                                 : own;
        blocks_ = ceil_div(tiles_, std::min(most, tiles_));
        if (!shared_ && device.threads > 1) blocks_ = std::min(tiles_, ceil_div(blocks_, device.threads) * device.threads);
        const int64_t largest = ceil_div(tiles_, blocks_), groups = ceil_div(largest, kernels_.tiles);
        v_group_ = src_blocks_ * kernels_.tiles * lanes_;
        m_group_ = dst_blocks_ * kernels_.tiles * lanes_;
        v_frequency_ = groups * v_group_ + blocking::winograd_frequency_gap;
        m_frequency_ = groups * m_group_ + blocking::winograd_frequency_gap;
        block_floats_ = frequencies_ * (v_frequency_ + m_frequency_);
        strip_floats_ = winograd_strip_floats(m_, r_, lanes_);
        thread_floats_ = block_floats_ + strip_floats_;
        const int64_t enough = int64_t{device.threads} * blocking::tasks_per_thread;
        source_tasks_ = std::min(src_blocks_, enough);
        result_tasks_ = std::min(dst_blocks_, enough);
        panel_tasks_ = std::min(panels_, ceil_div(enough, frequencies_));
    }

    void pack(const conv2d_parameters& parameters) {
        const auto g = weight_transform(m_, r_);
        const int channels = problem_.src.c;
        weights_ = aligned_floats(frequencies_ * channels * dst_blocks_ * lanes_);
        bias_ = aligned_floats(dst_blocks_ * lanes_);
        for (int k = 0; parameters.bias && k < dst.c; ++k) bias_[k] = parameters.bias[k];
        for (int64_t panel = 0; panel < panels_; ++panel) {
            const int width = vectors_of(panel) * lanes_, first = static_cast<int>(panel) * tile_vectors * lanes_;
            for (int c = 0; c < channels; ++c)
                for (int k = 0; k < std::min(width, dst.c - first); ++k) {
                    const float* w = parameters.weights + (int64_t{first + k} * channels + c) * r_ * r_;
                    float* packed = weights_.data() + int64_t{first} * channels + int64_t{c} * width + k;
                    for (int y = 0; y < size_; ++y) {
                        double row[most_taps] = {};
                        for (int s = 0; s < r_; ++s)
                            for (int r = 0; r < r_; ++r) row[s] += g[y][r] * w[r * r_ + s];
                        for (int x = 0; x < size_; ++x, packed += channels * dst_blocks_ * lanes_) {
                            double sum = 0;
                            for (int s = 0; s < r_; ++s) sum += g[x][s] * row[s];
                            *packed = static_cast<float>(sum);
                        }
                    }
                }
        }
    }

    int vectors_of(int64_t panel) const { return static_cast<int>(std::min<int64_t>(tile_vectors, dst_blocks_ - panel * tile_vectors)); }

    block block_at(int64_t number, float* memory) const {
        const int64_t first = number * tiles_ / blocks_, tiles = (number + 1) * tiles_ / blocks_ - first;
        const int64_t groups = ceil_div(tiles, kernels_.tiles);
        return {first, static_cast<int>(tiles), static_cast<int>(ceil_div(tiles, groups)), memory,
                memory + frequencies_ * v_frequency_};
    }

    /// body(image, row of tiles, first column of tiles, tiles, first within the block) for each stretch of a row of tiles.
    template <class Body>
    void each_strip(const block& b, int most, Body&& body) const {
        for (int done = 0; done < b.tiles;) {
            const int64_t tile = b.first + done, row = tile / tiles_across_;
            const int across = static_cast<int>(tile % tiles_across_);
            const int count = std::min({most, b.tiles - done, static_cast<int>(tiles_across_) - across});
            body(static_cast<int>(row / tiles_down_), static_cast<int>(row % tiles_down_), across, count, done);
            done += count;
        }
    }

    void transform(const block& b, int64_t first_block, int64_t end_block, const std::byte* src, float* columns) const {
        alignas(64) static constexpr float zeros[16] = {};
        const sextant_tensor& t = problem_.src;
        const int64_t bytes = element_bytes(t);
        each_strip(b, winograd_strip_tiles, [&](int n, int tile_row, int across, int count, int done) {
            winograd_strip strip{};
            strip.first_column = across * m_ - problem_.pad_left;
            strip.width = t.w;
            strip.tiles = count;
            strip.first_tile = done;
            strip.group_tiles = b.group_tiles;
            strip.frequency = v_frequency_;
            strip.group = v_group_;
            strip.columns = columns;
            for (int64_t block = first_block; block < end_block; ++block) {
                for (int i = 0; i < size_; ++i) {
                    const int y = tile_row * m_ - problem_.pad_top + i;
                    const bool inside = y >= 0 && y < t.h;
                    strip.rows[i] = inside ? src + bytes * (n * image_pitch(t) + block * plane_pitch(t) + origin(t) + y * row_pitch(t))
                                           : reinterpret_cast<const std::byte*>(zeros);
                    strip.step[i] = inside ? lanes_ : 0;
                }
                strip.v = b.v + block * kernels_.tiles * lanes_;
                kernels_.source(strip);
            }
        });
    }

    /// All groups of the block, for some frequencies and panels. Long sums are cut so that their rounding errors stay small.
    void multiply(const block& b, int64_t first_frequency, int64_t end_frequency, int64_t first_panel, int64_t end_panel) const {
        const int channels = problem_.src.c, full = channels / lanes_, chunk = blocking::winograd_chunk_channels / lanes_;
        const int groups = static_cast<int>(ceil_div(b.tiles, b.group_tiles));
        for (int64_t f = first_frequency; f < end_frequency; ++f)
            for (int64_t panel = first_panel; panel < end_panel; ++panel) {
                const int vectors = vectors_of(panel);
                const float* u = weights_.data() + (f * dst_blocks_ + panel * tile_vectors) * lanes_ * channels;
                const int64_t panel_floats = int64_t{channels} * vectors * lanes_;
                const bool fetch = panel_floats * int64_t{sizeof(float)} > blocking::prefetch_panel_bytes;
                const float* next = u + panel_floats;
                winograd_product a{};
                a.next_lines = fetch ? static_cast<int>(ceil_div(lanes_ * vectors * lanes_ / 16, groups)) : 0;
                for (int from = 0; from < std::max(full, 1); from += chunk) {
                    a.blocks = std::min(chunk, full - from);
                    a.tail_channels = from + chunk >= full ? channels % lanes_ : 0;
                    a.add = from > 0;
                    for (int group = 0; group < groups; ++group) {
                        a.v = b.v + f * v_frequency_ + group * v_group_ + int64_t{from} * kernels_.tiles * lanes_;
                        a.u = u + int64_t{from} * lanes_ * vectors * lanes_;
                        a.m = b.m + f * m_frequency_ + group * m_group_ + panel * tile_vectors * kernels_.tiles * lanes_;
                        a.next = next;
                        kernels_.product[vectors - 1][std::min(b.group_tiles, b.tiles - group * b.group_tiles)](a);
                        next += int64_t{a.blocks} * a.next_lines * 16;
                    }
                }
            }
    }

    void finish(const block& b, int64_t first_block, int64_t end_block, const std::byte* residual, std::byte* out) const {
        const int64_t bytes = element_bytes(dst);
        each_strip(b, b.tiles, [&](int n, int tile_row, int across, int count, int done) {
            winograd_result a{};
            a.frequency = m_frequency_;
            a.group = m_group_;
            a.tiles = count;
            a.first_tile = done;
            a.group_tiles = b.group_tiles;
            a.dst_row = row_pitch(dst);
            a.residual_row = row_pitch(problem_.residual);
            a.rows = dst.h - tile_row * m_;
            a.columns = dst.w - across * m_;
            a.activation = problem_.activation;
            const auto pixel = [&](const sextant_tensor& t, int64_t block) {
                return bytes * (n * image_pitch(t) + block * plane_pitch(t) + origin(t) + tile_row * m_ * row_pitch(t) +
                                int64_t{across} * m_ * lanes_);
            };
            for (int64_t block = first_block; block < end_block; ++block) {
                const int64_t panel = block / tile_vectors;
                a.slot = vectors_of(panel) * lanes_;
                a.m = b.m + panel * tile_vectors * kernels_.tiles * lanes_ + block % tile_vectors * lanes_;
                a.bias = bias_.data() + block * lanes_;
                a.dst = out + pixel(dst, block);
                if (residual) a.residual = residual + pixel(problem_.residual, block);
                kernels_.result(a);
            }
        });
    }

    const sextant_conv2d problem_;
    const winograd_kernels& kernels_;
    const int lanes_, m_, r_, size_;
    const int64_t frequencies_, src_blocks_, dst_blocks_, panels_;
    aligned_floats weights_, bias_;

    int64_t tiles_across_, tiles_down_, tiles_, blocks_;
    bool shared_;
    int64_t v_frequency_, m_frequency_, v_group_, m_group_;
    int64_t block_floats_, strip_floats_, thread_floats_;
    int64_t source_tasks_, panel_tasks_, result_tasks_;
};

}  // namespace

std::string winograd_declines(const sextant_conv2d& a, const winograd_kernels& kernels) {
    if (a.strict) return "only direct sums are allowed";
    const std::string size = std::to_string(kernels.r);
    if (a.r != kernels.r || a.s != kernels.r || a.stride_h != 1 || a.stride_w != 1 || a.dilation_h != 1 || a.dilation_w != 1)
        return "it does " + size + "x" + size + " with stride 1 and dilation 1 only";
    if (a.groups != 1) return "it has " + std::to_string(a.groups) + " groups";
    if (a.pre_activation) return "a pre-activation is asked for";
    if (block_of(a.src) != kernels.lanes || block_of(a.dst) != kernels.lanes ||
        (a.has_residual && block_of(a.residual) != kernels.lanes))
        return "src, dst and residual must be in blocks of " + std::to_string(kernels.lanes) + " channels";
    return {};
}

/// Multiply-adds of vectors, and what the transforms of a block of channels take in the same measure.
std::string winograd_yields(const sextant_conv2d& a, const winograd_kernels& kernels) {
    const int64_t tiles = int64_t{a.dst.n} * ceil_div(a.dst.h, kernels.m) * ceil_div(a.dst.w, kernels.m);
    const int64_t size = kernels.m + kernels.r - 1, c = channel_blocks(a.src), k = channel_blocks(a.dst);
    const double transforms = blocking::winograd_transform_cost * static_cast<double>(tiles * size * size * (c + k));
    const double products = static_cast<double>(tiles * size * size * a.src.c * k);
    if (products + transforms > static_cast<double>(int64_t{a.dst.n} * a.dst.h * a.dst.w * a.r * a.s * a.src.c * k))
        return "its transforms would take longer than the products that it saves";
    if (kernels.m == 4 && tiles <= blocking::winograd4_fewest_tiles &&
        int64_t{a.src.c} * a.dst.c >= blocking::winograd_shared_weights)
        return "its weights take longer to read than its few tiles to multiply";
    return {};
}

std::unique_ptr<op> create_winograd(const sextant_conv2d& problem, const conv2d_parameters& parameters,
                                    const device_traits& device, const winograd_kernels& kernels) {
    return std::make_unique<conv2d_winograd>(problem, parameters, device, kernels);
}

}  // namespace sextant
