// SPDX-License-Identifier: Apache-2.0
// Gradients of weights by direct sums: the cut into tasks and the loops around the register tiles. Knows no instruction set.
//
// The weights of a group are cut into chunks (some panels of output channels x some blocks of input channels) whose sums fit into
// L2. A task goes through its pixels strip by strip, and with each strip through all tiles of its chunk, so that the strip's
// pixels come from memory once. A layer with few chunks divides the pixels too: each part has sums of its own, which are added
// up in the order of parts.
// Of bf16, each strip's pixels are packed as pairs before the tiles go over them: a panel's once for all taps, a block's of src
// with a pair for each column that a tap may begin at, padding included.
#include "conv2d/backward_weights_direct.h"

#include <cstdint>
#include <vector>

#include "conv2d/backward_weights_lists.h"
#include "conv2d/blocking.h"

namespace sextant {
namespace {

constexpr int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

/// The positions of diff_dst along one direction at which a tap meets the image.
struct range {
    int first, end;

    range within(range bounds) const { return {std::max(first, bounds.first), std::min(end, bounds.end)}; }
    int size() const { return std::max(0, end - first); }
};

range meeting(int tap, int stride, int pad, int size, int outputs) {
    const int64_t reach = int64_t{pad} - tap;  // position i reads i * stride - reach
    const int64_t first = reach > 0 ? ceil_div(reach, stride) : 0, end = size + reach > 0 ? ceil_div(size + reach, stride) : 0;
    return {static_cast<int>(std::min<int64_t>(first, outputs)), static_cast<int>(std::min<int64_t>(end, outputs))};
}

/// 1x1 without stride on planes without borders: the pixels are one long row.
sextant_conv2d flattened(sextant_conv2d a) {
    const bool dense = a.r == 1 && a.s == 1 && a.stride_h == 1 && a.stride_w == 1 && !a.pad_top && !a.pad_left &&
                       a.src.h == a.dst.h && a.src.w == a.dst.w && !a.src.halo && !a.dst.halo;
    if (!dense || int64_t{a.src.h} * a.src.w > INT32_MAX / 64) return a;
    a.src.w = a.dst.w = a.src.h * a.src.w;
    a.src.h = a.dst.h = 1;
    return a;
}

/// Panels of output channels and blocks of input channels of one group.
struct chunk {
    int group, first_panel, panels, first_block, blocks;
};

/// Pixels of diff_dst that are worked on at a time.
struct strip {
    range images, rows, columns;
};

/// The packed pixels of a strip. A plane is one vector's or block's: [image][row][pair][lanes][2]. Distances in elements.
struct packed_planes {
    int64_t plane, image, row;
    int first_row, row_step;   // of the tensor's rows, those that are packed
    int first, step, partner;  // see backward_weights_pairs
    int rows, count;           // of one image, of one row

    void set_distances(int images, int lanes) {
        row = int64_t{count} * 2 * lanes;
        image = rows * row;
        plane = images * image;
    }
};

template <class Format>
class conv2d_backward_weights_direct final : public conv2d_backward_weights_op {
  public:
    conv2d_backward_weights_direct(const conv2d_backward_weights& problem, const device_traits& device,
                                   const backward_weights_direct_kernels<Format>& kernels)
        : conv2d_backward_weights_op(problem), conv_(flattened(problem.forward)), kernels_(kernels), lanes_(kernels.lanes),
          taps_(conv_.r * conv_.s), channels_(conv_.src.c / conv_.groups), outputs_(conv_.dst.c / conv_.groups),
          src_blocks_(static_cast<int>(ceil_div(channels_, lanes_))), dst_blocks_(static_cast<int>(ceil_div(outputs_, lanes_))) {
        const auto& a = conv_;
        for (int r = 0; r < a.r; ++r) rows_.push_back(meeting(r * a.dilation_h, a.stride_h, a.pad_top, a.src.h, a.dst.h));
        for (int s = 0; s < a.s; ++s) columns_.push_back(meeting(s * a.dilation_w, a.stride_w, a.pad_left, a.src.w, a.dst.w));
        cut_chunks();
        cut_pixels();
        const int64_t enough = device.threads == 1 ? 1 : device.threads * blocking::gradient_tasks_per_thread;
        parts_ = std::min(strips(), ceil_div(enough, chunk_count()));
        if constexpr (paired) set_packed();
    }

