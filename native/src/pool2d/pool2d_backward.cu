// SPDX-License-Identifier: Apache-2.0
// The gradient of pooling on a CUDA device, as a gather: a pixel adds up what the windows that hold it send, in the order of
// rows and columns. For a maximum each output first notes in the scratch memory which of its window's pixels was the first
// largest, counted by rows: in one byte a channel (nhwc), or an int32 (any: any layouts, windows of any size).
#include "cuda/each.h"
#include "cuda/lists.h"
#include "pool2d/axis.h"

namespace sextant::cuda {
namespace {

constexpr int64_t most_taps_of_a_byte = 256;

/// The notes of 8 channels.
union alignas(8) winners8 {
    uint8_t taps[8];
    uint2 bits;
};

template <class Src>
__global__ void __launch_bounds__(frame_threads)
    note_largest_units(const Src* __restrict__ src, view from, pool_axes axes, int64_t count, int units,
                       uint2* __restrict__ winners) {
    for (int64_t i = blockIdx.x * int64_t{frame_threads} + threadIdx.x; i < count; i += gridDim.x * int64_t{frame_threads}) {
        int64_t output = i;
        const int c = innermost(output, units) * nhwc_unit;
        const place at = place_of(output, axes.rows.outputs, axes.columns.outputs);
        const window row = axes.rows.at(at.y), column = axes.columns.at(at.x);
        const Src* const first = src + at.n * from.image + row.first * from.row + column.first * from.pixel + c;
        float largest[8];
        int number[8] = {};
        for (int r = 0; r < row.taps; ++r)
            for (int s = 0; s < column.taps; ++s) {
                const int tap = r * column.taps + s;
                const int64_t offset = r * axes.rows.dilation * from.row + s * axes.columns.dilation * from.pixel;
                const auto x = lane8<Src>::load(first + offset);
#pragma unroll
                for (int j = 0; j < 8; ++j)
                    if (tap == 0 || x.v[j] > largest[j]) largest[j] = x.v[j], number[j] = tap;
            }
        winners8 noted;
#pragma unroll
        for (int j = 0; j < 8; ++j) noted.taps[j] = static_cast<uint8_t>(number[j]);
        winners[i] = noted.bits;
    }
}

__global__ void __launch_bounds__(frame_threads)
    note_largest_elements(any_tensor src, pool_axes axes, int64_t count, int32_t* __restrict__ winners) {
    for (int64_t i = blockIdx.x * int64_t{frame_threads} + threadIdx.x; i < count; i += gridDim.x * int64_t{frame_threads}) {
        int64_t rest = i;
        const int q = innermost(rest, axes.columns.outputs), p = innermost(rest, axes.rows.outputs);
        const int c = innermost(rest, src.at.c), n = static_cast<int>(rest);
        const window row = axes.rows.at(p), column = axes.columns.at(q);
        float largest = 0;
        int number = 0;
        for (int r = 0; r < row.taps; ++r)
            for (int s = 0; s < column.taps; ++s) {
                const int tap = r * column.taps + s;
                const float x = src.get(n, c, row.first + r * axes.rows.dilation, column.first + s * axes.columns.dilation);
                if (tap == 0 || x > largest) largest = x, number = tap;
            }
        winners[i] = number;
    }
}

/// visit(p, q, row, column, tap) for each window that holds pixel (y, x), which is its `tap`.
template <class Visit>
__device__ void each_window(const pool_axes& axes, int y, int x, Visit&& visit) {
    const int last_p = axes.rows.last_output(y), first_q = axes.columns.first_output(x), last_q = axes.columns.last_output(x);
    for (int p = axes.rows.first_output(y); p <= last_p; ++p) {
        const window row = axes.rows.at(p);
        const int r = axes.rows.tap_of(row, y);
        if (r < 0) continue;
        for (int q = first_q; q <= last_q; ++q) {
            const window column = axes.columns.at(q);
            const int s = axes.columns.tap_of(column, x);
            if (s >= 0) visit(p, q, row, column, r * column.taps + s);
        }
    }
}

/// What each pixel of a window has of an average.
__device__ float share_of(const window& row, const window& column) {
    return 1.f / (static_cast<float>(row.divisor) * static_cast<float>(column.divisor));
}

template <class DiffDst>
struct gradient_unit {
    const DiffDst* diff_dst;
    view at;    // of diff_dst
    bool nhwc;  // else it is read channel by channel
    pool_axes axes;
    const uint2* winners;  // null: an average
    int units;

    __device__ lane8<DiffDst> sent(int n, int c, int p, int q) const {
        const DiffDst* const from = diff_dst + n * at.image + p * at.row + q * at.pixel + c * at.channel;
        if (nhwc) return lane8<DiffDst>::load(from);
        lane8<DiffDst> x;
#pragma unroll
        for (int j = 0; j < 8; ++j) x.v[j] = c + j < at.c ? wide(from[j * at.channel]) : 0.f;
        return x;
    }

    __device__ void operator()(int64_t pixel, int c, float (&v)[8]) const {
        const place to = place_of(pixel, axes.rows.size, axes.columns.size);
#pragma unroll
        for (int j = 0; j < 8; ++j) v[j] = 0;
        each_window(axes, to.y, to.x, [&](int p, int q, const window& row, const window& column, int tap) {
            const auto g = sent(to.n, c, p, q);
            if (winners) {
                const int64_t output = (int64_t{to.n} * axes.rows.outputs + p) * axes.columns.outputs + q;
                winners8 noted;
                noted.bits = winners[output * units + c / nhwc_unit];
#pragma unroll
                for (int j = 0; j < 8; ++j) v[j] += noted.taps[j] == tap ? g.v[j] : 0.f;
            } else {
                const float share = share_of(row, column);
#pragma unroll
                for (int j = 0; j < 8; ++j) v[j] = fmaf(g.v[j], share, v[j]);
            }
        });
    }
};

struct gradient_element {
    any_tensor diff_dst;
    pool_axes axes;
    const int32_t* winners;  // null: an average

