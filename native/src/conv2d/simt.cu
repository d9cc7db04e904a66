// SPDX-License-Identifier: Apache-2.0
// Convolutions in float32 multiply-adds, forward and with respect to the source, as simt.cuh says.
#include "conv2d/simt.h"

#include "conv2d/simt.cuh"

namespace sextant::cuda {

using namespace simt;

namespace {

__device__ void store(void* to, int dtype, int64_t offset, float value) {
    if (dtype == SEXTANT_BF16)
        static_cast<__nv_bfloat16*>(to)[offset] = narrow<__nv_bfloat16>(value);
    else if (dtype == SEXTANT_F16)
        static_cast<__half*>(to)[offset] = narrow<__half>(value);
    else
        static_cast<float*>(to)[offset] = value;
}

template <class Half>
__device__ uint2 narrowed(const float (&v)[4]) {
    const Half each[4] = {narrow<Half>(v[0]), narrow<Half>(v[1]), narrow<Half>(v[2]), narrow<Half>(v[3])};
    uint2 bits;
    memcpy(&bits, each, sizeof bits);
    return bits;
}

__device__ void store_quad(void* to, int dtype, int64_t offset, const float (&v)[4]) {
    if (dtype == SEXTANT_BF16)
        *reinterpret_cast<uint2*>(static_cast<__nv_bfloat16*>(to) + offset) = narrowed<__nv_bfloat16>(v);
    else if (dtype == SEXTANT_F16)
        *reinterpret_cast<uint2*>(static_cast<__half*>(to) + offset) = narrowed<__half>(v);
    else
        *reinterpret_cast<float4*>(static_cast<float*>(to) + offset) = {v[0], v[1], v[2], v[3]};
}

/// One launch of the gather; a block's z is group * splits + split.
struct gather {
    placed src, dst, residual;
    bool has_residual, accumulate;
    int activation;
    int groups, out;            // columns of a group
    int pitch;                  // out, rounded up to 4: a row of the packed weights
    int depth;                  // rows of them that these pixels take
    int64_t first_row, group_rows;
    const displacement* table;  // of `depth` entries and more to a whole slice, which lead outside
    raster pixels;
    int first_y, first_x, every_y, every_x;  // where they lie in dst
    int splits;
    int in;  // channels of a group of src