    void run(thread_pool& pool, const address* operands, std::byte* scratch) const override {
        const places at{operands[0], operands[1], diff_bias(operands), diff_weights(operands)};
        float* const memory = reinterpret_cast<float*>(scratch);
        element* const packed = reinterpret_cast<element*>(memory + sums_floats(pool.threads()));
        if (parts_ == 1) {
            pool.parallel_for(chunk_count(), [&](int64_t task, int thread) {
                float* const sums = memory + thread * chunk_floats_;
                add(chunk_at(task), 0, strips(), at, packed + thread * packed_elements(), sums);
                for (int panel = 0; panel < chunk_at(task).panels; ++panel) finish(chunk_at(task), panel, at, sums);
            });
            return;
        }
        pool.parallel_for(parts_ * chunk_count(), [&](int64_t task, int thread) {
            const int64_t part = task / chunk_count();
            add(chunk_at(task % chunk_count()), strips() * part / parts_, strips() * (part + 1) / parts_, at,
                packed + thread * packed_elements(), memory + task * chunk_floats_);
        });
        pool.parallel_for(chunk_count() * most_panels_, [&](int64_t task, int) {
            const int64_t number = task / most_panels_;
            const chunk c = chunk_at(number);
            const int panel = static_cast<int>(task % most_panels_);
            if (panel < c.panels) finish(c, panel, at, memory + number * chunk_floats_);
        });
    }

    int64_t scratch_bytes(int threads) const override {
        return int64_t{sizeof(float)} * sums_floats(threads) + int64_t{sizeof(element)} * threads * packed_elements();
    }

  private:
    using element = typename Format::element;
    static constexpr int pixels_at_once = Format::channels;
    static constexpr bool paired = pixels_at_once == 2;

    struct places {
        const element *src, *diff_dst;
        float *diff_bias, *diff_weights;
    };

    int panels() const { return static_cast<int>(ceil_div(dst_blocks_, tile_vectors)); }
    int64_t chunk_count() const { return int64_t{conv_.groups} * k_chunks_ * c_chunks_; }
    int64_t strips() const { return int64_t{image_strips_} * row_strips_ * column_strips_; }

    int64_t sums_floats(int threads) const { return chunk_floats_ * (parts_ == 1 ? threads : parts_ * chunk_count()); }

    /// Of one thread: the planes of src, then those of diff_dst.
    int64_t packed_elements() const {
        return most_blocks_ * src_pairs_.plane + int64_t{most_panels_} * tile_vectors * diff_pairs_.plane;
    }

    void cut_chunks() {
        const int64_t bytes_each = int64_t{tile_vectors} * lanes_ * lanes_ * taps_ * int64_t{sizeof(float)};
        const auto [by_panels, by_blocks] = cut_weights(panels(), src_blocks_, blocking::gradient_sums_bytes / bytes_each);
        k_chunks_ = static_cast<int>(by_panels);
        c_chunks_ = static_cast<int>(by_blocks);
        most_panels_ = static_cast<int>(ceil_div(panels(), k_chunks_));
        most_blocks_ = ceil_div(src_blocks_, c_chunks_);
        chunk_floats_ = int64_t{most_panels_} * tile_vectors * lanes_ * (most_blocks_ * lanes_ * taps_ + 1);
    }

