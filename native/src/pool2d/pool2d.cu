// SPDX-License-Identifier: Apache-2.0
// Pooling on a CUDA device.
//   nhwc     a thread has 8 channels of one output; windows of 2x2 and 3x3 are read whole before the first is used
//   blocks   a block has 64 channels of one output: 32 strands walk over the window's pixels, 4 in a warp, 8 warps, and are
//            joined in this order. For global pools and other large windows; dst may have any layout
//   any      a thread has one element
// A maximum with a NaN is NaN. With a pre-activation pixels are max(0, x * scale[c] + shift[c]).
#include "cuda/each.h"
#include "cuda/lists.h"
#include "pool2d/axis.h"

namespace sextant::cuda {
namespace {

struct maximum {
    __device__ static float start() { return -INFINITY; }
    __device__ static float with(float so_far, float x) { return x > so_far || x != x ? x : so_far; }
    __device__ static float share(const window&, const window&) { return 1; }
};

struct average {
    __device__ static float start() { return 0; }
    __device__ static float with(float so_far, float x) { return so_far + x; }
    __device__ static float share(const window& row, const window& column) {
        return 1.f / (static_cast<float>(row.divisor) * static_cast<float>(column.divisor));
    }
};

/// The pre-activation of 8 channels.
template <bool Pre>
struct affine8 {
    lane8<float> scale, shift;

    __device__ affine8(const float* scales, const float* shifts, int c)
        : scale(lane8<float>::load(scales + c)), shift(lane8<float>::load(shifts + c)) {}
    __device__ float operator()(int j, float x) const { return fmaxf(fmaf(x, scale.v[j], shift.v[j]), 0.f); }
};
template <>
struct affine8<false> {
    __device__ affine8(const float*, const float*, int) {}
    __device__ float operator()(int, float x) const { return x; }
};

/// Square windows of Taps x Taps pixels that lie together, or any where Taps is 0.
template <class Element, class Kind, bool Pre, int Taps>
struct pooled_unit {
    const Element* src;
    view from;
    pool_axes axes;
    const float *pre_scale, *pre_shift;

    __device__ void operator()(int64_t pixel, int c, float (&v)[8]) const {
        const place at = place_of(pixel, axes.rows.outputs, axes.columns.outputs);
        const window row = axes.rows.at(at.y), column = axes.columns.at(at.x);
        const affine8<Pre> pre(pre_scale, pre_shift, c);
        const Element* const first = src + at.n * from.image + row.first * from.row + column.first * from.pixel + c;
#pragma unroll
        for (int j = 0; j < 8; ++j) v[j] = Kind::start();
        if constexpr (Taps > 0) {
            if (row.taps > 0 && column.taps > 0) {
                lane8<Element> x[Taps][Taps];
#pragma unroll
                for (int r = 0; r < Taps; ++r)
#pragma unroll
                    for (int s = 0; s < Taps; ++s) {
                        const bool inside = r < row.taps && s < column.taps;
                        x[r][s] = lane8<Element>::load(first + (inside ? r * from.row + s * from.pixel : 0));
                    }
#pragma unroll
                for (int r = 0; r < Taps; ++r)
#pragma unroll
                    for (int s = 0; s < Taps; ++s)
#pragma unroll
                        for (int j = 0; j < 8; ++j)
                            v[j] = r < row.taps && s < column.taps ? Kind::with(v[j], pre(j, x[r][s].v[j])) : v[j];
            }
        } else {
            for (int r = 0; r < row.taps; ++r)
                for (int s = 0; s < column.taps; ++s) {
                    const int64_t offset = r * axes.rows.dilation * from.row + s * axes.columns.dilation * from.pixel;
                    const auto x = lane8<Element>::load(first + offset);
#pragma unroll
                    for (int j = 0; j < 8; ++j) v[j] = Kind::with(v[j], pre(j, x.v[j]));
                }
        }
        const float share = Kind::share(row, column);
#pragma unroll
        for (int j = 0; j < 8; ++j) v[j] *= share;
    }
};

template <class Kind>
struct pooled_element {
    any_tensor src;
    pool_axes axes;
    const float *pre_scale, *pre_shift;  // null: none

