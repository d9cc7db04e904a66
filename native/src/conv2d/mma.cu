// SPDX-License-Identifier: Apache-2.0
// Convolutions on tensor cores by mma, forward and with respect to the source, as mma.cuh says.
#include "conv2d/mma.h"

#include "conv2d/mma.cuh"
#include "conv2d/mma_packing.cuh"

namespace sextant::cuda {

using namespace mma;

namespace {

constexpr int slice_units = 4;                     // 64 bytes of depth
constexpr int row_bytes = (slice_units + 1) * 16;  // of left and right in a gather

/// 8 channels of a pixel, of a type that is known when it runs.
__device__ void load_lanes(float (&v)[8], const void* from, int dtype, int64_t offset) {
    const auto take = [&](const auto& lanes) {
#pragma unroll
        for (int i = 0; i < 8; ++i) v[i] = lanes.v[i];
    };
    if (dtype == SEXTANT_BF16)
        take(lane8<__nv_bfloat16>::load(static_cast<const __nv_bfloat16*>(from) + offset));
    else if (dtype == SEXTANT_F16)
        take(lane8<__half>::load(static_cast<const __half*>(from) + offset));
    else
        take(lane8<float>::load(static_cast<const float*>(from) + offset));
}

template <class Element>
__device__ void store_lanes(const float (&v)[8], Element* to) {
    lane8<Element> lanes;
#pragma unroll
    for (int i = 0; i < 8; ++i) lanes.v[i] = v[i];
    lanes.store(to);
}

__device__ void store_lanes(const float (&v)[8], void* to, int dtype, int64_t offset) {
    if (dtype == SEXTANT_BF16)
        store_lanes(v, static_cast<__nv_bfloat16*>(to) + offset);
    else if (dtype == SEXTANT_F16)
        store_lanes(v, static_cast<__half*>(to) + offset);
    else
        store_lanes(v, static_cast<float*>(to) + offset);
}

/// One launch of the gather; a block's z is group * splits + split.
struct gather {
    view src, dst, residual;
    int dst_dtype, residual_dtype;
    bool has_residual, accumulate;
    int activation;
    int groups, in, out;        // channels of a group of src, columns of a group
    int units;                  // of the depth
    int64_t first_weight;       // of the packed weights [group][column][units * unit]
    const displacement* table;  // of `units` entries and more to a whole slice, which lead outside
    raster pixels;
    int first_y, first_x, every_y, every_x;  // where they lie in dst
    int splits;