    void cut_pixels() {
        const sextant_tensor& t = conv_.dst;
        const int64_t pixels = blocking::gradient_pixels * pixels_at_once, plane = int64_t{t.h} * t.w;
        column_strips_ = static_cast<int>(ceil_div(t.w, pixels));
        row_strips_ = static_cast<int>(ceil_div(t.h, std::clamp<int64_t>(pixels / t.w, 1, t.h)));
        image_strips_ = static_cast<int>(ceil_div(t.n, std::clamp<int64_t>(pixels / plane, 1, t.n)));
    }

    chunk chunk_at(int64_t number) const {
        const int c = static_cast<int>(number % c_chunks_), k = static_cast<int>(number / c_chunks_ % k_chunks_);
        const int group = static_cast<int>(number / c_chunks_ / k_chunks_);
        const auto cut = [](int64_t count, int64_t i, int64_t cuts) { return static_cast<int>(count * i / cuts); };
        const int panel = cut(panels(), k, k_chunks_), block = cut(src_blocks_, c, c_chunks_);
        return {group, panel, cut(panels(), k + 1, k_chunks_) - panel, block, cut(src_blocks_, c + 1, c_chunks_) - block};
    }

    strip strip_at(int64_t number) const {
        const auto cut = [](int64_t count, int64_t i, int64_t cuts) {
            return range{static_cast<int>(count * i / cuts), static_cast<int>(count * (i + 1) / cuts)};
        };
        const int64_t rows = number / column_strips_;
        return {cut(conv_.dst.n, rows / row_strips_, image_strips_), cut(conv_.dst.h, rows % row_strips_, row_strips_),
                cut(conv_.dst.w, number % column_strips_, column_strips_)};
    }

    int vectors_of(int panel) const { return std::min(tile_vectors, dst_blocks_ - panel * tile_vectors); }
    int channels_of(const chunk& c) const { return std::min(c.blocks * lanes_, channels_ - c.first_block * lanes_); }

    /// Of a panel of the chunk; its bias's sums lie behind those of all panels' weights.
    int64_t sums_of(const chunk& c, int panel) const {
        return int64_t{panel} * tile_vectors * lanes_ * channels_of(c) * taps_;
    }
    int64_t bias_sums_of(const chunk& c, int panel) const {
        return sums_of(c, c.panels) + int64_t{panel} * tile_vectors * lanes_;
    }

    /// The largest strip's pairs: that is what scratch has room for, and the distances are the same in all strips.
    void set_packed() {
        const auto& a = conv_;
        const int images = static_cast<int>(ceil_div(a.dst.n, image_strips_));
        const int rows = static_cast<int>(ceil_div(a.dst.h, row_strips_));
        const int pairs = static_cast<int>(ceil_div(ceil_div(a.dst.w, column_strips_), 2));
        diff_pairs_.rows = rows;
        diff_pairs_.count = pairs;
        diff_pairs_.step = 2;
        diff_pairs_.partner = diff_pairs_.row_step = 1;
        diff_pairs_.set_distances(images, lanes_);
        // A single tap needs no rows and no pairs between those that it meets.
        src_pairs_.row_step = a.r == 1 ? a.stride_h : 1;
        src_pairs_.rows = a.r == 1 ? rows : (rows - 1) * a.stride_h + (a.r - 1) * a.dilation_h + 1;
        src_pairs_.step = a.s == 1 ? 2 * a.stride_w : 1;
        src_pairs_.count = a.s == 1 ? pairs : (pairs - 1) * 2 * a.stride_w + (a.s - 1) * a.dilation_w + 1;
        src_pairs_.partner = a.stride_w;
        src_pairs_.set_distances(images, lanes_);
    }