    __device__ float operator()(int n, int c, int p, int q) const {
        const window row = axes.rows.at(p), column = axes.columns.at(q);
        float result = Kind::start();
        for (int r = 0; r < row.taps; ++r)
            for (int s = 0; s < column.taps; ++s) {
                float x = src.get(n, c, row.first + r * axes.rows.dilation, column.first + s * axes.columns.dilation);
                if (pre_scale) x = fmaxf(fmaf(x, pre_scale[c], pre_shift[c]), 0.f);
                result = Kind::with(result, x);
            }
        return result * Kind::share(row, column);
    }
};

constexpr int block_units = 8, strands = frame_threads / block_units;
constexpr int block_channels = block_units * nhwc_unit;
constexpr int warps = frame_threads / 32;

template <class Src, class Kind, bool Pre>
__global__ void __launch_bounds__(frame_threads)
    pool_blocks(const Src* __restrict__ src, view from, any_tensor dst, pool_axes axes, int tiles, int64_t blocks,
                const float* __restrict__ pre_scale, const float* __restrict__ pre_shift) {
    __shared__ float parts[warps][block_channels];
    const int unit = threadIdx.x % block_units, strand = threadIdx.x / block_units, warp = threadIdx.x / 32;
    for (int64_t block = blockIdx.x; block < blocks; block += gridDim.x) {
        int64_t output = block;
        const int tile = innermost(output, tiles) * block_channels, c = tile + unit * nhwc_unit;
        const place at = place_of(output, axes.rows.outputs, axes.columns.outputs);
        const window row = axes.rows.at(at.y), column = axes.columns.at(at.x);
        float v[8];
#pragma unroll
        for (int j = 0; j < 8; ++j) v[j] = Kind::start();
        if (c < from.lanes) {
            const affine8<Pre> pre(pre_scale, pre_shift, c);
            const Src* const image = src + at.n * from.image + c;
            const int64_t taps = int64_t{row.taps} * column.taps;
#pragma unroll 2
            for (int64_t tap = strand; tap < taps; tap += strands) {
                int64_t r = tap;
                const int s = innermost(r, column.taps);
                const auto x = lane8<Src>::load(image + (row.first + r * axes.rows.dilation) * from.row +
                                                (column.first + int64_t{s} * axes.columns.dilation) * from.pixel);
#pragma unroll
                for (int j = 0; j < 8; ++j) v[j] = Kind::with(v[j], pre(j, x.v[j]));
            }
        }
#pragma unroll
        for (int j = 0; j < 8; ++j) {
            v[j] = Kind::with(v[j], __shfl_xor_sync(0xffffffffu, v[j], block_units));
            v[j] = Kind::with(v[j], __shfl_xor_sync(0xffffffffu, v[j], 2 * block_units));
            if (threadIdx.x % 32 < block_units) parts[warp][unit * nhwc_unit + j] = v[j];
        }
        __syncthreads();
        const int channel = tile + threadIdx.x;
        if (threadIdx.x < block_channels && channel < dst.at.lanes) {
            float result = parts[0][threadIdx.x];
            for (int i = 1; i < warps; ++i) result = Kind::with(result, parts[i][threadIdx.x]);
            result *= Kind::share(row, column);
            dst.put(dst.offset(at.n, channel, at.y, at.x), channel < dst.at.c ? result : 0.f);
        }
        __syncthreads();
    }
}

/// visit(kind, has a pre-activation as a constant).
template <class Visit>
void visit_kind(const sextant_pool2d& a, Visit&& visit) {
    if (a.kind == SEXTANT_POOL_MAX)
        a.pre_activation ? visit(maximum{}, std::true_type{}) : visit(maximum{}, std::false_type{});
    else
        a.pre_activation ? visit(average{}, std::true_type{}) : visit(average{}, std::false_type{});
}

/// visit(taps as a constant): 2 or 3 for such windows, else 0.
template <class Visit>
void visit_taps(const sextant_pool2d& a, Visit&& visit) {
    const bool together = !pool2d_is_adaptive(a) && a.r == a.s && a.dilation_h == 1 && a.dilation_w == 1;
    if (together && a.r == 2)
        visit(std::integral_constant<int, 2>{});
    else if (together && a.r == 3)
        visit(std::integral_constant<int, 3>{});
    else
        visit(std::integral_constant<int, 0>{});
}

class pool2d : public device_op {
  public:
    pool2d(const sextant_pool2d& problem, const pool2d_parameters& parameters)
        : device_op(problem.dst), problem_(problem), axes_(axes_of(problem)),
          pre_scale_(units_of(problem.pre_activation ? parameters.pre_scale : nullptr, dst.c)),
          pre_shift_(units_of(problem.pre_activation ? parameters.pre_shift : nullptr, dst.c)) {}

