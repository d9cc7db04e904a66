// SPDX-License-Identifier: Apache-2.0
// Gradients of weights in Winograd's domain: the cut into tasks and the loops around transforms and products. Knows no
// instruction set.
//
// diff_dst is cut into tiles of m x m pixels, those of all images into blocks. All threads work on one block together: they
// split the transforms by channels, then the products by frequencies and chunks of weights, whose sums over all blocks stay in U.
// At the end each panel's frequencies become weights.
// Where the weights are many and the tiles few, U is what is large: all tiles are then one block, and each task makes all
// frequencies of a small chunk, whose part of U stays in its L2, and the weights from them.
// Each sum is made by one task in one order, whatever the threads.
#include "conv2d/backward_weights_winograd.h"

#include <cstdint>

#include "conv2d/backward_weights_lists.h"
#include "conv2d/blocking.h"
#include "runtime/aligned.h"

namespace sextant {
namespace {

constexpr int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
constexpr int64_t cut(int64_t count, int64_t i, int64_t cuts) { return count * i / cuts; }

constexpr int frequencies = winograd_most_size * winograd_most_size;

class conv2d_backward_weights_winograd final : public conv2d_backward_weights_op {
  public:
    conv2d_backward_weights_winograd(const conv2d_backward_weights& problem, const device_traits& device,
                                     const backward_weights_winograd_kernels& kernels)
        : conv2d_backward_weights_op(problem), kernels_(kernels), direct_(*kernels.direct), lanes_(direct_.lanes), m_(kernels.m),
          taps_(kernels.r * kernels.r), channels_(problem.forward.src.c), src_blocks_(channel_blocks(problem.forward.src)),
          dst_blocks_(channel_blocks(problem.forward.dst)), panels_(ceil_div(dst_blocks_, tile_vectors)) {
        const sextant_tensor& t = problem_.dst;
        tiles_across_ = ceil_div(t.w, m_);
        tiles_down_ = ceil_div(t.h, m_);
        tiles_ = t.n * tiles_down_ * tiles_across_;
        const int64_t tile_bytes = frequencies * (src_blocks_ + dst_blocks_) * lanes_ * int64_t{sizeof(float)};
        const int64_t u_bytes = frequencies * dst_blocks_ * lanes_ * channels_ * int64_t{sizeof(float)};
        const int64_t room = std::max(blocking::winograd_gradient_bytes, u_bytes);
        blocks_ = ceil_div(tiles_, std::clamp<int64_t>(room / tile_bytes, 1, tiles_));
        cut_chunks(blocking::winograd_gradient_sums_bytes / frequencies);
        by_chunks_ = k_chunks_ * c_chunks_ >= device.threads * blocking::winograd_gradient_fewest_chunks &&
                     tiles_ * tile_bytes <= blocking::winograd_gradient_most_bytes;
        if (by_chunks_) blocks_ = 1;
        else cut_chunks(blocking::gradient_sums_bytes);
        u_panel_ = tile_vectors * lanes_ * (by_chunks_ ? ceil_div(src_blocks_, c_chunks_) * lanes_ : channels_);
        u_frequency_ = u_panel_ * (by_chunks_ ? ceil_div(panels_, k_chunks_) : panels_);
        block_tiles_ = ceil_div(tiles_, blocks_);
        v_frequency_ = frequency_pitch(src_blocks_);
        d_frequency_ = frequency_pitch(dst_blocks_);
        const int64_t tasks = device.threads == 1 ? 1 : device.threads * blocking::tasks_per_thread;
        src_cuts_ = ceil_div(tasks, src_blocks_);
        dst_cuts_ = ceil_div(tasks, dst_blocks_);
        zeros_ = aligned_floats(std::max(problem_.src.w, t.w) * int64_t{lanes_});
    }

