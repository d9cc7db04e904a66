// SPDX-License-Identifier: Apache-2.0
// Copies between layouts, slices and element types on a CUDA device. NCHW is contiguous along pixels, NHWC along channels:
//   at most 8 channels   a thread has one pixel: 8 planes on one side, one unit on the other
//   more                 tiles of 32 pixels by 64 channels turn in shared memory; both sides move whole 128-byte lines
#include "cuda/copy.h"
#include "cuda/lists.h"

namespace sextant::cuda {
namespace {

/// One unit from planes.
template <class Src>
struct planes_unit {
    const Src* src;
    int64_t image, plane;
    int c;

    __device__ void operator()(int64_t pixel, int first, float (&v)[8]) const {
        const int64_t n = pixel / plane;
        const Src* const from = src + n * image + first * plane + (pixel - n * plane);
#pragma unroll
        for (int j = 0; j < 8; ++j) v[j] = first + j < c ? wide(from[j * plane]) : 0.f;
    }
};

/// Planes from one unit.
template <class Src, class Dst>
__global__ void __launch_bounds__(frame_threads)
    unit_to_planes(const Src* __restrict__ src, int64_t pitch, Dst* __restrict__ dst, int64_t image, int64_t plane,
                   int64_t pixels, int c) {
    for (int64_t i = blockIdx.x * int64_t{frame_threads} + threadIdx.x; i < pixels; i += gridDim.x * int64_t{frame_threads}) {
        const int64_t n = i / plane;
        const auto x = lane8<Src>::load(src + i * pitch);
        Dst* const to = dst + n * image + (i - n * plane);
#pragma unroll
        for (int j = 0; j < 8; ++j)
            if (j < c) to[j * plane] = narrow<Dst>(x.v[j]);
    }
}

constexpr int tile_pixels = 32, tile_channels = 64;
constexpr int tile_units = tile_channels / nhwc_unit;
static_assert(tile_pixels * tile_units == frame_threads);

struct tiling {
    int64_t image, plane;  // NCHW
    int64_t pitch;         // NHWC: from pixel to pixel, through all images
    int c, lanes;
    int channel_tiles;
    int64_t pixel_tiles, tiles;
};

struct tile_place {
    int64_t n, pixel;  // its first pixel, in the image
    int c;             // its first channel

