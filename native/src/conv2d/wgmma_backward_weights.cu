// SPDX-License-Identifier: Apache-2.0
// The gradient of a convolution's weights on Hopper's tensor cores, as a matrix product whose depth runs over pixels: for each tap,
// rows are output channels (of diff_dst) and columns input channels (of src).
//
//   stage    64 pixels: of diff_dst Groups boxes of 64 channels, of src Columns / 64 boxes, each pixel a row of 128 swizzled bytes.
//            wgmma reads both across: 64 channels side by side, the next 64 a box further on, 8 pixels every 1024 bytes
//   src      gathered by the copy engine in its im2col mode, or as boxes of a first layer's windows, as in wgmma_kernel.cuh
//   parts    the pixels are dealt to several blocks, whose sums a second kernel adds, always in the same order
#include <algorithm>

#include "conv2d/bias_sums.h"
#include "conv2d/conv2d_lists.h"
#include "conv2d/copy_maps.h"
#include "conv2d/hopper.cuh"
#include "conv2d/wgmma.h"
#include "conv2d/wgmma.inl.h"
#include "conv2d/windows.h"

namespace sextant::cuda {

namespace {

constexpr int stage_pixels = 64, box_channels = 64, box_bytes = stage_pixels * 128, step_pixels = 16;
constexpr int shared_bytes = 112 * 1024;

struct weights_product {
    int k, channels, pitch;        // pitch: of the partial sums, channels rounded up to 8
    int taps, taps_in_row, column_tiles, row_tiles;
    int chunks, parts;             // of 64 pixels; blocks that they are dealt to
    int p, q, origin_h, origin_w, stride_h, stride_w, dilation_h, dilation_w;
    int box_q, box_p, tiles_q, tiles_p;  // of a first layer's windows; 0: im2col
    float* partials;               // [parts][k][taps][pitch]
};

template <int Groups, int Columns>
struct weights_shape {
    static constexpr int stage_bytes = (Groups + Columns / box_channels) * box_bytes;
    static constexpr int stages = (shared_bytes - 1024) / stage_bytes;
    static constexpr int threads = Groups * 128 + 32;
};

#if defined(__CUDA_ARCH_FEAT_SM90_ALL)

/// Names boxes whose rows are pixels: the depth runs from row to row. + 128 names the 16 pixels that follow.
__device__ inline uint64_t across_descriptor(uint32_t address) {
    constexpr uint64_t next_channels = box_bytes / 16, eight_rows = 1024 / 16, swizzle = 1;
    return (address & 0x3FFFF) >> 4 | next_channels << 16 | eight_rows << 32 | swizzle << 62;
}

template <int Groups, int Columns>
__device__ void feed(const CUtensorMap& src, const CUtensorMap& diff, const weights_product& a, uint32_t ring, uint32_t full,
                     uint32_t empty, int row, int column, int tap, int begin, int end) {
    using shape = weights_shape<Groups, Columns>;
    for (int i = 0; i < end - begin; ++i) {
        const int stage = i % shape::stages, chunk = begin + i;
        if (i >= shape::stages) barrier_wait(empty + stage * 8, i / shape::stages - 1 & 1);
        const uint32_t to = ring + stage * shape::stage_bytes, barrier = full + stage * 8;
        barrier_expect(barrier, shape::stage_bytes);
        if (a.box_q) {
            const int rest = chunk / a.tiles_q, n = rest / a.tiles_p;
            const int q = chunk % a.tiles_q * a.box_q, p = rest % a.tiles_p * a.box_p;
            for (int g = 0; g < Groups; ++g) copy_box(to + g * box_bytes, &diff, barrier, row + g * box_channels, q, p, n, 0);
            for (int c = 0; c < Columns / box_channels; ++c)
                copy_box(to + (Groups + c) * box_bytes, &src, barrier, column + c * box_channels, q, tap, p, n);
        } else {
            const int pixel = chunk * stage_pixels, rest = pixel / a.q;
            const int w = pixel % a.q * a.stride_w + a.origin_w, h = rest % a.p * a.stride_h + a.origin_h, n = rest / a.p;
            for (int g = 0; g < Groups; ++g) copy_box(to + g * box_bytes, &diff, barrier, row + g * box_channels, pixel, 0);
            for (int c = 0; c < Columns / box_channels; ++c)
                copy_im2col(to + (Groups + c) * box_bytes, &src, barrier, column + c * box_channels, w, h, n,
                            tap % a.taps_in_row * a.dilation_w, tap / a.taps_in_row * a.dilation_h);
        }
    }
}

#endif

template <class Element, int Groups, int Columns>
__global__ void __launch_bounds__(weights_shape<Groups, Columns>::threads, 2)
    backward_weights_wgmma(const __grid_constant__ CUtensorMap src, const __grid_constant__ CUtensorMap diff,
                           const __grid_constant__ weights_product a) {
#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
    using shape = weights_shape<Groups, Columns>;
    extern __shared__ unsigned char shared[];
    __shared__ alignas(8) uint64_t barriers[2 * shape::stages];
    const uint32_t ring = (shared_address(shared) + 1023) / 1024 * 1024;
    const uint32_t full = shared_address(barriers), empty = shared_address(barriers + shape::stages);
    const int warp = threadIdx.x / 32, group = warp / 4, lane = threadIdx.x % 32;
    if (threadIdx.x == 0) {
        for (int stage = 0; stage < shape::stages; ++stage) {
            barrier_create(full + stage * 8, 1);
            barrier_create(empty + stage * 8, Groups * 4);
        }
        barriers_created();
    }
    __syncthreads();
    let_next_kernel_start();
    await_previous_kernel();

    const int part = blockIdx.x % a.parts, tile = blockIdx.x / a.parts;
    const int tap = tile % a.taps, rest = tile / a.taps;
    const int column = rest % a.column_tiles * Columns, row = rest / a.column_tiles * Groups * box_channels;
    const auto share = [&](int of) { return static_cast<int>(int64_t{a.chunks} * of / a.parts); };
    const int begin = share(part), end = share(part + 1);
    if (warp == Groups * 4) {
        if (lane == 0) feed<Groups, Columns>(src, diff, a, ring, full, empty, row, column, tap, begin, end);
        return;
    }
    float d[Columns / 2];
    for (int i = 0; i < end - begin; ++i) {
        const int stage = i % shape::stages;
        barrier_wait(full + stage * 8, i / shape::stages & 1);
        const uint32_t at = ring + stage * shape::stage_bytes;
        const uint64_t rows = across_descriptor(at + group * box_bytes), columns = across_descriptor(at + Groups * box_bytes);
        products_begin();
#pragma unroll
        for (int step = 0; step < stage_pixels / step_pixels; ++step)
            wgmma<Element, Columns>::multiply_across(d, rows + 128 * step, columns + 128 * step, i > 0 || step > 0);
        products_commit();
        products_wait<1>();
        if (i > 0 && lane == 0) barrier_arrive(empty + (i - 1) % shape::stages * 8);
    }
    products_wait<0>();
#pragma unroll
    for (int below = 0; below < 2; ++below) {
        const int k = row + group * box_channels + warp % 4 * 16 + lane / 4 + below * 8;
        if (k >= a.k) continue;
        float* const to = a.partials + ((int64_t{part} * a.k + k) * a.taps + tap) * a.pitch;
#pragma unroll
        for (int j = 0; j < Columns / 8; ++j) {
            const int channel = column + j * 8 + lane % 4 * 2;
            if (channel < a.pitch) *reinterpret_cast<float2*>(to + channel) = {d[j * 4 + below * 2], d[j * 4 + below * 2 + 1]};
        }
    }
#endif
}

/// Adds the parts, into weights of k x c x r x s. With windows a lane is a channel of one of the s pixels of a tap.
__global__ void add_parts(const weights_product a, int c, int s, int width, float* __restrict__ to) {
    const int64_t each = int64_t{a.k} * a.taps * a.pitch;
    for (int64_t i = blockIdx.x * int64_t{blockDim.x} + threadIdx.x; i < each; i += int64_t{gridDim.x} * blockDim.x) {
        const int lane = static_cast<int>(i % a.pitch);
        const int64_t rest = i / a.pitch, tap = rest % a.taps, k = rest / a.taps;
        const int channel = width ? lane % width : lane, x = width ? lane / width : 0;
        if (channel >= c || x >= s) continue;
        float sum = 0;
        for (int part = 0; part < a.parts; ++part) sum += a.partials[part * each + i];
        to[width ? ((k * c + channel) * a.taps + tap) * s + x : (k * c + channel) * a.taps + tap] = sum;
    }
}

using kernel = void (*)(CUtensorMap, CUtensorMap, weights_product);

class wgmma_backward_weights final : public device_op {
  public:
    wgmma_backward_weights(const conv2d_backward_weights& problem, const traits& device)
        : device_op(weights_tensor(problem.forward)), problem_(problem.forward), geometry_(geometry_of(problem.forward)),
          bias_(problem.forward.dst, problem.has_bias) {
        const sextant_conv2d& a = problem_;
        a_.k = a.dst.c;
        a_.channels = geometry_.window_width ? a.s * geometry_.window_width : a.src.c;
        a_.pitch = static_cast<int>(ceiling(a_.channels, 8)) * 8;
        a_.taps = geometry_.window_width ? a.r : a.r * a.s, a_.taps_in_row = a.s;
        groups_ = a_.k > box_channels ? 2 : 1;
        columns_ = a_.channels > box_channels ? 128 : 64;
        a_.row_tiles = static_cast<int>(ceiling(a_.k, groups_ * box_channels));
        a_.column_tiles = static_cast<int>(ceiling(a_.channels, columns_));
        a_.p = a.dst.h, a_.q = a.dst.w, a_.origin_h = -a.pad_top, a_.origin_w = -a.pad_left;
        a_.stride_h = a.stride_h, a_.stride_w = a.stride_w, a_.dilation_h = a.dilation_h, a_.dilation_w = a.dilation_w;
        if (geometry_.window_width) {
            const window_box box = best_box(geometry_, stage_pixels);
            a_.box_q = box.q, a_.box_p = box.p;
            a_.tiles_q = static_cast<int>(ceiling(a_.q, box.q)), a_.tiles_p = static_cast<int>(ceiling(a_.p, box.p));
            a_.chunks = a.dst.n * a_.tiles_q * a_.tiles_p;
        } else {
            a_.chunks = static_cast<int>(ceiling(int64_t{a.dst.n} * a_.p * a_.q, stage_pixels));
        }
        constexpr int least_chunks = 8;  // that are worth a block of their own
        const int64_t wanted = 4 * device.multiprocessors / std::max<int64_t>(1, tiles());
        a_.parts = static_cast<int>(std::clamp<int64_t>(wanted, 1, std::max(1, a_.chunks / least_chunks)));
        check(cudaFuncSetAttribute(reinterpret_cast<const void*>(function()), cudaFuncAttributeMaxDynamicSharedMemorySize, shared_bytes),
              "backward_weights_wgmma's shared memory");
    }