    void run(thread_pool& pool, const address* operands, std::byte* scratch) const override {
        const places at = places_in(operands, reinterpret_cast<float*>(scratch), pool.threads());
        std::fill(at.bias_sums, at.bias_sums + dst_blocks_ * dst_cuts_ * lanes_, 0.0f);
        for (int64_t block = 0; block < blocks_; ++block) {
            const int64_t first = cut(tiles_, block, blocks_), tiles = cut(tiles_, block + 1, blocks_) - first;
            pool.parallel_for(dst_blocks_ * dst_cuts_ + src_blocks_ * src_cuts_, [&](int64_t task, int) {
                const int64_t src_task = task - dst_blocks_ * dst_cuts_;
                if (src_task < 0) {
                    const int64_t part = task % dst_cuts_;
                    transform_diff(at, first, cut(tiles, part, dst_cuts_), cut(tiles, part + 1, dst_cuts_), task / dst_cuts_,
                                   at.bias_sums + task * lanes_);
                } else {
                    const int64_t part = src_task % src_cuts_;
                    transform_source(at, first, cut(tiles, part, src_cuts_), cut(tiles, part + 1, src_cuts_),
                                     src_task / src_cuts_);
                }
            });
            if (by_chunks_) break;
            pool.parallel_for(frequencies * chunk_count(), [&](int64_t unit, int) {
                multiply(at, chunk_at(unit % chunk_count()), unit / chunk_count(), tiles, at.u, block == 0);
            });
        }
        if (by_chunks_) {
            pool.parallel_for(chunk_count(), [&](int64_t task, int thread) {
                const chunk c = chunk_at(task);
                float* const u = at.u + thread * frequencies * u_frequency_;
                for (int f = 0; f < frequencies; ++f) multiply(at, c, f, tiles_, u, true);
                for (int64_t panel = c.panel; panel < c.end_panel; ++panel)
                    for (int64_t block = c.block; block < c.end_block; ++block)
                        finish(at, panel, block, u + offset_in(c, panel, block), at.sums + thread * sums_floats());
            });
            return;
        }
        pool.parallel_for(panels_ * src_blocks_, [&](int64_t task, int thread) {
            const int64_t panel = task / src_blocks_, block = task % src_blocks_;
            finish(at, panel, block, at.u + offset_in(whole(), panel, block), at.sums + thread * sums_floats());
        });
    }

    int64_t scratch_bytes(int threads) const override {
        return int64_t{sizeof(float)} *
               (frequencies * (v_frequency_ + d_frequency_ + u_frequency_ * (by_chunks_ ? threads : 1)) +
                dst_blocks_ * dst_cuts_ * lanes_ + threads * sums_floats());
    }

  private:
    struct places {
        const std::byte *src, *diff_dst;
        float *diff_bias, *diff_weights;
        float *v, *d, *u, *bias_sums, *sums;
    };

    places places_in(const address* operands, float* memory, int threads) const {
        places at{operands[0], operands[1], diff_bias(operands), diff_weights(operands)};
        at.v = memory;
        at.d = at.v + frequencies * v_frequency_;
        at.u = at.d + frequencies * d_frequency_;
        at.bias_sums = at.u + frequencies * u_frequency_ * (by_chunks_ ? threads : 1);
        at.sums = at.bias_sums + dst_blocks_ * dst_cuts_ * lanes_;
        return at;
    }

    /// Panels and channel blocks whose products one task makes.
    struct chunk {
        int64_t panel, end_panel, block, end_block;
    };

    int64_t chunk_count() const { return k_chunks_ * c_chunks_; }
    chunk chunk_at(int64_t number) const {
        const int64_t c = number % c_chunks_, k = number / c_chunks_;
        return {cut(panels_, k, k_chunks_), cut(panels_, k + 1, k_chunks_), cut(src_blocks_, c, c_chunks_),
                cut(src_blocks_, c + 1, c_chunks_)};
    }
    chunk whole() const { return {0, panels_, 0, src_blocks_}; }

    /// Where a panel's first channel of a block lies in the U that begins with chunk `c`.
    int64_t offset_in(const chunk& c, int64_t panel, int64_t block) const {
        return (panel - c.panel) * u_panel_ + (block - c.block) * lanes_ * vectors_of(panel) * lanes_;
    }

    /// Of one panel and one block of channels, by weights.
    int64_t sums_floats() const { return int64_t{tile_vectors} * lanes_ * lanes_ * taps_; }

    /// An odd number of cache lines, lest a tile's frequencies all lie in the same set of a cache.
    int64_t frequency_pitch(int64_t channel_blocks) const {
        constexpr int64_t line = 16;
        return (ceil_div(channel_blocks * block_tiles_ * lanes_, line) | 1) * line;
    }

    void cut_chunks(int64_t bytes) {
        const int64_t bytes_each = int64_t{tile_vectors} * lanes_ * lanes_ * int64_t{sizeof(float)};
        const auto [by_panels, by_blocks] = cut_weights(panels_, src_blocks_, bytes / bytes_each);
        k_chunks_ = by_panels;
        c_chunks_ = by_blocks;
    }

    int vectors_of(int64_t panel) const {
        return static_cast<int>(std::min<int64_t>(tile_vectors, dst_blocks_ - panel * tile_vectors));
    }
    int channels_of(int64_t block) const { return static_cast<int>(std::min<int64_t>(lanes_, channels_ - block * lanes_)); }

    /// body(image, row of tiles, first column of tiles, tiles, first within the block) for each stretch of a row of tiles.
    template <class Body>
    void each_strip(int64_t block_first, int64_t first, int64_t end, Body&& body) const {
        while (first < end) {
            const int64_t tile = block_first + first, row = tile / tiles_across_, across = tile % tiles_across_;
            const int64_t count = std::min(end - first, tiles_across_ - across);
            body(row / tiles_down_, static_cast<int>(row % tiles_down_), static_cast<int>(across), static_cast<int>(count),
                 first);
            first += count;
        }
    }