    /// Columns that a group writes: with one group also the lanes that pad the tensor.
    __host__ __device__ int width() const { return groups == 1 ? dst.lanes : out; }
};

struct gather_operands {
    const void *src, *weights;
    const float *bias, *pre_scale, *pre_shift;
    const void* residual;
    void* dst;
    float* partials;  // [split][group][pixel][width], when the depth is split
};

/// Columns `column` ... `column + 7` of a pixel: adds, activates and stores.
__device__ void finish(const gather& a, const gather_operands& o, int group, int pixel, int column, float (&v)[8]) {
    const raster::place p = a.pixels.at(pixel);
    const int y = a.first_y + p.y * a.every_y, x = a.first_x + p.x * a.every_x, channel = group * a.out + column;
    const auto add = [&](const void* from, int dtype, int64_t offset) {
        float more[8];
        load_lanes(more, from, dtype, offset);
#pragma unroll
        for (int j = 0; j < 8; ++j) v[j] += more[j];
    };
    const int64_t to = p.n * a.dst.image + y * a.dst.row + x * a.dst.pixel + channel;
    if (o.bias)
#pragma unroll
        for (int j = 0; j < 8; ++j)
            if (column + j < a.out) v[j] += o.bias[channel + j];
    if (a.has_residual)
        add(o.residual, a.residual_dtype, p.n * a.residual.image + y * a.residual.row + x * a.residual.pixel + channel);
    if (a.accumulate) add(o.dst, a.dst_dtype, to);
#pragma unroll
    for (int j = 0; j < 8; ++j) v[j] = column + j < a.out ? activated(v[j], a.activation) : 0.f;
    store_lanes(v, o.dst, a.dst_dtype, to);
}

/// What follows normalisation and ReLU on load, in the place of a unit that has arrived.
template <class Element>
__device__ void activate_unit(unsigned char* at, const float* scale, const float* shift) {
    Element* const each = reinterpret_cast<Element*>(at);
#pragma unroll
    for (int i = 0; i < unit<Element>; ++i) each[i] = narrow<Element>(fmaxf(fmaf(wide(each[i]), scale[i], shift[i]), 0.f));
}

template <int TileRows, int TileColumns>
constexpr int stage_bytes = (TileRows + TileColumns) * row_bytes;
/// The pitch of sums in shared memory: pairs of 8 rows lie in different banks.
template <int TileColumns>
constexpr int sums_pitch = TileColumns + 8;
template <int TileRows, int TileColumns>
constexpr int gather_shared = stages * stage_bytes<TileRows, TileColumns>;

template <class Element, int TileRows, int TileColumns, int WarpRows>
__global__ __launch_bounds__(threads, 2) void gather_kernel(const gather a, const gather_operands o) {
    using tiles = warp_tiles<TileRows, TileColumns, WarpRows>;
    static_assert(TileRows * sums_pitch<TileColumns> * 4 <= gather_shared<TileRows, TileColumns>);
    extern __shared__ __align__(16) unsigned char shared[];

    const int tid = threadIdx.x, lane = tid % 32, group = blockIdx.z / a.splits, split = blockIdx.z % a.splits;
    const int first_pixel = blockIdx.x * TileRows, first_column = blockIdx.y * TileColumns;

    // 4 threads fetch a row's slice, a unit each.
    constexpr int own_rows = TileRows / 64, own_columns = TileColumns / 64;
    const int own = tid / 4, own_unit = tid % 4;
    const Element* const src = static_cast<const Element*>(o.src) + group * a.in;
    int y[own_rows], x[own_rows];
    const Element* image[own_rows];
#pragma unroll
    for (int i = 0; i < own_rows; ++i) {
        const int pixel = first_pixel + own + 64 * i;
        const raster::place p = a.pixels.at(min(pixel, a.pixels.count - 1));
        y[i] = pixel < a.pixels.count ? p.y * a.pixels.step_y : outside;
        x[i] = p.x * a.pixels.step_x;
        image[i] = src + p.n * a.src.image;
    }
    const int64_t depth = int64_t{a.units} * unit<Element>;
    const Element* const weights = static_cast<const Element*>(o.weights) + a.first_weight + group * a.out * depth;
    const auto left_unit = [&](int stage, int i) {
        return shared + stage * stage_bytes<TileRows, TileColumns> + (own + 64 * i) * row_bytes + own_unit * 16;
    };

    const auto fetch = [&](int i, int stage) {
        const int at = i * slice_units + own_unit;
        const displacement d = a.table[at];
#pragma unroll
        for (int k = 0; k < own_rows; ++k) {
            const int line = y[k] + d.y, column = x[k] + d.x;
            const bool valid = within(a.src, line, column);
            copy_unit(left_unit(stage, k), valid ? image[k] + line * a.src.row + column * a.src.pixel + d.channel : src, valid);
        }
#pragma unroll
        for (int k = 0; k < own_columns; ++k) {
            const int column = first_column + own + 64 * k;
            const bool valid = column < a.out && at < a.units;
            copy_unit(left_unit(stage, k) + TileRows * row_bytes,
                      valid ? weights + column * depth + int64_t{at} * unit<Element> : weights, valid);
        }
    };

    const int slices = (a.units + slice_units - 1) / slice_units, share = (slices + a.splits - 1) / a.splits;
    const int from = min(slices, split * share), to = min(slices, from + share);
    tiles sums;
#pragma unroll
    for (int i = 0; i < stages - 1; ++i) {
        if (from + i < to) fetch(from + i, i);
        copies_begun();
    }
    for (int i = from, stage = 0; i < to; ++i, stage = (stage + 1) % stages) {
        wait_copies<stages - 2>();
        if (o.pre_scale) {
            const displacement d = a.table[i * slice_units + own_unit];
            const int channel = group * a.in + d.channel;
#pragma unroll
            for (int k = 0; k < own_rows; ++k)
                if (within(a.src, y[k] + d.y, x[k] + d.x))
                    activate_unit<Element>(left_unit(stage, k), o.pre_scale + channel, o.pre_shift + channel);
        }
        __syncthreads();
        // Everyone has multiplied the slice before this one: its place is free.
        if (i + stages - 1 < to) fetch(i + stages - 1, (stage + stages - 1) % stages);
        copies_begun();

        const unsigned char* const left = shared + stage * stage_bytes<TileRows, TileColumns>;
        const unsigned char* const right = left + TileRows * row_bytes;
#pragma unroll
        for (int step = 0; step < slice_units; step += 2) {
            uint32_t rows[tiles::rows][4], columns[tiles::columns / 2][4];
#pragma unroll
            for (int r = 0; r < tiles::rows; ++r) {
                // Rows 0 to 7 and 8 to 15 of the first unit, then of the second.
                load_matrices(rows[r], left + (tiles::first_row() + r * 16 + lane % 16) * row_bytes + (step + lane / 16) * 16);
                if constexpr (sizeof(Element) == 4)
#pragma unroll
                    for (int k = 0; k < 4; ++k) rows[r][k] = tf32(rows[r][k]);
            }
#pragma unroll
            for (int c = 0; c < tiles::columns / 2; ++c)
                // Both units of columns 0 to 7, then of 8 to 15.
                load_matrices(columns[c], right + (tiles::first_column() + c * 16 + lane / 16 * 8 + lane % 8) * row_bytes +
                                              (step + lane / 8 % 2) * 16);
#pragma unroll
            for (int r = 0; r < tiles::rows; ++r)
#pragma unroll
                for (int c = 0; c < tiles::columns; ++c)
                    multiply<Element>(sums.sums[r][c], rows[r], columns[c / 2][c % 2 * 2], columns[c / 2][c % 2 * 2 + 1]);
        }
    }

    const int width = a.width();
    if (a.splits > 1) {
        float* const partials = o.partials + (int64_t{split} * a.groups + group) * a.pixels.count * width;
        sums.each_pair([&](int row, int column, float2 pair) {
            const int pixel = first_pixel + row;
            if (pixel < a.pixels.count && first_column + column < width)
                *reinterpret_cast<float2*>(partials + int64_t{pixel} * width + first_column + column) = pair;
        });
        return;
    }
    wait_copies<0>();
    __syncthreads();
    float* const whole_sums = reinterpret_cast<float*>(shared);
    sums.each_pair([&](int row, int column, float2 pair) {
        *reinterpret_cast<float2*>(whole_sums + row * sums_pitch<TileColumns> + column) = pair;
    });
    __syncthreads();
    for (int e = tid; e < TileRows * TileColumns / 8; e += threads) {
        const int row = e / (TileColumns / 8), column = e % (TileColumns / 8) * 8, pixel = first_pixel + row;
        if (pixel >= a.pixels.count || first_column + column >= width) continue;
        float v[8];
        load_lanes(v, whole_sums, SEXTANT_F32, row * sums_pitch<TileColumns> + column);
        finish(a, o, group, pixel, first_column + column, v);
    }
}

/// Adds the splits in order; a thread takes 8 columns of a pixel.
__global__ __launch_bounds__(threads) void gather_partials_kernel(const gather a, const gather_operands o) {
    const int width = a.width(), eights = width / 8;
    const int64_t count = int64_t{a.groups} * a.pixels.count * eights, stride = int64_t{gridDim.x} * threads;
    for (int64_t e = int64_t{blockIdx.x} * threads + threadIdx.x; e < count; e += stride) {
        const int column = static_cast<int>(e % eights) * 8;
        const int64_t line = e / eights;  // group * pixels + pixel
        float v[8] = {};
        for (int split = 0; split < a.splits; ++split) {
            float more[8];
            load_lanes(more, o.partials, SEXTANT_F32, (int64_t{split} * a.groups * a.pixels.count + line) * width + column);
#pragma unroll
            for (int j = 0; j < 8; ++j) v[j] += more[j];
        }
        finish(a, o, static_cast<int>(line / a.pixels.count), static_cast<int>(line % a.pixels.count), column, v);
    }
}

struct tile_shape {
    int rows, columns, splits;
};

/// The largest tile that leaves no multiprocessor without a block; the smallest has its depth split.
tile_shape shape_for(int64_t rows, int64_t columns, int64_t groups, int64_t slices, const traits& device) {
    const auto blocks = [&](int64_t r, int64_t c) { return (rows + r - 1) / r * ((columns + c - 1) / c) * groups; };
    if (columns > 64 && blocks(128, 128) >= device.multiprocessors) return {128, 128, 1};
    if (blocks(128, 64) >= device.multiprocessors) return {128, 64, 1};
    const int64_t most = std::min(std::max<int64_t>(slices / 8, 1), std::max<int64_t>(65535 / groups, 1));
    return {64, 64, static_cast<int>(std::clamp<int64_t>(2 * device.multiprocessors / blocks(64, 64), 1, most))};
}

template <class Element>
class gather_op final : public device_op {
  public:
    gather_op(const sextant_conv2d& a, conv2d_operands operands, const conv2d_parameters& given, const traits& device)
        : device_op(a.dst), operands_(operands), flops_(conv2d_flops(a)), bias_(copy_of(given.bias, a.dst.c)) {
        if (a.pre_activation) pre_scale_ = padded(given.pre_scale, a.src), pre_shift_ = padded(given.pre_shift, a.src);
        gather launch{};
        launch.activation = a.activation;
        launch.has_residual = a.has_residual;
        if (a.has_residual) launch.residual = view_of(a.residual), launch.residual_dtype = a.residual.dtype;
        prepare(a, a.src, a.dst, forward_phases(a), launch, false, device);
        if (!given.weights) return;
        const array weights = copy_of(given.weights, int64_t{a.dst.c} * (a.src.c / a.groups) * a.r * a.s);
        packed_ = array(packed_bytes_);
        enqueue_pack(nullptr, weights.as<float>(), packed_.as<Element>());
        check(cudaDeviceSynchronize(), "packing weights");
    }