    /// Columns that a group writes: the last one's are followed by the lanes that pad the tensor.
    __host__ __device__ int width(int group) const { return group + 1 == groups ? dst.at.lanes - group * out : out; }
};

struct gather_operands {
    const void* src;
    const float *weights, *bias, *pre_scale, *pre_shift;
    const void* residual;
    void* dst;
    float* partials;  // [split][group][pixel][pitch], when the depth is split
};

/// Columns `column` ... `column + 3` of a pixel: adds, activates and stores.
__device__ void finish(const gather& a, const gather_operands& o, int group, int pixel, int column, const float4 sums) {
    const int width = a.width(group);
    if (column >= width) return;
    const raster::place p = a.pixels.at(pixel);
    const int y = a.first_y + p.y * a.every_y, x = a.first_x + p.x * a.every_x, channel = group * a.out + column;
    const auto place = [&](const view& v) {
        return p.n * v.image + y * v.row + x * v.pixel + channel * v.channel;
    };
    float v[4] = {sums.x, sums.y, sums.z, sums.w};
    const int64_t to = place(a.dst.at);
    const int64_t beside = a.has_residual ? place(a.residual.at) : 0;
#pragma unroll
    for (int j = 0; j < 4; ++j) {
        if (column + j >= a.out) {
            v[j] = 0;
            continue;
        }
        if (o.bias) v[j] += o.bias[channel + j];
        if (a.has_residual) v[j] += load(o.residual, a.residual.dtype, beside + j * a.residual.at.channel);
        if (a.accumulate) v[j] += load(o.dst, a.dst.dtype, to + j * a.dst.at.channel);
        v[j] = activated(v[j], a.activation);
    }
    if (a.dst.quads) {
        store_quad(o.dst, a.dst.dtype, to, v);
        return;
    }
#pragma unroll
    for (int j = 0; j < 4; ++j)
        if (column + j < width) store(o.dst, a.dst.dtype, to + j * a.dst.at.channel, v[j]);
}

template <int Tile, bool Quads>
__global__ __launch_bounds__(threads, Tile == 128 ? 2 : 3) void gather_kernel(const gather a, const gather_operands o) {
    using sums_type = tile_sums<Tile>;
    __shared__ __align__(16) typename sums_type::tile left[2];
    __shared__ __align__(16) typename sums_type::tile right[2];
    extern __shared__ float totals[];

    const int tid = threadIdx.x, group = blockIdx.z / a.splits, split = blockIdx.z % a.splits;
    const int first_pixel = blockIdx.x * Tile, first_column = blockIdx.y * Tile;
    const view& src = a.src.at;

    // With quads 4 threads fetch a pixel's 16 channels; else a thread fetches one pixel, its neighbours the next ones.
    constexpr int own = Quads ? Tile / 64 : 1, fetched = Tile / 16;
    int y[own], x[own];
    int64_t image[own];
#pragma unroll
    for (int i = 0; i < own; ++i) {
        const int pixel = first_pixel + (Quads ? tid / 4 + 64 * i : tid % Tile);
        const raster::place p = a.pixels.at(min(pixel, a.pixels.count - 1));
        y[i] = pixel < a.pixels.count ? p.y * a.pixels.step_y : outside;
        x[i] = p.x * a.pixels.step_x;
        image[i] = p.n * src.image;
    }
    const int first_channel = group * a.in;
    const float* const weights = o.weights + (group * a.group_rows + a.first_row) * a.pitch;
    float pixels[fetched];
    float4 rows[Tile / 64];

    const auto fetch = [&](int i) {
        if constexpr (Quads) {
            const displacement d = a.table[i * slice + tid % 4 * 4];
            const int channel = first_channel + d.channel;
#pragma unroll
            for (int k = 0; k < own; ++k) {
                const int line = y[k] + d.y, column = x[k] + d.x;
                float4 v{};
                if (within(src, line, column)) {
                    v = load_quad(o.src, a.src.dtype, image[k] + line * src.row + column * src.pixel + channel);
                    if (o.pre_scale) {
                        const float4 scale = *reinterpret_cast<const float4*>(o.pre_scale + channel);
                        const float4 shift = *reinterpret_cast<const float4*>(o.pre_shift + channel);
                        v = {fmaxf(fmaf(v.x, scale.x, shift.x), 0.f), fmaxf(fmaf(v.y, scale.y, shift.y), 0.f),
                             fmaxf(fmaf(v.z, scale.z, shift.z), 0.f), fmaxf(fmaf(v.w, scale.w, shift.w), 0.f)};
                    }
                }
                pixels[4 * k] = v.x, pixels[4 * k + 1] = v.y, pixels[4 * k + 2] = v.z, pixels[4 * k + 3] = v.w;
            }
        } else {
#pragma unroll
            for (int k = 0; k < fetched; ++k) {
                const displacement d = a.table[i * slice + tid / Tile + threads / Tile * k];
                const int line = y[0] + d.y, column = x[0] + d.x, channel = first_channel + d.channel;
                float v = 0;
                if (within(src, line, column)) {
                    v = load(o.src, a.src.dtype, image[0] + line * src.row + column * src.pixel + channel * src.channel);
                    if (o.pre_scale) v = fmaxf(fmaf(v, o.pre_scale[channel], o.pre_shift[channel]), 0.f);
                }
                pixels[k] = v;
            }
        }
#pragma unroll
        for (int k = 0; k < Tile / 64; ++k) {
            const int e = tid + threads * k, d = i * slice + e / (Tile / 4), column = first_column + e % (Tile / 4) * 4;
            rows[k] = {};
            if (d < a.depth && column < a.pitch)
                rows[k] = *reinterpret_cast<const float4*>(weights + int64_t{d} * a.pitch + column);
        }
    };
    const auto keep = [&](int buffer) {
#pragma unroll
        for (int k = 0; k < fetched; ++k) {
            if constexpr (Quads)
                left[buffer][tid % 4 * 4 + k % 4][tid / 4 + 64 * (k / 4)] = pixels[k];
            else
                left[buffer][tid / Tile + threads / Tile * k][tid % Tile] = pixels[k];
        }
#pragma unroll
        for (int k = 0; k < Tile / 64; ++k) {
            const int e = tid + threads * k;
            *reinterpret_cast<float4*>(&right[buffer][e / (Tile / 4)][e % (Tile / 4) * 4]) = rows[k];
        }
    };

    sums_type sums;
    const int slices = (a.depth + slice - 1) / slice, share = (slices + a.splits - 1) / a.splits;
    sum_slices<Tile>(sums, left, right, split * share, min(slices, (split + 1) * share), totals, fetch, keep);

#pragma unroll
    for (int i = 0; i < sums_type::edge; ++i) {
        const int pixel = first_pixel + sums_type::row(i);
        if (pixel >= a.pixels.count) continue;
#pragma unroll
        for (int j = 0; j < sums_type::edge; j += 4) {
            const int column = first_column + sums_type::column(j);
            const float4 v{sums.v[i][j], sums.v[i][j + 1], sums.v[i][j + 2], sums.v[i][j + 3]};
            if (a.splits == 1)
                finish(a, o, group, pixel, column, v);
            else if (column < a.pitch)
                *reinterpret_cast<float4*>(
                    o.partials + ((int64_t{split} * a.groups + group) * a.pixels.count + pixel) * a.pitch + column) = v;
        }
    }
}

/// Adds the splits in order; a thread takes 4 columns of a pixel.
__global__ __launch_bounds__(threads) void gather_partials_kernel(const gather a, const gather_operands o, int quads) {
    const int64_t count = int64_t{a.groups} * a.pixels.count * quads, stride = int64_t{gridDim.x} * threads;
    for (int64_t e = int64_t{blockIdx.x} * threads + threadIdx.x; e < count; e += stride) {
        const int column = static_cast<int>(e % quads) * 4;
        const int64_t line = e / quads;  // group * pixels + pixel
        float4 sum{};
        if (column < a.pitch)
            for (int split = 0; split < a.splits; ++split) {
                const int64_t row = int64_t{split} * a.groups * a.pixels.count + line;
                const float4 v = *reinterpret_cast<const float4*>(o.partials + row * a.pitch + column);
                sum = {sum.x + v.x, sum.y + v.y, sum.z + v.z, sum.w + v.w};
            }
        finish(a, o, static_cast<int>(line / a.pixels.count), static_cast<int>(line % a.pixels.count), column, sum);
    }
}

/// How weights k x (c / groups) x r x s become rows: packed[group][tap in order][channel summed over][column].
struct packing {
    int groups, in, out;
    int rows;        // of a tap: in, and those that meet the lanes that pad src, zeros
    int pitch;
    int taps;        // r * s
    int ordered;     // those that are packed
    const int* order;
    bool transposed; // the sum is over k
    int dtype;       // what they are rounded to