    const std::byte* zeros() const { return reinterpret_cast<const std::byte*>(zeros_.data()); }

    void transform_source(const places& at, int64_t block_first, int64_t from, int64_t to, int64_t channels) const {
        const sextant_tensor& t = problem_.src;
        each_strip(block_first, from, to, [&](int64_t n, int tile_row, int across, int count, int64_t first) {
            winograd_strip strip{};
            strip.first_column = across * m_ - problem_.pad_left;
            strip.width = t.w;
            strip.tiles = count;
            strip.frequency = v_frequency_;
            const std::byte* plane = at.src + (n * image_pitch(t) + channels * plane_pitch(t) + origin(t)) * element_bytes(t);
            for (int i = 0; i < winograd_most_size; ++i) {
                const int y = tile_row * m_ - problem_.pad_top + i;
                strip.rows[i] = y >= 0 && y < t.h ? plane + y * row_pitch(t) * element_bytes(t) : zeros();
            }
            strip.v = at.v + (channels * block_tiles_ + first) * lanes_;
            kernels_.forward->source(strip);
        });
    }

    /// Adds up the pixels for the bias, too, while they are near.
    void transform_diff(const places& at, int64_t block_first, int64_t from, int64_t to, int64_t channels,
                        float* bias_sum) const {
        const sextant_tensor& t = problem_.dst;
        each_strip(block_first, from, to, [&](int64_t n, int tile_row, int across, int count, int64_t first) {
            winograd_gradient_strip strip{};
            const int row = tile_row * m_, column = across * m_, rows = std::min(m_, t.h - row);
            strip.columns = std::min(count * m_, t.w - column);
            strip.tiles = count;
            strip.frequency = d_frequency_;
            const int64_t first_pixel = n * image_pitch(t) + channels * plane_pitch(t) + origin(t) + row * row_pitch(t) +
                                        int64_t{column} * lanes_;
            const std::byte* pixels = at.diff_dst + first_pixel * element_bytes(t);
            for (int i = 0; i < m_; ++i) strip.rows[i] = i < rows ? pixels + i * row_pitch(t) * element_bytes(t) : zeros();
            strip.d = at.d + (channels * block_tiles_ + first) * lanes_;
            kernels_.diff(strip);
            if (at.diff_bias) kernels_.plane({pixels, 0, row_pitch(t), 1, rows, strip.columns, bias_sum});
        });
    }

    /// One chunk of one frequency, over all tiles of a block. Meanwhile the chunk's next frequency is fetched, a plane a tile.
    void multiply(const places& at, const chunk& c, int64_t f, int64_t tiles, float* u, bool first_block) const {
        const chunk begin = by_chunks_ ? c : whole();
        const int64_t strips = ceil_div(tiles, blocking::gradient_pixels);
        const bool fetch = by_chunks_ && f + 1 < frequencies;
        backward_weights_tile<f32_format> t{};
        t.src_column = t.ahead_column = lanes_;
        t.diff_plane = block_tiles_ * lanes_;
        t.images = t.rows = 1;
        for (int64_t strip = 0; strip < strips; ++strip) {
            const int64_t tile = cut(tiles, strip, strips);
            t.columns = static_cast<int>(cut(tiles, strip + 1, strips) - tile);
            int64_t plane = 0;
            for (int64_t p = c.panel; p < c.end_panel; ++p) {
                const int vectors = vectors_of(p), most = direct_.channels[vectors - 1];
                t.diff = at.d + f * d_frequency_ + (p * tile_vectors * block_tiles_ + tile) * lanes_;
                t.sums_channel = vectors * lanes_;
                for (int64_t b = c.block; b < c.end_block; ++b) {
                    const int channels = channels_of(b);
                    float* const sums = u + f * u_frequency_ + offset_in(begin, p, b);
                    if (first_block && strip == 0) std::fill(sums, sums + channels * t.sums_channel, 0.0f);
                    for (int channel = 0; channel < channels; channel += most) {
                        t.src = at.v + f * v_frequency_ + (b * block_tiles_ + tile) * lanes_ + channel;
                        t.sums = sums + channel * t.sums_channel;
                        t.ahead = fetch ? plane_ahead(at, c, plane++, f + 1, tile, t.diff) : t.diff;
                        direct_.tiles[vectors - 1][std::min(most, channels - channel)](t);
                    }
                }
            }
        }
    }