    int operand_count() const override { return 3 + bias_.wanted(); }
    int destinations() const override { return 1 + bias_.wanted(); }
    int64_t flops() const override { return conv2d_flops(problem_); }
    int64_t scratch_bytes(int) const override { return picture_bytes(geometry_) + partials_bytes() + bias_.scratch_bytes(); }

    void enqueue(cudaStream_t stream, void* const* operands, void* scratch) const override {
        std::byte* const after = static_cast<std::byte*>(scratch) + picture_bytes(geometry_);
        weights_product a = a_;
        a.partials = reinterpret_cast<float*>(after);
        const void* const src = pictured(problem_, geometry_, stream, operands[0], scratch);
        const view diff = view_of(problem_.dst);
        const int64_t pixel = diff.pixel * map_element_bytes(geometry_.dtype), pixels = int64_t{diff.n} * diff.h * diff.w;
        CUtensorMap source, difference;
        if (geometry_.window_width) {
            const window_box box{a.box_q, a.box_p};
            source = map_of_picture(geometry_, src, box, box_channels, 128);
            difference = map_of_boxes(geometry_.dtype, operands[1],
                                      {{diff.c, 1}, {diff.w, pixel}, {diff.h, pixel * diff.w}, {diff.n, pixel * diff.w * diff.h},
                                       {1, pixel * pixels}},
                                      {box_channels, box.q, box.p, 1, 1}, 128, "diff_dst");
        } else {
            source = map_of_windows(geometry_, src, stage_pixels, box_channels, 128);
            difference = map_of_boxes(geometry_.dtype, operands[1], {{diff.c, 1}, {pixels, pixel}, {1, pixel * pixels}},
                                      {box_channels, stage_pixels, 1}, 128, "diff_dst");
        }
        cudaLaunchAttribute overlap{};
        overlap.id = cudaLaunchAttributeProgrammaticStreamSerialization;
        overlap.val.programmaticStreamSerializationAllowed = 1;
        cudaLaunchConfig_t config{};
        config.gridDim = dim3(static_cast<unsigned>(tiles() * a.parts));
        config.blockDim = dim3(groups_ * 128 + 32);
        config.dynamicSmemBytes = shared_bytes;
        config.stream = stream;
        config.attrs = &overlap;
        config.numAttrs = 1;
        check(cudaLaunchKernelEx(&config, function(), source, difference, a), "backward_weights_wgmma");
        constexpr int threads = 256;
        add_parts<<<grid_for(int64_t{a.k} * a.taps * a.pitch, threads), threads, 0, stream>>>(
            a, problem_.src.c, problem_.s, geometry_.window_width, static_cast<float*>(operands[2 + bias_.wanted()]));
        check_launch("backward_weights_wgmma_parts");
        bias_.enqueue(stream, operands[1], static_cast<float*>(operands[2]), reinterpret_cast<float*>(after + partials_bytes()));
    }

