// SPDX-License-Identifier: Apache-2.0
// Convolutions on tensor cores by the instructions that all of them have from compute capability 8.0 on: bf16, fp16 and tf32 in
// SEXTANT_NHWC, sums in float32. Any shape, stride, padding, dilation; groups whose channels are whole units of 8.
//
// Forward and backward with respect to the source are a gather, as in simt.cu: rows are pixels, columns output channels, the depth
// is taps times units of 16 bytes of channels. A block of 256 threads keeps four slices of 64 bytes of depth in shared memory,
//   left[row][4 units + 1], right[column][4 units + 1]
// (an odd pitch in units, so that 8 rows lie in different banks), three of them on their way while one is multiplied. Padding and
// tails arrive as zeros.
// The gradient of the weights sums over pixels: left[pixel][k], right[pixel][depth], both read transposed.
#include "conv2d/mma.h"

#include "conv2d/bias_sums.h"
#include "conv2d/gather.h"
#include "conv2d/tensor_core.h"

namespace sextant::cuda {
namespace {

constexpr int threads = 256;
constexpr int stages = 4;
constexpr int slice_units = 4;                     // 64 bytes of depth
constexpr int row_bytes = (slice_units + 1) * 16;  // of left and right in a gather

template <class Element>
constexpr int unit = 16 / sizeof(Element);  // elements

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

/// How a block's 8 warps share its sums: each has Rows x Columns products of 16 x 8.
template <int TileRows, int TileColumns, int WarpRows>
struct warp_tiles {
    static constexpr int warp_columns = 8 / WarpRows;
    static constexpr int height = TileRows / WarpRows, width = TileColumns / warp_columns;
    static constexpr int rows = height / 16, columns = width / 8;
    static_assert(columns % 2 == 0);

    float sums[rows][columns][4] = {};

    __device__ static int first_row() { return static_cast<int>(threadIdx.x) / 32 / warp_columns * height; }
    __device__ static int first_column() { return static_cast<int>(threadIdx.x) / 32 % warp_columns * width; }