    /// The planes that a chunk reads of a frequency, of D and then of V; after the last of them something that is near.
    const float* plane_ahead(const places& at, const chunk& c, int64_t plane, int64_t f, int64_t tile, const float* near) const {
        const int64_t first = c.panel * tile_vectors, diff_planes = std::min(c.end_panel * tile_vectors, dst_blocks_) - first;
        if (plane < diff_planes) return at.d + f * d_frequency_ + ((first + plane) * block_tiles_ + tile) * lanes_;
        const int64_t block = c.block + plane - diff_planes;
        return block < c.end_block ? at.v + f * v_frequency_ + (block * block_tiles_ + tile) * lanes_ : near;
    }

    /// One block of channels of a panel from frequencies to weights; with the first block its biases.
    void finish(const places& at, int64_t panel, int64_t block, const float* u, float* sums) const {
        const int vectors = vectors_of(panel), channels = channels_of(block), k = static_cast<int>(panel) * tile_vectors * lanes_;
        kernels_.result({u, u_frequency_, channels, vectors, sums});
        backward_weights_result result{};
        result.sums = sums;
        result.parts = 1;
        result.weights = channels * taps_;
        result.vectors = vectors;
        result.channels = std::min(vectors * lanes_, problem_.dst.c - k);
        result.out_channel = int64_t{channels_} * taps_;
        result.out = at.diff_weights + k * result.out_channel + block * lanes_ * taps_;
        direct_.finish(result);
        if (!at.diff_bias || block) return;
        result.weights = result.vectors = 1;
        result.out_channel = 1;
        result.part = lanes_;
        result.parts = static_cast<int>(dst_cuts_);
        for (int v = 0; v < vectors; ++v) {
            result.sums = at.bias_sums + (panel * tile_vectors + v) * dst_cuts_ * lanes_;
            result.channels = std::min(lanes_, problem_.dst.c - k - v * lanes_);
            result.out = at.diff_bias + k + v * lanes_;
            direct_.finish(result);
        }
    }

    const backward_weights_winograd_kernels& kernels_;
    const backward_weights_direct_kernels<f32_format>& direct_;
    const int lanes_, m_, taps_, channels_;
    const int64_t src_blocks_, dst_blocks_, panels_;
    int64_t tiles_across_, tiles_down_, tiles_, blocks_, block_tiles_;
    bool by_chunks_;
    int64_t v_frequency_, d_frequency_, u_frequency_, u_panel_;
    int64_t src_cuts_, dst_cuts_, k_chunks_, c_chunks_;
    aligned_floats zeros_;
};

}  // namespace

std::string backward_weights_winograd_declines(const conv2d_backward_weights& problem,
                                               const backward_weights_winograd_kernels& kernels) {
    const auto& a = problem.forward;
    const int lanes = kernels.direct->lanes;
    if (a.strict) return "only direct sums are allowed";
    const std::string size = std::to_string(kernels.r);
    if (a.r != kernels.r || a.s != kernels.r || a.stride_h != 1 || a.stride_w != 1 || a.dilation_h != 1 || a.dilation_w != 1)
        return "it does " + size + "x" + size + " with stride 1 and dilation 1 only";
    if (block_of(a.src) != lanes || block_of(a.dst) != lanes)
        return "src and diff_dst must be in blocks of " + std::to_string(lanes) + " channels";
    if (a.groups > 1) return "it has " + std::to_string(a.groups) + " groups";
    return {};
}

/// Multiply-adds of vectors, and what the transforms take in the same measure: of a tile's channels, and of the weights' sums.
std::string backward_weights_winograd_yields(const conv2d_backward_weights& problem,
                                             const backward_weights_winograd_kernels& kernels) {
    const auto& a = problem.forward;
    const int64_t tiles = int64_t{a.dst.n} * ceil_div(a.dst.h, kernels.m) * ceil_div(a.dst.w, kernels.m);
    const int64_t c = channel_blocks(a.src), k = channel_blocks(a.dst), channels = a.src.c;
    const double transforms = blocking::winograd_transform_cost * static_cast<double>(tiles * frequencies * (c + k));
    const double products = static_cast<double>(tiles * frequencies * channels * k);
    const double sums = blocking::winograd_gradient_sum_cost * static_cast<double>(frequencies * channels * k);
    const double direct = static_cast<double>(int64_t{a.dst.n} * a.dst.h * a.dst.w * a.r * a.s * channels * k);
    if (products + transforms + sums > direct / (a.src.dtype == SEXTANT_BF16 ? blocking::winograd_bf16_direct_speed : 1))
        return "its transforms would take longer than the products that it saves";
    return {};
}

std::unique_ptr<op> create_backward_weights_winograd(const conv2d_backward_weights& problem, const device_traits& device,
                                                     const backward_weights_winograd_kernels& kernels) {
    return std::make_unique<conv2d_backward_weights_winograd>(problem, device, kernels);
}

}  // namespace sextant