    gather_op(const conv2d_backward_data_problem& a, const traits& device)
        : device_op(a.src), operands_{1, -1, -1, 2}, flops_(conv2d_flops(a)) {
        gather launch{};
        launch.accumulate = a.accumulate;
        prepare(a, a.dst, a.src, backward_phases(a), launch, true, device);
    }

    int operand_count() const override { return operands_.dst + 1; }
    int64_t flops() const override { return flops_; }
    int64_t weight_bytes() const override { return packed_.bytes(); }
    int64_t scratch_bytes(int) const override { return scratch_weights() + partials_bytes_; }

    void enqueue(cudaStream_t stream, void* const* operands, void* scratch) const override {
        gather_operands o{operands[0], packed_.template as<void>(), bias_.template as<float>(), pre_scale_.template as<float>(),
                          pre_shift_.template as<float>(), operands_.residual < 0 ? nullptr : operands[operands_.residual],
                          operands[operands_.dst],
                          reinterpret_cast<float*>(static_cast<std::byte*>(scratch) + scratch_weights())};
        if (operands_.bias >= 0) o.bias = static_cast<const float*>(operands[operands_.bias]);
        if (operands_.weights >= 0) {
            enqueue_pack(stream, static_cast<const float*>(operands[operands_.weights]), static_cast<Element*>(scratch));
            o.weights = scratch;
        }
        for (const sized& each : launches_) {
            const gather& a = each.launch;
            const dim3 grid((a.pixels.count - 1) / each.tile.rows + 1, (a.width() - 1) / each.tile.columns + 1,
                            a.groups * a.splits);
            kernel(each.tile)<<<grid, threads, shared(each.tile), stream>>>(a, o);
            check_launch("conv2d_mma");
            if (a.splits == 1) continue;
            const int64_t eights = int64_t{a.groups} * a.pixels.count * (a.width() / 8);
            gather_partials_kernel<<<grid_for(eights, threads), threads, 0, stream>>>(a, o);
            check_launch("conv2d_mma_partials");
        }
    }