    /// visit(row, column, two sums side by side) for each of the thread's.
    template <class Visit>
    __device__ void each_pair(Visit&& visit) const {
        const int lane = threadIdx.x % 32;
#pragma unroll
        for (int i = 0; i < rows; ++i)
#pragma unroll
            for (int j = 0; j < columns; ++j)
#pragma unroll
                for (int half = 0; half < 2; ++half)
                    visit(first_row() + i * 16 + half * 8 + lane / 4, first_column() + j * 8 + lane % 4 * 2,
                          float2{sums[i][j][2 * half], sums[i][j][2 * half + 1]});
    }
};

// ---------------------------------------------------------------------------------------------- forward, backward to the source

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

/// Weights k x (c / groups) x r x s to packed[group][column][tap in order][channel summed over], for one launch.
struct packing {
    int in, out;
    int rows;         // channels of a tap: in, and those that fill its last unit, zeros
    int taps, ordered;  // r * s, and those of the launch
    const int* order;
    bool transposed;  // the sum is over k
    int64_t first;    // in the packed weights
};

/// A block takes 32 channels and 32 columns, tap by tap: both its reads and its writes are of neighbours.
template <class Element>
__global__ __launch_bounds__(threads) void pack_kernel(const packing a, const float* __restrict__ weights,
                                                       Element* __restrict__ packed) {
    __shared__ float tile[32][33];  // [column][channel]
    const int lane = threadIdx.x % 32, row = threadIdx.x / 32;
    const int first_channel = blockIdx.x * 32, first_column = blockIdx.y * 32;
    const int64_t group = blockIdx.z;
    for (int tap = 0; tap < a.ordered; ++tap) {
        for (int i = row; i < 32; i += 8) {
            const int local_channel = a.transposed ? i : lane, local_column = a.transposed ? lane : i;
            const int channel = first_channel + local_channel, column = first_column + local_column;
            const int64_t filter = a.transposed ? (group * a.in + channel) * a.out + column
                                                : (group * a.out + column) * a.in + channel;
            tile[local_column][local_channel] =
                channel < a.in && column < a.out ? weights[filter * a.taps + a.order[tap]] : 0.f;
        }
        __syncthreads();
        for (int i = row; i < 32; i += 8) {
            const int channel = first_channel + lane, column = first_column + i;
            if (channel >= a.rows || column >= a.out) continue;
            float v = tile[i][lane];
            if constexpr (sizeof(Element) == 4) v = __uint_as_float(tf32(__float_as_uint(v)));
            packed[a.first + ((group * a.out + column) * a.ordered + tap) * a.rows + channel] = narrow<Element>(v);
        }
        __syncthreads();
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
    void prepare(const sextant_conv2d& a, const sextant_tensor& from, const sextant_tensor& to, const std::vector<phase>& phases,
                 gather launch, bool transposed, const traits& device) {
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

// ---------------------------------------------------------------------------------------------- backward to the weights

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
/// them had the slice been [column][pixel]: registers are columns 0 to 7 and 8 to 15 of the first half of the pixels, then of the
/// second; with `Right` both halves of columns 0 to 7, then of 8 to 15.
template <class Element, int Tile, bool Right>
__device__ void load_columns(uint32_t (&to)[4], const unsigned char* slice, int pixel, int first) {
    const int lane = threadIdx.x % 32;
    if constexpr (sizeof(Element) == 2) {
        const int matrix = lane / 8, half = Right ? matrix % 2 : matrix / 2, eight = Right ? matrix / 2 : matrix % 2;
        load_matrices_transposed(to, slice + (pixel + half * 8 + lane % 8) * pixel_bytes<Element, Tile> + (first + eight * 8) * 2);
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
            copy_unit(to + pixels * pitch, in_src ? src + p.n * a.src.image + y * a.src.row + x * a.src.pixel : from_src, in_src);
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
        weight_partials_kernel<<<grid_for(int64_t{a_.groups} * a_.out * a_.depth, threads), threads, 0, stream>>>(a_, partials, to);
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

/// Of the tensors whose numbers are multiplied, and of the others, which may have any element type.
std::string declines(const sextant_conv2d& a, const sextant_tensor& factor, const sextant_tensor& other) {
    if (factor.dtype == SEXTANT_F32) return "float32 is not to be rounded";
    if (a.strict) return "strict";
    if (!is_nhwc(factor) || !is_nhwc(other) || (a.has_residual && !is_nhwc(a.residual))) return "a tensor is not NHWC";
    if (a.groups > 1 && (a.src.c / a.groups % 8 != 0 || a.dst.c / a.groups % 8 != 0))
        return "a group's channels are no whole units of 8";
    return too_large(a);
}

template <template <class> class Op, class... Arguments>
std::unique_ptr<op> create(int32_t dtype, const Arguments&... arguments) {
    std::unique_ptr<op> made;
    visit_element(dtype, [&](auto element) { made = std::make_unique<Op<decltype(element)>>(arguments...); });
    return made;
}

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
std::unique_ptr<op> create_conv2d_backward_data_mma(const conv2d_backward_data_problem& a, const conv2d_backward_data_parameters&,
                                                    const traits& device) {
    return create<gather_op>(a.dst.dtype, a, device);
}

std::string conv2d_backward_weights_mma_declines(const conv2d_backward_weights& a, const traits&) {
    if (a.forward.src.dtype != a.forward.dst.dtype) return unlike_pair(a.forward.src, a.forward.dst);
    return declines(a.forward, a.forward.src, a.forward.dst);
}
std::unique_ptr<op> create_conv2d_backward_weights_mma(const conv2d_backward_weights& a, const conv2d_backward_weights_parameters&,
                                                       const traits& device) {
    return create<weights_op>(a.forward.dst.dtype, a, device);
}

}  // namespace sextant::cuda
