// SPDX-License-Identifier: Apache-2.0
// The gradient of a convolution's weights on tensor cores by mma, as mma.cuh says.
#include "conv2d/bias_sums.h"
#include "conv2d/mma.cuh"
#include "conv2d/mma.h"

namespace sextant::cuda {

using namespace mma;

namespace {

/// A block's x counts tiles of k, y those of the depth, z is group * splits + split.
struct weight_sums {
    view src, diff;
    int groups, in, out;        // channels of a group of src and diff
    int rows, taps;             // depth = taps * rows
    int depth;
    const displacement* table;  // a unit an entry, of the depth and more to whole tiles, which lead outside
    raster pixels;
    int splits;
};

template <class Element, int Tile>
constexpr int pixel_bytes = Tile * sizeof(Element) + (sizeof(Element) == 2 ? 16 : 32);  // of one operand: no conflicts of banks
template <class Element>
constexpr int slice_pixels = 64 / sizeof(Element);
template <class Element, int Tile>
constexpr int weights_shared = stages * 2 * slice_pixels<Element> * pixel_bytes<Element, Tile>;

/// 16 columns from `first` of a slice's pixels, from `pixel` on 16 (halves) or 8 (tf32) of them, as load_matrices would give
/// them had the slice been [column][pixel]: registers are columns 0 to 7 and 8 to 15 of the first half of the pixels, then of
/// the second; with `Right` both halves of columns 0 to 7, then of 8 to 15.
template <class Element, int Tile, bool Right>
__device__ void load_columns(uint32_t (&to)[4], const unsigned char* slice, int pixel, int first) {
    const int lane = threadIdx.x % 32;
    if constexpr (sizeof(Element) == 2) {
        const int matrix = lane / 8, half = Right ? matrix % 2 : matrix / 2, eight = Right ? matrix / 2 : matrix % 2;
        load_matrices_transposed(to, slice + (pixel + half * 8 + lane % 8) * pixel_bytes<Element, Tile> +
                                         (first + eight * 8) * 2);
    } else {
#pragma unroll
        for (int i = 0; i < 4; ++i) {
            const int half = Right ? i % 2 : i / 2, eight = Right ? i / 2 : i % 2;
            to[i] = tf32(*reinterpret_cast<const uint32_t*>(slice + (pixel + half * 4 + lane % 4) * pixel_bytes<Element, Tile> +
                                                            (first + eight * 8 + lane / 4) * 4));
        }
    }
}

/// partials[split][group][k][depth] = sums over the split's pixels.
template <class Element, int Tile>
__global__ __launch_bounds__(threads, 2) void weight_sums_kernel(const weight_sums a, const Element* __restrict__ from_src,
                                                                 const Element* __restrict__ from_diff,
                                                                 float* __restrict__ partials) {
    using tiles = warp_tiles<Tile, Tile, 2>;
    constexpr int pitch = pixel_bytes<Element, Tile>, pixels = slice_pixels<Element>, row_units = Tile / unit<Element>;
    constexpr int fetched = pixels * row_units / threads, apart = threads / row_units;
    extern __shared__ __align__(16) unsigned char shared[];

    const int tid = threadIdx.x, group = blockIdx.z / a.splits, split = blockIdx.z % a.splits;
    const int first_k = blockIdx.x * Tile, first_d = blockIdx.y * Tile;
    // A thread fetches the same unit of pixels `apart` from one another.
    const int own = tid / row_units, own_unit = tid % row_units, k = first_k + own_unit * unit<Element>;
    const displacement d = a.table[first_d / unit<Element> + own_unit];
    const Element* const src = from_src + group * a.in + d.channel;
    const Element* const diff = from_diff + group * a.out + k;

    const auto fetch = [&](int i, int stage) {
        unsigned char* const left = shared + stage * 2 * pixels * pitch;
#pragma unroll
        for (int q = 0; q < fetched; ++q) {
            const int local = own + apart * q, pixel = i * pixels + local;
            const bool exists = pixel < a.pixels.count;
            const raster::place p = a.pixels.at(min(pixel, a.pixels.count - 1));
            unsigned char* const to = left + local * pitch + own_unit * 16;
            const bool in_k = exists && k < a.out;
            copy_unit(to, in_k ? diff + p.n * a.diff.image + p.y * a.diff.row + p.x * a.diff.pixel : from_diff, in_k);
            const int y = p.y * a.pixels.step_y + d.y, x = p.x * a.pixels.step_x + d.x;
            const bool in_src = exists && within(a.src, y, x);
            copy_unit(to + pixels * pitch, in_src ? src + p.n * a.src.image + y * a.src.row + x * a.src.pixel : from_src,
                      in_src);
        }
    };

    const int slices = (a.pixels.count - 1) / pixels + 1, share = (slices + a.splits - 1) / a.splits;
    const int from = static_cast<int>(min(int64_t{slices}, int64_t{split} * share)), to = min(slices, from + share);
    tiles sums;
#pragma unroll
    for (int i = 0; i < stages - 1; ++i) {
        if (from + i < to) fetch(from + i, i);
        copies_begun();
    }
    for (int i = from, stage = 0; i < to; ++i, stage = (stage + 1) % stages) {
        wait_copies<stages - 2>();
        __syncthreads();
        if (i + stages - 1 < to) fetch(i + stages - 1, (stage + stages - 1) % stages);
        copies_begun();

        const unsigned char* const left = shared + stage * 2 * pixels * pitch;
        const unsigned char* const right = left + pixels * pitch;
#pragma unroll
        for (int step = 0; step < pixels; step += pixels / 2) {
            uint32_t rows[tiles::rows][4], columns[tiles::columns / 2][4];
#pragma unroll
            for (int r = 0; r < tiles::rows; ++r)
                load_columns<Element, Tile, false>(rows[r], left, step, tiles::first_row() + r * 16);
#pragma unroll
            for (int c = 0; c < tiles::columns / 2; ++c)
                load_columns<Element, Tile, true>(columns[c], right, step, tiles::first_column() + c * 16);
#pragma unroll
            for (int r = 0; r < tiles::rows; ++r)
#pragma unroll
                for (int c = 0; c < tiles::columns; ++c)
                    multiply<Element>(sums.sums[r][c], rows[r], columns[c / 2][c % 2 * 2], columns[c / 2][c % 2 * 2 + 1]);
        }
    }

    float* const part = partials + (int64_t{split} * a.groups + group) * a.out * a.depth;
    sums.each_pair([&](int row, int column, float2 pair) {
        if (first_k + row < a.out && first_d + column < a.depth)
            *reinterpret_cast<float2*>(part + int64_t{first_k + row} * a.depth + first_d + column) = pair;
    });
}

/// Adds the splits in order, into k x c x r x s.
__global__ __launch_bounds__(threads) void weight_partials_kernel(const weight_sums a, const float* __restrict__ partials,
                                                                  float* __restrict__ diff_weights) {
    const int64_t count = int64_t{a.groups} * a.out * a.depth, stride = int64_t{gridDim.x} * threads;
    for (int64_t e = int64_t{blockIdx.x} * threads + threadIdx.x; e < count; e += stride) {
        const int d = static_cast<int>(e % a.depth), tap = d / a.rows, channel = d % a.rows;
        if (channel >= a.in) continue;
        float sum = 0;
#pragma unroll 4
        for (int split = 0; split < a.splits; ++split) sum += partials[split * count + e];
        diff_weights[(e / a.depth * a.in + channel) * a.taps + tap] = sum;
    }
}

template <class Element>
class weights_op final : public device_op {
  public:
    weights_op(const conv2d_backward_weights& problem, const traits& device)
        : device_op(weights_tensor(problem.forward)), flops_(conv2d_flops(problem.forward)),
          bias_(problem.forward.dst, problem.has_bias) {
        const sextant_conv2d& a = problem.forward;
        a_.src = view_of(a.src), a_.diff = view_of(a.dst);
        a_.groups = a.groups, a_.in = a.src.c / a.groups, a_.out = a.dst.c / a.groups;
        a_.rows = round_up(a_.in, unit<Element>), a_.taps = a.r * a.s, a_.depth = a_.rows * a_.taps;
        a_.pixels = raster_of(a.dst.n, a.dst.h, a.dst.w, a.stride_h, a.stride_w);
        std::vector<displacement> table;
        append_depths(table, forward_phases(a).front(), a_.rows, unit<Element>, 128 / unit<Element>);
        table_ = array(table.data(), static_cast<int64_t>(table.size() * sizeof(displacement)));
        a_.table = table_.as<displacement>();

        const auto blocks = [&](int64_t t) { return (a_.out + t - 1) / t * ((a_.depth + t - 1) / t) * a_.groups; };
        tile_ = a_.out > 64 && a_.depth > 64 ? 128 : 64;
        const int64_t slices = (a_.pixels.count - 1) / slice_pixels<Element> + 1;
        const int64_t most = std::min(std::max<int64_t>(slices / 8, 1), std::max<int64_t>(65535 / a_.groups, 1));
        a_.splits = static_cast<int>(std::clamp<int64_t>(2 * device.multiprocessors / blocks(tile_), 1, most));
        allow_shared(reinterpret_cast<const void*>(kernel()), shared());
    }