    /// The planes of a chunk's blocks of src and of its panels of diff_dst.
    void pack(const chunk& c, const strip& pixels, const places& at, element* packed) const {
        const auto& a = conv_;
        packed_planes src = src_pairs_, diff = diff_pairs_;
        src.first_row = pixels.rows.first * a.stride_h - a.pad_top;
        src.first = pixels.columns.first * a.stride_w - a.pad_left;
        // Pixels that no tap meets stay out.
        const int64_t meets = int64_t{a.dst.w - 1} * a.stride_w - a.pad_left + (a.s - 1) * a.dilation_w + 1;
        const int width = static_cast<int>(std::clamp<int64_t>(meets, 0, a.src.w));
        for (int block = 0; block < c.blocks; ++block, packed += src.plane)
            pack_plane(at.src + src_plane(c, block), a.src, pixels.images, src, {0, a.src.h}, width, packed);
        diff.first_row = pixels.rows.first;
        diff.first = pixels.columns.first;
        for (int vector = 0; vector < vectors_in(c); ++vector, packed += diff.plane)
            pack_plane(at.diff_dst + diff_plane(c, 0) + vector * plane_pitch(a.dst), a.dst, pixels.images, diff, pixels.rows,
                       pixels.columns.end, packed);
    }

    void pack_plane(const element* plane, const sextant_tensor& t, range images, const packed_planes& p, range rows, int width,
                    element* packed) const {
        for (int n = images.first; n < images.end; ++n, packed += p.image)
            for (int i = 0; i < p.rows; ++i) {
                const int y = p.first_row + i * p.row_step;
                if (y < rows.first || y >= rows.end) continue;
                kernels_.pack({plane + n * image_pitch(t) + y * row_pitch(t), p.first, p.step, p.partner, width, p.count,
                               packed + i * p.row});
            }
    }

    /// The sums of a chunk over some strips.
    void add(const chunk& c, int64_t first, int64_t end, const places& at, element* packed, float* sums) const {
        std::fill(sums, sums + bias_sums_of(c, c.panels), 0.0f);
        for (int64_t number = first; number < end; ++number) {
            const strip pixels = strip_at(number), next = number + 1 < end ? strip_at(number + 1) : strip{};
            if constexpr (paired) pack(c, pixels, at, packed);
            int planes_ahead = 0;
            for (int panel = 0; panel < c.panels; ++panel) {
                if (at.diff_bias && c.first_block == 0) add_bias(c, panel, pixels, at, sums + bias_sums_of(c, panel));
                for (int block = 0; block < c.blocks; ++block)
                    for (int r = 0; r < conv_.r; ++r)
                        for (int s = 0; s < conv_.s; ++s) {
                            backward_weights_tile<Format> t{};
                            const int channels = place(t, c, panel, block, r, s, pixels, at, packed, sums + sums_of(c, panel));
                            add_channels(t, c, vectors_of(c.first_panel + panel), channels, next, planes_ahead, at);
                        }
            }
        }
    }

    /// Offset of the first vector of a panel, of a block of src, in the first image.
    int64_t diff_plane(const chunk& c, int panel) const {
        const sextant_tensor& t = conv_.dst;
        return (int64_t{c.group} * dst_blocks_ + (c.first_panel + panel) * tile_vectors) * plane_pitch(t) + origin(t);
    }
    int64_t src_plane(const chunk& c, int block) const {
        return (int64_t{c.group} * src_blocks_ + c.first_block + block) * plane_pitch(conv_.src) + origin(conv_.src);
    }

    /// The vectors that a chunk's panels have.
    int vectors_in(const chunk& c) const { return std::min(c.panels * tile_vectors, dst_blocks_ - c.first_panel * tile_vectors); }

    /// Offset of the first vector of a panel at a pixel.
    int64_t diff_offset(const chunk& c, int panel, int image, int row, int column) const {
        const sextant_tensor& t = conv_.dst;
        return image * image_pitch(t) + diff_plane(c, panel) + row * row_pitch(t) + int64_t{column} * lanes_;
    }

    /// Offset of the pixel of a block of src that a tap of a pixel of diff_dst meets.
    int64_t src_offset(const chunk& c, int block, int image, int row, int column, int r, int s) const {
        const auto& a = conv_;
        const int64_t y = int64_t{row} * a.stride_h - a.pad_top + r * a.dilation_h;
        const int64_t x = int64_t{column} * a.stride_w - a.pad_left + s * a.dilation_w;
        return image * image_pitch(a.src) + src_plane(c, block) + y * row_pitch(a.src) + x * lanes_;
    }