    int64_t flops() const override { return flops_of(problem_); }

  protected:
    const sextant_pool2d problem_;
    const pool_axes axes_;
    const array pre_scale_, pre_shift_;
};

class pool2d_units final : public pool2d {
  public:
    using pool2d::pool2d;
    void enqueue(cudaStream_t stream, void* const* operands, void*) const override {
        visit_element(dst.dtype, [&](auto e) {
            using Element = decltype(e);
            visit_kind(problem_, [&](auto kind, auto pre) {
                visit_taps(problem_, [&](auto taps) {
                    const pooled_unit<Element, decltype(kind), decltype(pre)::value, decltype(taps)::value> value{
                        static_cast<const Element*>(operands[0]), view_of(problem_.src), axes_, pre_scale_.as<float>(),
                        pre_shift_.as<float>()};
                    write_units<Element>(stream, dst, operands[1], false, value, "pool2d_nhwc");
                });
            });
        });
    }
};

class pool2d_blocks final : public pool2d {
  public:
    using pool2d::pool2d;
    void enqueue(cudaStream_t stream, void* const* operands, void*) const override {
        const view from = view_of(problem_.src);
        const int tiles = (from.lanes + block_channels - 1) / block_channels;
        const int64_t blocks = int64_t{dst.n} * dst.h * dst.w * tiles;
        visit_element(problem_.src.dtype, [&](auto e) {
            using Src = decltype(e);
            visit_kind(problem_, [&](auto kind, auto pre) {
                pool_blocks<Src, decltype(kind), decltype(pre)::value><<<grid_for(blocks, 1), frame_threads, 0, stream>>>(
                    static_cast<const Src*>(operands[0]), from, any_of(dst, operands[1]), axes_, tiles, blocks,
                    pre_scale_.as<float>(), pre_shift_.as<float>());
                check_launch("pool2d_blocks");
            });
        });
    }
};

class pool2d_elements final : public pool2d {
  public:
    using pool2d::pool2d;
    void enqueue(cudaStream_t stream, void* const* operands, void*) const override {
        visit_kind(problem_, [&](auto kind, auto) {
            const pooled_element<decltype(kind)> value{any_of(problem_.src, operands[0]), axes_, pre_scale_.as<float>(),
                                                       pre_shift_.as<float>()};
            write_elements(stream, any_of(dst, operands[1]), false, value, "pool2d_any");
        });
    }
};

template <class Op>
std::unique_ptr<op> create(const sextant_pool2d& problem, const pool2d_parameters& parameters, const traits&) {
    return std::make_unique<Op>(problem, parameters);
}

/// Windows of more pixels are worth a block each.
constexpr int64_t most_taps_of_a_thread = 25;

std::string declines_nhwc(const sextant_pool2d& a, const traits&) { return declines_units({a.src, a.dst}); }

std::string yields_to_blocks(const sextant_pool2d& a, const traits&) {
    return largest_window(a) > most_taps_of_a_thread ? "windows are large" : "";
}

std::string declines_blocks(const sextant_pool2d& a, const traits&) { return is_nhwc(a.src) ? "" : "src does not lie in NHWC"; }

constexpr implementation<sextant_pool2d, pool2d_parameters> entries[] = {
    {"cuda_pool2d_nhwc", declines_nhwc, create<pool2d_units>, float_dtypes, yields_to_blocks},
    {"cuda_pool2d_blocks", declines_blocks, create<pool2d_blocks>, float_dtypes},
    {"cuda_pool2d_any", [](const sextant_pool2d&, const traits&) { return std::string(); }, create<pool2d_elements>,
     float_dtypes},
};

}  // namespace

list<sextant_pool2d, pool2d_parameters> implementations(const sextant_pool2d&, const pool2d_parameters&) { return entries; }

}  // namespace sextant::cuda