  private:
    int64_t tiles() const { return int64_t{a_.taps} * a_.row_tiles * a_.column_tiles; }
    int64_t partials_bytes() const { return ceiling(int64_t{a_.parts} * a_.k * a_.taps * a_.pitch * 4, 256) * 256; }

    template <class Element>
    kernel function_of() const {
        if (groups_ == 2) return columns_ == 128 ? backward_weights_wgmma<Element, 2, 128> : backward_weights_wgmma<Element, 2, 64>;
        return columns_ == 128 ? backward_weights_wgmma<Element, 1, 128> : backward_weights_wgmma<Element, 1, 64>;
    }
    kernel function() const {
        return geometry_.dtype == SEXTANT_BF16 ? function_of<__nv_bfloat16>() : function_of<__half>();
    }

    const sextant_conv2d problem_;
    const wgmma_geometry geometry_;
    const bias_sums bias_;
    weights_product a_{};
    int groups_, columns_;
};

}  // namespace

std::string wgmma_backward_weights_declines(const conv2d_backward_weights& problem, const traits& device) {
    const sextant_conv2d& a = problem.forward;
    if (a.groups != 1) return "groups is " + std::to_string(a.groups);
    if (a.strict) return "only float32 will do";
    if (a.dst.dtype != SEXTANT_BF16 && a.dst.dtype != SEXTANT_F16) return "diff_dst is " + std::string(dtype_name(a.dst.dtype));
    if (!is_nhwc(a.dst)) return "diff_dst is NCHW";
    const wgmma_geometry g = geometry_of(a);
    if (g.window_width) {
        if (a.dilation_h != 1 || a.dilation_w != 1) return "a first layer with dilation";
    } else if (!is_nhwc(a.src) || a.src.dtype != a.dst.dtype) {
        return "src is stored otherwise than diff_dst";
    }
    return wgmma_product::declines(g, device);
}

std::unique_ptr<op> create_wgmma_backward_weights(const conv2d_backward_weights& problem, const conv2d_backward_weights_parameters&,
                                                  const traits& device) {
    return std::make_unique<wgmma_backward_weights>(problem, device);
}

}  // namespace sextant::cuda