    /// A tile at the first channel of a block and tap; returns how many channels there are, none where the tap meets no pixel.
    int place(backward_weights_tile<Format>& t, const chunk& c, int panel, int block, int r, int s, const strip& pixels,
              const places& at, const element* packed, float* sums) const {
        const auto& a = conv_;
        const range rows = rows_[r].within(pixels.rows), columns = columns_[s].within(pixels.columns);
        if (!rows.size() || !columns.size()) return 0;
        const int width = vectors_of(c.first_panel + panel) * lanes_;
        if constexpr (paired) {
            const packed_planes &src = src_pairs_, &diff = diff_pairs_;
            const int64_t row = rows.first - pixels.rows.first, pair = 2 * lanes_, down = a.stride_h / src.row_step;
            t.src = packed + block * src.plane + (row * down + r * a.dilation_h) * src.row + s * a.dilation_w * pair;
            t.src_image = src.image;
            t.src_row = down * src.row;
            t.src_column = 2 * a.stride_w / src.step * pair;
            t.diff = packed + c.blocks * src.plane + panel * tile_vectors * diff.plane + row * diff.row;
            t.diff_image = diff.image;
            t.diff_row = diff.row;
            t.diff_plane = diff.plane;
            t.columns = static_cast<int>(ceil_div(pixels.columns.size(), 2));
        } else {
            t.src = at.src + src_offset(c, block, pixels.images.first, rows.first, columns.first, r, s);
            t.src_image = image_pitch(a.src);
            t.src_row = a.stride_h * row_pitch(a.src);
            t.src_column = int64_t{a.stride_w} * lanes_;
            t.diff = at.diff_dst + diff_offset(c, panel, pixels.images.first, rows.first, columns.first);
            t.diff_image = image_pitch(a.dst);
            t.diff_row = row_pitch(a.dst);
            t.diff_plane = plane_pitch(a.dst);
            t.columns = columns.size();
        }
        t.images = pixels.images.size();
        t.rows = rows.size();
        t.sums = sums + (int64_t{block} * lanes_ * taps_ + r * a.s + s) * width;
        t.sums_channel = int64_t{taps_} * width;
        return std::min(lanes_, channels_of(c) - block * lanes_);
    }

    /// All channels of a block, as many at a time as a tile has. Each tile fetches one plane of the next strip.
    void add_channels(backward_weights_tile<Format>& t, const chunk& c, int vectors, int channels, const strip& next,
                      int& planes_ahead, const places& at) const {
        for (int most = kernels_.channels[vectors - 1]; channels > 0; channels -= most, t.src += most * pixels_at_once) {
            look_ahead(t, c, planes_ahead++, next, at);
            kernels_.tiles[vectors - 1][std::min(most, channels)](t);
            t.sums += most * t.sums_channel;
        }
    }

    /// The planes of a strip: those of the chunk's panels, then its blocks of src (the rows that the last r meets).
    void look_ahead(backward_weights_tile<Format>& t, const chunk& c, int plane, const strip& next, const places& at) const {
        const int block = plane - vectors_in(c);
        t.ahead_row = t.diff_row;
        t.ahead_column = pixels_at_once * lanes_;
        if (!next.images.size() || block >= c.blocks) {
            t.ahead = t.diff;  // lines that are read anyway
        } else if (block < 0) {
            t.ahead = at.diff_dst + diff_offset(c, 0, next.images.first, next.rows.first, next.columns.first) +
                      plane * plane_pitch(conv_.dst);
            t.ahead_row = row_pitch(conv_.dst);
        } else {
            t.ahead = at.src + src_offset(c, block, next.images.first, next.rows.first, next.columns.first, conv_.r - 1, 0);
            t.ahead_row = conv_.stride_h * row_pitch(conv_.src);
            t.ahead_column = int64_t{pixels_at_once} * conv_.stride_w * lanes_;
        }
    }