    __host__ __device__ int64_t count() const { return int64_t{groups} * ordered * rows * pitch; }
};

__global__ __launch_bounds__(threads) void pack_kernel(const packing a, const float* __restrict__ weights,
                                                       float* __restrict__ packed) {
    const int64_t count = a.count(), stride = int64_t{gridDim.x} * threads;
    for (int64_t e = int64_t{blockIdx.x} * threads + threadIdx.x; e < count; e += stride) {
        const int column = static_cast<int>(e % a.pitch);
        const int64_t row = e / a.pitch, plane = row / a.rows;
        const int channel = static_cast<int>(row % a.rows);
        const int64_t group = plane / a.ordered;
        float v = 0;
        if (channel < a.in && column < a.out) {
            const int64_t filter = a.transposed ? (group * a.in + channel) * a.out + column
                                                : (group * a.out + column) * a.in + channel;
            v = weights[filter * a.taps + a.order[plane % a.ordered]];
            if (a.dtype == SEXTANT_BF16) v = wide(narrow<__nv_bfloat16>(v));
            if (a.dtype == SEXTANT_F16) v = wide(narrow<__half>(v));
        }
        packed[e] = v;
    }
}

class gather_op final : public device_op {
  public:
    gather_op(const sextant_conv2d& a, conv2d_operands operands, const conv2d_parameters& given, const traits& device)
        : device_op(a.dst), operands_(operands), flops_(conv2d_flops(a)), bias_(copy_of(given.bias, a.dst.c)) {
        if (a.pre_activation) pre_scale_ = padded(given.pre_scale, a.src), pre_shift_ = padded(given.pre_shift, a.src);
        gather launch{};
        launch.activation = a.activation;
        launch.has_residual = a.has_residual;
        if (a.has_residual) launch.residual = placed_of(a.residual, a.groups);
        prepare(a, a.src, a.dst, forward_phases(a), launch, device);
        if (!given.weights) return;
        const array weights = copy_of(given.weights, int64_t{a.dst.c} * (a.src.c / a.groups) * a.r * a.s);
        packed_ = array(packing_.count() * 4);
        enqueue_pack(nullptr, weights.as<float>(), packed_.as<float>());
        check(cudaDeviceSynchronize(), "packing weights");
    }