  private:
    struct sized {
        gather launch;
        tile_shape tile;
        packing weights;
    };
    using kernel_type = void (*)(gather, gather_operands);

    static kernel_type kernel(const tile_shape& t) {
        if (t.columns == 128) return gather_kernel<Element, 128, 128, 2>;
        return t.rows == 128 ? gather_kernel<Element, 128, 64, 4> : gather_kernel<Element, 64, 64, 2>;
    }
    static int shared(const tile_shape& t) { return stages * (t.rows + t.columns) * row_bytes; }

    static array padded(const float* values, const sextant_tensor& src) {
        std::vector<float> all(view_of(src).lanes, 0.f);
        std::copy(values, values + src.c, all.begin());
        return copy_of(all.data(), static_cast<int64_t>(all.size()));
    }

    /// The launches, all like `launch`, that sum from `from` to `to`.
    void prepare(const sextant_conv2d& a, const sextant_tensor& from, const sextant_tensor& to,
                 const std::vector<phase>& phases, gather launch, bool transposed, const traits& device) {
        launch.src = view_of(from), launch.dst = view_of(to), launch.dst_dtype = to.dtype;
        launch.groups = a.groups, launch.in = from.c / a.groups, launch.out = to.c / a.groups;
        const int rows = round_up(launch.in, unit<Element>);
        packing weights{launch.in, launch.out, rows, a.r * a.s, 0, nullptr, transposed, 0};
        std::vector<int> order;
        std::vector<displacement> table;
        std::vector<size_t> tables, orders;
        for (const phase& p : phases) {
            launch.pixels = p.pixels;
            launch.first_y = p.first_y, launch.first_x = p.first_x, launch.every_y = p.every_y, launch.every_x = p.every_x;
            weights.ordered = static_cast<int>(p.taps.size());
            launch.units = weights.ordered * (rows / unit<Element>);
            launch.first_weight = weights.first;
            orders.push_back(order.size()), tables.push_back(table.size());
            for (const phase::tap& t : p.taps) order.push_back(t.number);
            append_depths(table, p, rows, unit<Element>, slice_units);
            const tile_shape tile = shape_for(launch.pixels.count, launch.width(), launch.groups,
                                              (launch.units + slice_units - 1) / slice_units, device);
            launch.splits = tile.splits;
            allow_shared(reinterpret_cast<const void*>(kernel(tile)), shared(tile));
            if (tile.splits > 1)
                partials_bytes_ =
                    std::max(partials_bytes_, int64_t{tile.splits} * launch.groups * launch.pixels.count * launch.width() * 4);
            launches_.push_back({launch, tile, weights});
            weights.first += int64_t{launch.groups} * launch.out * launch.units * unit<Element>;
        }
        packed_bytes_ = std::max<int64_t>(weights.first, unit<Element>) * int64_t{sizeof(Element)};
        if (order.empty()) order.push_back(0), table.resize(slice_units);  // no tap meets any pixel
        table_ = array(table.data(), static_cast<int64_t>(table.size() * sizeof(displacement)));
        order_ = array(order.data(), static_cast<int64_t>(order.size() * sizeof(int)));
        for (size_t i = 0; i < launches_.size(); ++i) {
            launches_[i].launch.table = table_.as<displacement>() + tables[i];
            launches_[i].weights.order = order_.as<int>() + orders[i];
        }
    }