    __device__ tile_place(const tiling& a, int64_t tile) {
        const int64_t column = tile / a.pixel_tiles;
        pixel = (tile - column * a.pixel_tiles) * tile_pixels;
        n = column / a.channel_tiles;
        c = static_cast<int>(column - n * a.channel_tiles) * tile_channels;
    }
};

template <class Src, class Dst>
__global__ void __launch_bounds__(frame_threads)
    planes_to_pixels(const Src* __restrict__ src, Dst* __restrict__ dst, tiling a) {
    __shared__ float held[tile_channels][tile_pixels + 1];
    const int lane = threadIdx.x % tile_pixels, warp = threadIdx.x / tile_pixels;
    const int unit = threadIdx.x % tile_units, row = threadIdx.x / tile_units;
    for (int64_t tile = blockIdx.x; tile < a.tiles; tile += gridDim.x) {
        const tile_place at(a, tile);
#pragma unroll
        for (int k = warp; k < tile_channels; k += frame_threads / tile_pixels) {
            const bool inside = at.c + k < a.c && at.pixel + lane < a.plane;
            held[k][lane] = inside ? wide(src[at.n * a.image + (at.c + k) * a.plane + at.pixel + lane]) : 0.f;
        }
        __syncthreads();
        const int c = at.c + unit * nhwc_unit;
        if (at.pixel + row < a.plane && c < a.lanes) {
            lane8<Dst> result;
#pragma unroll
            for (int j = 0; j < 8; ++j) result.v[j] = held[unit * nhwc_unit + j][row];
            result.store(dst + (at.n * a.plane + at.pixel + row) * a.pitch + c);
        }
        __syncthreads();
    }
}

template <class Src, class Dst>
__global__ void __launch_bounds__(frame_threads)
    pixels_to_planes(const Src* __restrict__ src, Dst* __restrict__ dst, tiling a) {
    __shared__ float held[tile_channels][tile_pixels + 1];
    const int lane = threadIdx.x % tile_pixels, warp = threadIdx.x / tile_pixels;
    const int unit = threadIdx.x % tile_units, row = threadIdx.x / tile_units;
    for (int64_t tile = blockIdx.x; tile < a.tiles; tile += gridDim.x) {
        const tile_place at(a, tile);
        const int c = at.c + unit * nhwc_unit;
        if (at.pixel + row < a.plane && c < a.lanes) {
            const auto x = lane8<Src>::load(src + (at.n * a.plane + at.pixel + row) * a.pitch + c);
#pragma unroll
            for (int j = 0; j < 8; ++j) held[unit * nhwc_unit + j][row] = x.v[j];
        }
        __syncthreads();
#pragma unroll
        for (int k = warp; k < tile_channels; k += frame_threads / tile_pixels)
            if (at.c + k < a.c && at.pixel + lane < a.plane)
                dst[at.n * a.image + (at.c + k) * a.plane + at.pixel + lane] = narrow<Dst>(held[k][lane]);
        __syncthreads();
    }
}

using launch = void(const reorder_problem&, cudaStream_t, void* src, void* dst);

/// visit(a src element, a dst element).
template <class Visit>
void visit_both(const reorder_problem& a, Visit&& visit) {
    visit_element(a.src.dtype, [&](auto s) { visit_element(a.dst.dtype, [&](auto d) { visit(s, d); }); });
}

void launch_nhwc(const reorder_problem& a, cudaStream_t stream, void* src, void* dst) {
    copy_nhwc(stream, any_of(a.src, src), any_of(a.dst, dst), true, "reorder_nhwc");
}

void launch_unit(const reorder_problem& a, cudaStream_t stream, void* src, void* dst) {
    const view from = view_of(a.src), to = view_of(a.dst);
    visit_both(a, [&](auto s, auto d) {
        using Src = decltype(s);
        using Dst = decltype(d);
        if (is_nhwc(a.dst)) {
            const planes_unit<Src> value{static_cast<const Src*>(src), from.image, from.channel, from.c};
            write_units<Dst>(stream, a.dst, dst, false, value, "reorder_unit");
        } else {
            const int64_t pixels = to.n * to.channel;
            unit_to_planes<<<grid_for(pixels, frame_threads), frame_threads, 0, stream>>>(
                static_cast<const Src*>(src), from.pixel, static_cast<Dst*>(dst), to.image, to.channel, pixels, to.c);
            check_launch("reorder_unit");
        }
    });
}

void launch_tiles(const reorder_problem& a, cudaStream_t stream, void* src, void* dst) {
    const view planes = view_of(is_nhwc(a.src) ? a.dst : a.src), pixels = view_of(is_nhwc(a.src) ? a.src : a.dst);
    const int channel_tiles = (planes.c + tile_channels - 1) / tile_channels;
    const int64_t pixel_tiles = (planes.channel + tile_pixels - 1) / tile_pixels;
    const tiling tiles{planes.image, planes.channel, pixels.pixel, planes.c, pixels.lanes, channel_tiles, pixel_tiles,
                       pixel_tiles * channel_tiles * planes.n};
    visit_both(a, [&](auto s, auto d) {
        const auto* const from = static_cast<const decltype(s)*>(src);
        auto* const to = static_cast<decltype(d)*>(dst);
        if (is_nhwc(a.dst))
            planes_to_pixels<<<grid_for(tiles.tiles, 1), frame_threads, 0, stream>>>(from, to, tiles);
        else
            pixels_to_planes<<<grid_for(tiles.tiles, 1), frame_threads, 0, stream>>>(from, to, tiles);
        check_launch("reorder_tiles");
    });
}

void launch_any(const reorder_problem& a, cudaStream_t stream, void* src, void* dst) {
    copy_any(stream, any_of(a.src, src), any_of(a.dst, dst), "reorder_any");
}

class reorder final : public device_op {
  public:
    reorder(const reorder_problem& problem, launch* launched)
        : device_op(problem.dst), problem_(problem), launched_(launched) {}

    void enqueue(cudaStream_t stream, void* const* operands, void*) const override {
        launched_(problem_, stream, operands[0], operands[1]);
    }

  private:
    const reorder_problem problem_;
    launch* const launched_;
};

template <launch* Launched>
std::unique_ptr<op> create(const reorder_problem& problem, const reorder_parameters&, const traits&) {
    return std::make_unique<reorder>(problem, Launched);
}

std::string declines_nhwc(const reorder_problem& a, const traits&) {
    return is_nhwc(a.src) && is_nhwc(a.dst) ? "" : "an operand does not lie in NHWC";
}

std::string declines_transposition(const reorder_problem& a) {
    if (is_nhwc(a.src) == is_nhwc(a.dst)) return "src and dst have the same layout";
    return a.dst.h * int64_t{a.dst.w} > 1 ? "" : "one pixel is contiguous in both layouts";
}

std::string declines_unit(const reorder_problem& a, const traits&) {
    return a.dst.c > nhwc_unit ? std::to_string(a.dst.c) + " channels, at most 8" : declines_transposition(a);
}

std::string declines_tiles(const reorder_problem& a, const traits&) { return declines_transposition(a); }

constexpr implementation<reorder_problem, reorder_parameters> entries[] = {
    {"cuda_reorder_nhwc", declines_nhwc, create<launch_nhwc>, float_dtypes},
    {"cuda_reorder_unit", declines_unit, create<launch_unit>, float_dtypes},
    {"cuda_reorder_tiles", declines_tiles, create<launch_tiles>, float_dtypes},
    {"cuda_reorder_any", [](const reorder_problem&, const traits&) { return std::string(); }, create<launch_any>, float_dtypes},
};

}  // namespace

list<reorder_problem, reorder_parameters> implementations(const reorder_problem&, const reorder_parameters&) {
    return entries;
}

}  // namespace sextant::cuda