    __device__ float operator()(int n, int c, int y, int x) const {
        float sum = 0;
        each_window(axes, y, x, [&](int p, int q, const window& row, const window& column, int tap) {
            const float g = diff_dst.get(n, c, p, q);
            if (winners) {
                const int64_t channel = int64_t{n} * diff_dst.at.c + c;
                if (winners[(channel * axes.rows.outputs + p) * axes.columns.outputs + q] == tap) sum += g;
            } else {
                sum = fmaf(g, share_of(row, column), sum);
            }
        });
        return sum;
    }
};

bool is_maximum(const sextant_pool2d_backward& a) { return a.forward.kind == SEXTANT_POOL_MAX; }

class pool2d_backward : public device_op {
  public:
    explicit pool2d_backward(const sextant_pool2d_backward& problem)
        : device_op(problem.diff_src), problem_(problem), axes_(axes_of(problem.forward)) {}

    int operand_count() const override { return is_maximum(problem_) ? 3 : 2; }
    int64_t flops() const override { return flops_of(problem_.forward); }

  protected:
    int64_t output_pixels() const { return int64_t{dst.n} * problem_.diff_dst.h * problem_.diff_dst.w; }
    bool accumulates() const { return problem_.accumulate == 1; }

    const sextant_pool2d_backward problem_;
    const pool_axes axes_;
};

class pool2d_backward_units final : public pool2d_backward {
  public:
    using pool2d_backward::pool2d_backward;

    int64_t scratch_bytes(int) const override { return is_maximum(problem_) ? output_pixels() * view_of(dst).lanes : 0; }

    void enqueue(cudaStream_t stream, void* const* operands, void* scratch) const override {
        const int units = view_of(dst).lanes / nhwc_unit;
        uint2* const winners = is_maximum(problem_) ? static_cast<uint2*>(scratch) : nullptr;
        if (winners) note_largest(stream, operands[0], units, winners);
        void* const* const gradients = operands + (winners ? 1 : 0);
        visit_element(problem_.diff_dst.dtype, [&](auto d) {
            visit_element(dst.dtype, [&](auto e) {
                using DiffDst = decltype(d);
                const gradient_unit<DiffDst> value{static_cast<const DiffDst*>(gradients[0]), view_of(problem_.diff_dst),
                                                   is_nhwc(problem_.diff_dst), axes_, winners, units};
                write_units<decltype(e)>(stream, dst, gradients[1], accumulates(), value, "pool2d_backward_nhwc");
            });
        });
    }

  private:
    void note_largest(cudaStream_t stream, const void* src, int units, uint2* winners) const {
        const sextant_tensor& from = problem_.forward.src;
        const int64_t count = output_pixels() * units;
        visit_element(from.dtype, [&](auto e) {
            note_largest_units<<<grid_for(count, frame_threads), frame_threads, 0, stream>>>(
                static_cast<const decltype(e)*>(src), view_of(from), axes_, count, units, winners);
            check_launch("pool2d_note_largest");
        });
    }
};

class pool2d_backward_elements final : public pool2d_backward {
  public:
    using pool2d_backward::pool2d_backward;

    int64_t scratch_bytes(int) const override {
        return is_maximum(problem_) ? output_pixels() * dst.c * int64_t{sizeof(int32_t)} : 0;
    }

    void enqueue(cudaStream_t stream, void* const* operands, void* scratch) const override {
        int32_t* const winners = is_maximum(problem_) ? static_cast<int32_t*>(scratch) : nullptr;
        if (winners) {
            const int64_t count = output_pixels() * dst.c;
            note_largest_elements<<<grid_for(count, frame_threads), frame_threads, 0, stream>>>(
                any_of(problem_.forward.src, operands[0]), axes_, count, winners);
            check_launch("pool2d_note_largest");
        }
        void* const* const gradients = operands + (winners ? 1 : 0);
        const gradient_element value{any_of(problem_.diff_dst, gradients[0]), axes_, winners};
        write_elements(stream, any_of(dst, gradients[1]), accumulates(), value, "pool2d_backward_any");
    }
};

std::string declines(const sextant_pool2d_backward& a, const traits&) {
    if (!is_nhwc(a.diff_src)) return "diff_src does not lie in NHWC";
    if (!is_maximum(a)) return {};
    if (!is_nhwc(a.forward.src)) return "src does not lie in NHWC";
    const int64_t taps = largest_window(a.forward);
    return taps > most_taps_of_a_byte ? "windows have " + std::to_string(taps) + " pixels, at most 256" : "";
}

template <class Op>
std::unique_ptr<op> create(const sextant_pool2d_backward& problem, const pool2d_backward_parameters&, const traits&) {
    return std::make_unique<Op>(problem);
}

constexpr implementation<sextant_pool2d_backward, pool2d_backward_parameters> entries[] = {
    {"cuda_pool2d_backward_nhwc", declines, create<pool2d_backward_units>, float_dtypes},
    {"cuda_pool2d_backward_any", [](const sextant_pool2d_backward&, const traits&) { return std::string(); },
     create<pool2d_backward_elements>, float_dtypes},
};

}  // namespace

list<sextant_pool2d_backward, pool2d_backward_parameters> implementations(const sextant_pool2d_backward&,
                                                                          const pool2d_backward_parameters&) {
    return entries;
}

}  // namespace sextant::cuda