    int operand_count() const override { return 3 + bias_.wanted(); }
    int destinations() const override { return 1 + bias_.wanted(); }
    int64_t flops() const override { return flops_; }
    int64_t scratch_bytes(int) const override { return whole(partials_bytes()) + bias_.scratch_bytes(); }

    void enqueue(cudaStream_t stream, void* const* operands, void* scratch) const override {
        float* const partials = static_cast<float*>(scratch);
        const dim3 grid((a_.out - 1) / tile_ + 1, (a_.depth - 1) / tile_ + 1, a_.groups * a_.splits);
        kernel()<<<grid, threads, shared(), stream>>>(a_, static_cast<const Element*>(operands[0]),
                                                      static_cast<const Element*>(operands[1]), partials);
        check_launch("conv2d_backward_weights_mma");
        float* const to = static_cast<float*>(operands[2 + bias_.wanted()]);
        const int64_t each = int64_t{a_.groups} * a_.out * a_.depth;
        weight_partials_kernel<<<grid_for(each, threads), threads, 0, stream>>>(a_, partials, to);
        check_launch("conv2d_backward_weights_mma_partials");
        bias_.enqueue(stream, operands[1], static_cast<float*>(operands[2]),
                      reinterpret_cast<float*>(static_cast<std::byte*>(scratch) + whole(partials_bytes())));
    }

  private:
    using kernel_type = void (*)(weight_sums, const Element*, const Element*, float*);
    kernel_type kernel() const { return tile_ == 128 ? weight_sums_kernel<Element, 128> : weight_sums_kernel<Element, 64>; }
    int shared() const { return tile_ == 128 ? weights_shared<Element, 128> : weights_shared<Element, 64>; }
    int64_t partials_bytes() const { return int64_t{a_.splits} * a_.groups * a_.out * a_.depth * 4; }

    const int64_t flops_;
    const bias_sums bias_;
    weight_sums a_{};
    array table_;
    int tile_;
};

}  // namespace

std::string conv2d_backward_weights_mma_declines(const conv2d_backward_weights& a, const traits&) {
    if (a.forward.src.dtype != a.forward.dst.dtype) return unlike_pair(a.forward.src, a.forward.dst);
    return declines(a.forward, a.forward.src, a.forward.dst);
}
std::unique_ptr<op> create_conv2d_backward_weights_mma(const conv2d_backward_weights& a,
                                                       const conv2d_backward_weights_parameters&, const traits& device) {
    return create<weights_op>(a.forward.dst.dtype, a, device);
}

}  // namespace sextant::cuda