    gather_op(const conv2d_backward_data_problem& a, const traits& device)
        : device_op(a.src), operands_{1, -1, -1, 2}, flops_(conv2d_flops(a)) {
        gather launch{};
        launch.accumulate = a.accumulate;
        packing_.transposed = true;
        prepare(a, a.dst, a.src, backward_phases(a), launch, device);
    }

    int operand_count() const override { return operands_.dst + 1; }
    int64_t flops() const override { return flops_; }
    int64_t weight_bytes() const override { return packed_.bytes(); }
    int64_t scratch_bytes(int) const override { return scratch_weights() + partials_bytes_; }

    void enqueue(cudaStream_t stream, void* const* operands, void* scratch) const override {
        const auto operand = [&](int i) { return i < 0 ? nullptr : operands[i]; };
        gather_operands o{operands[0], packed_.as<float>(), bias_.as<float>(), pre_scale_.as<float>(), pre_shift_.as<float>(),
                          operand(operands_.residual), operands[operands_.dst],
                          reinterpret_cast<float*>(static_cast<std::byte*>(scratch) + scratch_weights())};
        if (operands_.bias >= 0) o.bias = static_cast<const float*>(operands[operands_.bias]);
        if (operands_.weights >= 0) {
            enqueue_pack(stream, static_cast<const float*>(operands[operands_.weights]), static_cast<float*>(scratch));
            o.weights = static_cast<const float*>(scratch);
        }
        for (const auto& [launch, tile, shared] : launches_) {
            const gather& a = launch;
            const int width = a.width(a.groups - 1);
            const dim3 grid((a.pixels.count + tile - 1) / tile, (width + tile - 1) / tile, a.groups * a.splits);
            kernel(tile, a.src.quads)<<<grid, threads, shared, stream>>>(a, o);
            check_launch("conv2d_simt");
            if (a.splits == 1) continue;
            const int quads = (width + 3) / 4;
            gather_partials_kernel<<<grid_for(int64_t{a.groups} * a.pixels.count * quads, threads), threads, 0, stream>>>(a, o,
                                                                                                                       quads);
            check_launch("conv2d_simt_partials");
        }
    }

  private:
    struct sized {
        gather launch;
        int tile;
        int64_t shared;
    };
    using kernel_type = void (*)(gather, gather_operands);

    static kernel_type kernel(int tile, bool quads) {
        if (tile == 128) return quads ? gather_kernel<128, true> : gather_kernel<128, false>;
        return quads ? gather_kernel<64, true> : gather_kernel<64, false>;
    }

    static array padded(const float* values, const sextant_tensor& src) {
        std::vector<float> all(view_of(src).lanes, 0.f);
        std::copy(values, values + src.c, all.begin());
        return copy_of(all.data(), static_cast<int64_t>(all.size()));
    }

