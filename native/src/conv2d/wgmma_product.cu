// SPDX-License-Identifier: Apache-2.0
#include "conv2d/wgmma_product.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <mutex>
#include <array>

#include "conv2d/copy_maps.h"
#include "conv2d/wgmma_kernel.cuh"

namespace sextant::cuda {

namespace {

CUtensorMap columns_of(const weights_packing& packing, const void* address, int columns, int chunk_elements, int row_bytes) {
    const int64_t pitch = int64_t{packing.pitch} * map_element_bytes(packing.dtype);
    return map_of_boxes(packing.dtype, address, {{packing.pitch, 1}, {packing.taps, pitch}, {packing.rows, pitch * packing.taps}},
                        {chunk_elements, 1, columns}, row_bytes, "weights");
}

/// Pixel after pixel of a residual.
CUtensorMap rows_of(const sextant_tensor& t, const void* address, int rows, int chunk_elements, int row_bytes) {
    const view v = view_of(t);
    const int64_t pixels = int64_t{t.n} * t.h * t.w, pitch = (is_nhwc(t) ? v.pixel : v.image) * element_bytes(t);
    return map_of_boxes(t.dtype, address, {{t.c, 1}, {pixels, pitch}, {1, pitch * pixels}}, {chunk_elements, rows, 1}, row_bytes,
                        "the residual");
}

/// What the channels of a residual are multiplied by, for tiles of any width.
constexpr int most_columns = 256;

weights_packing unit_packing(int dtype) {
    return {weights_packing::forward, most_columns, most_columns, 1, 1, 0, dtype, most_columns, 1, most_columns};
}

const void* unit_matrix(int dtype) {
    const auto made = [](int type) {
        std::vector<float> ones(most_columns * most_columns);
        for (int i = 0; i < most_columns; ++i) ones[i * (most_columns + 1)] = 1;
        return packed_weights(unit_packing(type), ones.data());
    };
    static std::mutex making;
    static std::map<std::pair<int, int>, array>& all = *new std::map<std::pair<int, int>, array>;  // outlives the driver's last day
    int device = 0;
    check(cudaGetDevice(&device), "cudaGetDevice");
    const std::lock_guard lock(making);
    auto& unit = all[{device, dtype}];
    if (!unit.bytes()) unit = made(dtype);
    return unit.as<void>();
}

// ---------------------------------------------------------------------------------------------- tiles

using kernel = void (*)(CUtensorMap, CUtensorMap, CUtensorMap, CUtensorMap, conv2d_product);

struct variant {
    int groups, parts, columns;
    int threads, blocks;
    kernel function[3][2];  // by bf16, fp16, tf32; without and with normalisation on load
};

template <int Groups, int Parts, int Columns>
variant variant_of() {
    using shape = wgmma_shape<Groups, Parts, Columns>;
    variant v{Groups, Parts, Columns, shape::threads, shape::blocks,
              {{conv2d_wgmma<__nv_bfloat16, Groups, Parts, Columns, false>},
               {conv2d_wgmma<__half, Groups, Parts, Columns, false>},
               {conv2d_wgmma<tf32, Groups, Parts, Columns, false>}}};
    if constexpr (Parts == 1 && Groups * Columns <= 128) {
        v.function[0][1] = conv2d_wgmma<__nv_bfloat16, Groups, Parts, Columns, true>;
        v.function[1][1] = conv2d_wgmma<__half, Groups, Parts, Columns, true>;
        v.function[2][1] = conv2d_wgmma<tf32, Groups, Parts, Columns, true>;
    }
    return v;
}

const std::array<variant, wgmma_product::variants>& all_variants() {
    static const std::array<variant, wgmma_product::variants> all{
        variant_of<2, 1, 256>(), variant_of<2, 2, 128>(), variant_of<2, 1, 128>(), variant_of<2, 1, 64>(),
        variant_of<2, 1, 32>(),  variant_of<1, 1, 128>(), variant_of<1, 1, 64>(),  variant_of<1, 1, 32>()};
    return all;
}

int type_index(int dtype) { return dtype == SEXTANT_BF16 ? 0 : dtype == SEXTANT_F16 ? 1 : 2; }

const variant& variant_of(const wgmma_tiling& tiling) {
    return *std::find_if(all_variants().begin(), all_variants().end(), [&](const variant& v) {
        return v.groups == tiling.groups && v.parts == tiling.parts && v.columns == tiling.columns;
    });
}

/// Tiles along the pixels.
int64_t row_tiles(const wgmma_geometry& a, int rows) {
    if (!a.window_width) return ceiling(int64_t{a.src.n} * a.p * a.q, rows);
    const window_box box = best_box(a, rows);
    return int64_t{a.src.n} * ceiling(a.p, box.p) * ceiling(a.q, box.q);
}

constexpr int64_t alignment = 1024;  // of the ring

/// Shared memory for ring, resident weights and, in their place, a cluster's sums: what `blocks` leave one another on a multiprocessor.
int64_t ring_bytes(int64_t blocks) {
    constexpr int64_t all = 228 * 1024, reserved = 1024, barriers = 256;
    return all / blocks - reserved - barriers - alignment;
}

/// How a tile's rows and columns come into shared memory.
struct ring_plan {
    int stages, stage_bytes;
    bool resident;
    int64_t bytes;
};

/// @param split 0 where sums go through shared memory though no cluster shares a tile
/// @param tiles in all, and of these along the columns
ring_plan best_ring(const variant& v, int split, int64_t depth, int64_t tiles, int64_t column_tiles, int multiprocessors) {
    constexpr int least_stages = 3;
    const int rows = v.groups * v.parts * 64;
    // A long depth of which a multiprocessor has a few blocks only is worth a long ring; else the next kernel's blocks want room.
    constexpr int64_t long_depth = 24;
    const int64_t own = depth / std::max(1, split), all_blocks = tiles * std::max(1, split);
    const int64_t together = own > long_depth ? std::clamp<int64_t>(ceiling(all_blocks, multiprocessors), 1, v.blocks) : v.blocks;
    const int64_t bytes = ring_bytes(together), weights = depth * v.columns * stage_row_bytes, blocks = multiprocessors * v.blocks;
    const bool repeated = split == 1 && tiles > blocks && column_tiles <= blocks;
    const bool resident = repeated && weights + least_stages * rows * stage_row_bytes <= bytes;
    const int stage = (rows + (resident ? 0 : v.columns)) * stage_row_bytes;
    const int stages = static_cast<int>(std::min<int64_t>(most_stages, (bytes - (resident ? weights : 0)) / stage));
    const int64_t sums = split == 1 ? 0 : int64_t{rows} * (v.columns + sum_padding) * 4;
    return {stages, stage, resident, std::max(int64_t{stages} * stage + (resident ? weights : 0), sums)};
}

/// About how many cycles the product takes: what a multiprocessor's tiles need of the tensor cores, of the cache or of memory, whichever
/// is most, and what comes before and after.
double cycles(const wgmma_geometry& a, const variant& v, int split, int64_t depth, int row_bytes, const traits& device) {
    constexpr double products = 2048, products_used = 0.75;  // multiply-adds of 16 bits a cycle, and what of them is reached
    constexpr double cache_bytes = 30, cache_bytes_alone = 64, written_bytes = 14;
    constexpr double start = 4000, meeting = 3000, finish = 0.12, finish_met = 0.5;  // the last two for each sum
    const int rows = v.groups * v.parts * 64, element = map_element_bytes(a.dtype);
    const int64_t columns = ceiling(a.k, v.columns), tiles = row_tiles(a, rows) * columns;
    const ring_plan ring = best_ring(v, split, depth, tiles, columns, device.multiprocessors);
    const double blocks = static_cast<double>(tiles) * split, all = device.multiprocessors;
    const double each = std::ceil(blocks / all), busy = std::min(1.0, blocks / all);
    const double steps = std::ceil(static_cast<double>(depth) / split) * (row_bytes / step_bytes);
    const double bytes = std::min(cache_bytes_alone, cache_bytes / busy);
    const double step = std::max(rows * v.columns * 16 / products / products_used,
                                 (rows + (ring.resident ? 0 : v.columns)) * step_bytes / bytes);
    const double tail = std::max((split > 1 ? finish_met : finish) * rows * v.columns / split, rows * v.columns * element / split / written_bytes * busy);
    const double hidden = each > 1 && v.blocks > 1 ? 0.3 : 1;  // one block's tail passes behind another's products
    return start + each * (steps * step + hidden * tail) + (split > 1 ? meeting : 0);
}

wgmma_tiling best_tiling(const wgmma_geometry& a, int chunks, int row_bytes, const traits& device, int wanted) {
    const int64_t depth = int64_t{a.window_width ? a.r : a.r * a.s} * chunks;
    wgmma_tiling best{};
    double least = 1e300;
    for (int i = 0; i < wgmma_product::variants; ++i) {
        const variant& v = all_variants()[i];
        if ((wanted != wgmma_product::any && wanted != i) || (a.pre && !v.function[0][1])) continue;
        for (int split = 1; split <= 8 && split * 2 <= depth + 1; split *= 2) {
            // Clusters are for what would leave multiprocessors idle.
            if (split > 1 && row_tiles(a, v.groups * v.parts * 64) * ceiling(a.k, v.columns) * split > device.multiprocessors * v.blocks)
                break;
            const double taken = cycles(a, v, split, depth, row_bytes, device);
            if (taken < least) least = taken, best = {v.groups, v.parts, v.columns, split};
        }
    }
    return best;
}

/// The longest rows that waste little on the last chunk of a tap.
int best_row_bytes(int channels, int element_bytes) {
    const int bytes = channels * element_bytes;
    int best = stage_row_bytes;
    double least = 1e300;
    for (const int row : {128, 64, 32}) {
        const double taken = static_cast<double>(ceiling(bytes, row) * row) * (row == 128 ? 1 : row == 64 ? 1.15 : 1.5);
        if (taken < least) least = taken, best = row;
    }
    return best;
}

}  // namespace

std::string wgmma_product::declines(const wgmma_geometry& a, const traits& device, int variant) {
    if (device.capability != 90) return "the device is no Hopper";
    if (variant != any && a.pre && !all_variants()[variant].function[0][1]) return "tiles too large to normalise on load";
    const int64_t bytes = map_element_bytes(a.dtype);
    if (int64_t{a.src.n} * a.p * a.q > INT32_MAX) return "dst has more than 2^31 pixels";
    if (a.window_width) return a.stride_w * a.src.pixel * bytes % 16 ? "windows are no multiple of 16 bytes apart" : "";
    if (a.src.pixel * bytes % 16) return "src's pixels are no multiple of 16 bytes apart";
    if (a.stride_h > 8 || a.stride_w > 8) return "the stride is over 8";
    if ((a.r - 1) * a.dilation_h > 255 || (a.s - 1) * a.dilation_w > 255) return "the kernel reaches over 255 pixels";
    if (!window_bounds(a.pad_left, a.stride_w, a.q, a.src.w).fit() || !window_bounds(a.pad_top, a.stride_h, a.p, a.src.h).fit())
        return "the padding is over 128";
    if (a.pre) {
        if (a.r * a.s > 1 || a.pad_top || a.pad_left || window_bounds(0, a.stride_w, a.q, a.src.w).upper > 0 ||
            window_bounds(0, a.stride_h, a.p, a.src.h).upper > 0)
            return "what is normalised on load is padded or has a kernel of more than one pixel";
    }
    return {};
}

wgmma_product::wgmma_product(const wgmma_geometry& a, const traits& device, int wanted) : a_(a) {
    const int bytes = map_element_bytes(a.dtype);
    const int channels = a.window_width ? a.s * a.window_width : a.src.c;
    row_bytes_ = a.pre ? stage_row_bytes : best_row_bytes(channels, bytes);
    chunk_elements_ = row_bytes_ / bytes;
    chunks_ = static_cast<int>(ceiling(channels, chunk_elements_));
    const int unit = 16 / bytes;
    packing_ = {weights_packing::forward, a.k, a.src.c, a.r, a.s, a.window_width, a.dtype, a.k, a.r * a.s,
                static_cast<int>(ceiling(channels, unit)) * unit};
    if (a.window_width) packing_.order = weights_packing::windows, packing_.taps = a.r;
    tiling_ = best_tiling(a, chunks_, row_bytes_, device, wanted);
    const variant& v = variant_of(tiling_);
    column_tiles_ = static_cast<int>(ceiling(a.k, v.columns));
    tiles_ = row_tiles(a, tiling_.rows()) * column_tiles_;
    multiprocessors_ = device.multiprocessors;
    unit_matrix(a.dtype);  // made now, for nothing may be while a plan is recorded
    check(cudaFuncSetAttribute(reinterpret_cast<const void*>(v.function[type_index(a.dtype)][a.pre]),
                               cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(ring_bytes(1) + alignment)),
          "conv2d_wgmma's shared memory");
}

void wgmma_product::enqueue(cudaStream_t stream, const void* src, const void* weights, const wgmma_tail& tail,
                            const sextant_tensor& dst, void* to) const {
    const variant& v = variant_of(tiling_);
    const int rows = tiling_.rows();
    const view out = view_of(dst);
    conv2d_product a{};
    a.rows = a_.src.n * a_.p * a_.q, a.columns = a_.k, a.lanes = out.lanes;
    a.p = a_.p, a.q = a_.q;
    a.origin_h = -a_.pad_top, a.origin_w = -a_.pad_left;
    a.stride_h = a_.stride_h, a.stride_w = a_.stride_w, a.dilation_h = a_.dilation_h, a.dilation_w = a_.dilation_w;
    a.taps = packing_.taps, a.taps_in_row = a_.window_width ? 1 : a_.s;
    a.chunks = chunks_, a.chunk_elements = chunk_elements_, a.row_bytes = row_bytes_;
    a.column_tiles = column_tiles_, a.tiles = static_cast<int>(tiles_);
    a.split = tiling_.split;
    a.pairs = a_.k % 2 == 0 && reinterpret_cast<uintptr_t>(tail.bias) % sizeof(float2) == 0;
    a.bias = tail.bias, a.pre_scale = tail.pre_scale, a.pre_shift = tail.pre_shift;
    a.dst = to, a.dst_dtype = dst.dtype, a.activation = tail.activation;
    a.dst_pitch = is_nhwc(dst) ? out.pixel : out.image;
    const auto in_vectors = [&](const sextant_tensor& t, const void* address, int64_t pitch) {
        return type_index(t.dtype) == type_index(a_.dtype) && pitch % 8 == 0 && out.lanes % 8 == 0 && reinterpret_cast<uintptr_t>(address) % (8 * element_bytes(t)) == 0;
    };
    const bool together = in_vectors(dst, to, a.dst_pitch);
    a.staged = tiling_.split > 1 || !together || a.activation > SEXTANT_RELU;
    if (tail.residual) a.residual_chunks = static_cast<int>(ceiling(std::min(tiling_.columns, a_.k), chunk_elements_));
    const ring_plan ring = best_ring(v, a.staged && tiling_.split == 1 ? 0 : tiling_.split, int64_t{packing_.taps} * chunks_ + a.residual_chunks, tiles_, column_tiles_, multiprocessors_);
    a.resident = ring.resident, a.stages = ring.stages, a.stage_bytes = ring.stage_bytes;
    CUtensorMap source;
    if (a_.window_width) {
        const window_box box = best_box(a_, rows);
        a.box_q = box.q, a.box_p = box.p;
        a.tiles_q = static_cast<int>(ceiling(a_.q, box.q)), a.tiles_p = static_cast<int>(ceiling(a_.p, box.p));
        source = map_of_picture(a_, src, box, chunk_elements_, row_bytes_);
    } else {
        source = map_of_windows(a_, src, rows, chunk_elements_, row_bytes_);
    }
    CUtensorMap residual{}, unit{};
    if (tail.residual) {
        residual = rows_of(tail.residual_shape, tail.residual, rows, chunk_elements_, row_bytes_);
        unit = columns_of(unit_packing(a_.dtype), unit_matrix(a_.dtype), tiling_.columns, chunk_elements_, row_bytes_);
    }
    const CUtensorMap columns = columns_of(packing_, weights, tiling_.columns, chunk_elements_, row_bytes_);

    cudaLaunchAttribute attributes[2]{};
    attributes[0].id = cudaLaunchAttributeProgrammaticStreamSerialization;
    attributes[0].val.programmaticStreamSerializationAllowed = 1;
    attributes[1].id = cudaLaunchAttributeClusterDimension;
    attributes[1].val.clusterDim = {static_cast<unsigned>(tiling_.split), 1, 1};
    cudaLaunchConfig_t config{};
    // A block that takes several tiles keeps to its columns.
    const int64_t most = std::max<int64_t>(1, multiprocessors_ * v.blocks / column_tiles_) * column_tiles_;
    config.gridDim = dim3(static_cast<unsigned>(a.staged ? tiles_ * tiling_.split : std::min(tiles_, most)));
    config.blockDim = dim3(v.threads);
    config.dynamicSmemBytes = ring.bytes + alignment;
    config.stream = stream;
    config.attrs = attributes;
    config.numAttrs = tiling_.split > 1 ? 2 : 1;
    check(cudaLaunchKernelEx(&config, v.function[type_index(a_.dtype)][a_.pre], source, columns, residual, unit, a), "conv2d_wgmma");
}

}  // namespace sextant::cuda