    void add_bias(const chunk& c, int panel, const strip& pixels, const places& at, float* sums) const {
        const sextant_tensor& t = conv_.dst;
        for (int v = 0; v < vectors_of(c.first_panel + panel); ++v)
            kernels_.plane({at.diff_dst + v * plane_pitch(t) +
                                diff_offset(c, panel, pixels.images.first, pixels.rows.first, pixels.columns.first),
                            image_pitch(t), row_pitch(t), pixels.images.size(), pixels.rows.size(), pixels.columns.size(),
                            sums + v * lanes_});
    }

    /// The sums of all parts of a panel to diff_weights and diff_bias.
    void finish(const chunk& c, int panel, const places& at, const float* sums) const {
        const int first = (c.first_panel + panel) * tile_vectors * lanes_, k = c.group * outputs_ + first;
        const int64_t weights = int64_t{channels_} * taps_;
        backward_weights_result result{};
        result.sums = sums + sums_of(c, panel);
        result.part = chunk_count() * chunk_floats_;
        result.parts = static_cast<int>(parts_);
        result.weights = channels_of(c) * taps_;
        result.vectors = vectors_of(c.first_panel + panel);
        result.channels = std::min(result.vectors * lanes_, outputs_ - first);
        result.out = at.diff_weights + k * weights + int64_t{c.first_block} * lanes_ * taps_;
        result.out_channel = weights;
        kernels_.finish(result);
        if (!at.diff_bias || c.first_block) return;
        result.sums = sums + bias_sums_of(c, panel);
        result.weights = 1;
        result.out = at.diff_bias + k;
        result.out_channel = 1;
        kernels_.finish(result);
    }

    const sextant_conv2d conv_;  // as the loops see it: perhaps flattened
    const backward_weights_direct_kernels<Format>& kernels_;
    const int lanes_, taps_, channels_, outputs_, src_blocks_, dst_blocks_;  // of one group
    std::vector<range> rows_, columns_;  // of each r and s
    int k_chunks_, c_chunks_, most_panels_, image_strips_, row_strips_, column_strips_;
    int64_t most_blocks_, chunk_floats_, parts_;
    packed_planes src_pairs_{}, diff_pairs_{};  // of the largest strip; without its place
};

}  // namespace

template <class Format>
std::string backward_weights_direct_declines(const conv2d_backward_weights& problem,
                                             const backward_weights_direct_kernels<Format>& kernels) {
    const auto& a = problem.forward;
    const int lanes = kernels.lanes;
    if (block_of(a.src) != lanes || block_of(a.dst) != lanes)
        return "src and diff_dst must be in blocks of " + std::to_string(lanes) + " channels";
    if (a.groups > 1 && (a.src.c / a.groups % lanes || a.dst.c / a.groups % lanes))
        return "groups have " + std::to_string(a.src.c / a.groups) + " and " + std::to_string(a.dst.c / a.groups) +
               " channels, not multiples of " + std::to_string(lanes);
    return {};
}

template <class Format>
std::unique_ptr<op> create_backward_weights_direct(const conv2d_backward_weights& problem, const device_traits& device,
                                                   const backward_weights_direct_kernels<Format>& kernels) {
    return std::make_unique<conv2d_backward_weights_direct<Format>>(problem, device, kernels);
}

template std::string backward_weights_direct_declines(const conv2d_backward_weights&,
                                                      const backward_weights_direct_kernels<f32_format>&);
template std::string backward_weights_direct_declines(const conv2d_backward_weights&,
                                                      const backward_weights_direct_kernels<bf16_format>&);
template std::unique_ptr<op> create_backward_weights_direct(const conv2d_backward_weights&, const device_traits&,
                                                            const backward_weights_direct_kernels<f32_format>&);
template std::unique_ptr<op> create_backward_weights_direct(const conv2d_backward_weights&, const device_traits&,
                                                            const backward_weights_direct_kernels<bf16_format>&);

}  // namespace sextant