    void enqueue_pack(cudaStream_t stream, const float* weights, Element* packed) const {
        for (const sized& each : launches_) {
            const packing& a = each.weights;
            if (a.ordered == 0) continue;
            const dim3 grid((a.rows + 31) / 32, (a.out + 31) / 32, each.launch.groups);
            pack_kernel<Element><<<grid, threads, 0, stream>>>(a, weights, packed);
            check_launch("conv2d_mma_pack");
        }
    }

    int64_t scratch_weights() const { return operands_.weights < 0 ? 0 : whole(packed_bytes_); }

    const conv2d_operands operands_;
    const int64_t flops_;
    array bias_, pre_scale_, pre_shift_, packed_, table_, order_;
    std::vector<sized> launches_;
    int64_t packed_bytes_ = 0, partials_bytes_ = 0;
};

}  // namespace

std::string conv2d_mma_declines(const sextant_conv2d& a, const traits&) { return declines(a, a.src, a.dst); }
std::unique_ptr<op> create_conv2d_mma(const sextant_conv2d& a, const conv2d_parameters& given, const traits& device) {
    return create<gather_op>(a.src.dtype, a, inference_operands(a), given, device);
}

std::string conv2d_forward_mma_declines(const conv2d_forward_problem& a, const traits&) { return declines(a, a.src, a.dst); }
std::unique_ptr<op> create_conv2d_forward_mma(const conv2d_forward_problem& a, const conv2d_forward_parameters&,
                                              const traits& device) {
    return create<gather_op>(a.src.dtype, a, forward_operands(a), conv2d_parameters{}, device);
}

std::string conv2d_backward_data_mma_declines(const conv2d_backward_data_problem& a, const traits&) {
    return declines(a, a.dst, a.src);
}
std::unique_ptr<op> create_conv2d_backward_data_mma(const conv2d_backward_data_problem& a,
                                                    const conv2d_backward_data_parameters&, const traits& device) {
    return create<gather_op>(a.dst.dtype, a, device);
}

}  // namespace sextant::cuda