    /// The launches, all like `launch`, that sum from `from` to `to`.
    void prepare(const sextant_conv2d& a, const sextant_tensor& from, const sextant_tensor& to,
                 const std::vector<phase>& phases, gather launch, const traits& device) {
        const int rows = channels_read(from, a.groups);
        launch.src = placed_of(from, a.groups), launch.dst = placed_of(to, a.groups);
        launch.groups = a.groups;
        launch.in = from.c / a.groups, launch.out = to.c / a.groups;
        launch.pitch = round_up(launch.out, 4);
        std::vector<int> order;
        std::vector<displacement> table;
        std::vector<size_t> starts;
        for (const phase& p : phases) {
            launch.pixels = p.pixels;
            launch.first_y = p.first_y, launch.first_x = p.first_x, launch.every_y = p.every_y, launch.every_x = p.every_x;
            launch.first_row = static_cast<int64_t>(order.size()) * rows;
            launch.depth = static_cast<int>(p.taps.size()) * rows;
            for (const phase::tap& t : p.taps) order.push_back(t.number);
            starts.push_back(table.size());
            append_depths(table, p, rows, 1, slice);
            add_launch(launch, device);
        }
        if (order.empty()) order.push_back(0), table.resize(slice);  // no tap meets any pixel
        table_ = array(table.data(), static_cast<int64_t>(table.size() * sizeof(displacement)));
        order_ = array(order.data(), static_cast<int64_t>(order.size() * sizeof(int)));
        for (size_t i = 0; i < launches_.size(); ++i) {
            launches_[i].launch.table = table_.as<displacement>() + starts[i];
            launches_[i].launch.group_rows = static_cast<int64_t>(order.size()) * rows;
        }
        packing_ = {a.groups, launch.in, launch.out, rows, launch.pitch, a.r * a.s, static_cast<int>(order.size()),
                    order_.as<int>(), packing_.transposed, from.dtype};
    }

    void add_launch(gather launch, const traits& device) {
        const int64_t slices = (launch.depth + slice - 1) / slice;
        const shape best = shape_for(launch.pixels.count, launch.width(launch.groups - 1), launch.groups, slices, 8, device);
        launch.splits = best.splits;
        const int64_t deep = (slices + best.splits - 1) / best.splits;
        const int64_t shared = best.tile == 128 ? tile_sums<128>::totals_bytes(deep) : tile_sums<64>::totals_bytes(deep);
        allow_shared(reinterpret_cast<const void*>(kernel(best.tile, launch.src.quads)), shared);
        if (best.splits > 1)
            partials_bytes_ =
                std::max(partials_bytes_, int64_t{best.splits} * launch.groups * launch.pixels.count * launch.pitch * 4);
        launches_.push_back({launch, best.tile, shared});
    }

    void enqueue_pack(cudaStream_t stream, const float* weights, float* packed) const {
        pack_kernel<<<grid_for(packing_.count(), threads), threads, 0, stream>>>(packing_, weights, packed);
        check_launch("conv2d_simt_pack");
    }

    int64_t scratch_weights() const { return operands_.weights < 0 ? 0 : whole(packing_.count() * 4); }

    const conv2d_operands operands_;
    const int64_t flops_;
    array bias_, pre_scale_, pre_shift_, packed_, table_, order_;
    packing packing_{};
    std::vector<sized> launches_;
    int64_t partials_bytes_ = 0;
};

}  // namespace

std::string conv2d_simt_declines(const sextant_conv2d& a, const traits&) { return too_large(a); }
std::unique_ptr<op> create_conv2d_simt(const sextant_conv2d& a, const conv2d_parameters& given, const traits& device) {
    return std::make_unique<gather_op>(a, inference_operands(a), given, device);
}

std::string conv2d_forward_simt_declines(const conv2d_forward_problem& a, const traits&) { return too_large(a); }
std::unique_ptr<op> create_conv2d_forward_simt(const conv2d_forward_problem& a, const conv2d_forward_parameters&,
                                               const traits& device) {
    return std::make_unique<gather_op>(a, forward_operands(a), conv2d_parameters{}, device);
}

std::string conv2d_backward_data_simt_declines(const conv2d_backward_data_problem& a, const traits&) { return too_large(a); }
std::unique_ptr<op> create_conv2d_backward_data_simt(const conv2d_backward_data_problem& a,
                                                     const conv2d_backward_data_parameters&, const traits& device) {
    return std::make_unique<gather_op>(a, device);
}

}  // namespace sextant::cuda
