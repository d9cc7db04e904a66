// SPDX-License-Identifier: Apache-2.0
// Every tile size and blocking number of the convolutions, in one place.
#pragma once
#include <cstdint>

namespace sextant {

/// Vectors of output channels in a register tile: two, so that each broadcast pixel feeds two multiply-adds. A tile of
/// `pixels x 2` sums needs `pixels * 2` registers, two for the weights and one or two for the broadcast:
///
///   | instruction set | registers       | pixels | sums | loads / multiply-adds per input channel  |
///   |-----------------|-----------------|--------|------|------------------------------------------|
///   | AVX-512         | 32 zmm          | 14     | 28   | 16 / 28   (14 also divides 224 ... 14)   |
///   | AVX2            | 16 ymm          | 6      | 12   | 8 / 12                                   |
///   | portable        | 16 pairs of xmm | 2      | 4    | 4 / 4                                    |
inline constexpr int tile_vectors = 2;

/// Gradients of weights: input channels in a register tile of one vector and of two vectors of output channels. Their sums stay
/// in registers over all pixels:
///
///   | instruction set | vectors x channels | loads / multiply-adds per pixel |
///   |-----------------|--------------------|---------------------------------|
///   | AVX-512         | 2 x 8 or 1 x 16    | 10 / 16                         |
///   | AVX2            | 2 x 4 or 1 x 8     | 6 / 8                           |
///   | portable        | 2 x 2 or 1 x 4     | 4 / 4   (pairs of registers)    |
///
/// First layers: sums of neighbouring taps, `first_gradient_sums` at most.
///
/// The multiply-adds of one tap and block of channels take 224 cycles in AVX-512, 48 in AVX2: there the instructions around them
/// count. So 1x1 convolutions have a loop of their own, loops over channels are short (`unrolled_steps`), and Winograd's tiles
/// come in whole groups, for six of them need fewer instructions each than four or five.
namespace avx512 {
inline constexpr int unrolled_steps = 4;
inline constexpr bool single_taps_apart = false;
inline constexpr bool winograd_whole_groups = false;
inline constexpr int tile_pixels = 14;
inline constexpr int gradient_channels[] = {16, 8};
inline constexpr int first_gradient_sums = 26;
}
namespace avx512_bf16 {
inline constexpr int unrolled_steps = 4;
inline constexpr bool single_taps_apart = false;
inline constexpr bool winograd_whole_groups = false;
inline constexpr int tile_pixels = 14;
inline constexpr int gradient_channels[] = {16, 8};
inline constexpr int first_gradient_sums = 26;
}
namespace avx2 {
inline constexpr int unrolled_steps = 2;
inline constexpr bool single_taps_apart = true;
inline constexpr bool winograd_whole_groups = true;
inline constexpr int tile_pixels = 6;
inline constexpr int gradient_channels[] = {8, 4};
inline constexpr int first_gradient_sums = 12;
}
namespace portable {
inline constexpr int unrolled_steps = 4;
inline constexpr bool single_taps_apart = false;
inline constexpr bool winograd_whole_groups = false;
inline constexpr int tile_pixels = 2;
inline constexpr int gradient_channels[] = {4, 2};
inline constexpr int first_gradient_sums = 4;
}

/// Narrow planes (7 x 7) fill a tile with two rows of up to half its pixels.
constexpr int two_row_columns(int tile_pixels) { return tile_pixels / 2; }

namespace blocking {

/// Share of a core's L2 for the source of one block of tiles, which every panel of output channels reads again; the rest is
/// for a panel's weights (512 channels x 3 x 3: 576 KiB) and what passes through.
inline constexpr double source_share_of_l2 = 0.31;

/// A staged source (pre-activation) is mapped into scratch a few tiles at a time, so that they are still near when they are read;
/// L2 also holds all panels' weights meanwhile, and the source of the next tiles, which is being fetched.
inline constexpr int staged_tiles = 4;
inline constexpr double staged_share_of_l2 = 0.12;

/// 1x1 into a plane with borders: where tiles within its rows would take up so many pixels for each that there is, full tiles across
/// the ends of rows gain more than copying their results to their places takes, if there are enough input channels.
inline constexpr double spread_least_waste = 1.15;
inline constexpr int spread_fewest_channels = 64;

/// A layer that has fewer tasks per thread than this is cut so that the threads end together.
inline constexpr int tasks_per_thread = 8;

/// For that choice, in cycles: handing out a task, and staging a vector of the source.
inline constexpr double task_cycles = 1500;
inline constexpr double staged_vector_cycles = 5;

/// 1x1 kernels touch each pixel once and outrun the hardware prefetcher: they fetch the source this many channel blocks ahead.
inline constexpr int prefetch_blocks_ahead = 2;

/// While a panel is used the next one is fetched into L2, if it is larger than this (a smaller one arrives by itself).
inline constexpr int64_t prefetch_panel_bytes = 24 * 1024;

/// A dst larger than this comes from memory when it is written: its lines are fetched when a tile begins. In a smaller one
/// that costs more than it saves.
inline constexpr int64_t prefetch_dst_bytes = 16 << 20;

/// Winograd: layers with more weights than this (c * k) let all threads work on one block of tiles, at most so many at a time.
inline constexpr int64_t winograd_shared_weights = 60'000;
inline constexpr int64_t winograd_shared_tiles = 56;

/// So do layers whose threads would read that much more from beyond their L2 with blocks of their own: a small L2 holds few tiles.
inline constexpr double winograd_own_reads = 2.2;

/// So do layers with fewer tiles a thread than this.
inline constexpr int64_t winograd_fewest_own_tiles = 8;

/// Otherwise a thread's own V and M are to stay in its L2; more tiles than this save nothing.
inline constexpr double winograd_share_of_l2 = 0.5;
inline constexpr int64_t winograd_own_tiles = 56;

/// Channels summed before the sum goes to memory: rounding errors grow with the length of a sum.
inline constexpr int winograd_chunk_channels = 64;

/// What transforming one vector takes, in multiply-adds of vectors.
inline constexpr double winograd_transform_cost = 4.5;

/// And what making a vector of transformed weights takes longer than packing one, where that is part of each run: it is written
/// to memory and read again.
inline constexpr double winograd_weights_cost = 25;

/// Transformed weights larger than this in bytes go past the caches when they are made.
inline constexpr int64_t winograd_cached_weights = 16 << 20;

/// Direct sums of bf16 are that much faster than Winograd's products, which stay float32.
inline constexpr double winograd_bf16_direct_speed = 1.9;

/// F(4x4)'s weights are 2.25 times as large as F(2x2)'s: with so few tiles or less, reading them is what takes the time.
inline constexpr int64_t winograd4_fewest_tiles = 4;

/// First layers: output rows per task. Their input rows stay in L1, and the border is written once per task.
inline constexpr int first_rows = 2;
inline constexpr int first_paired_rows = 8;

/// First layers: channels of an NCHW source up to which no blocked copy of it pays.
inline constexpr int first_max_channels = 16;

/// Gradients of weights: pixels of diff_dst worked on at a time, so that a panel's and a block of src's stay in L1.
inline constexpr int gradient_pixels = 128;

/// A task's sums are to stay in L2 with the pixels of all its channels.
inline constexpr int64_t gradient_sums_bytes = 256 * 1024;

/// With fewer tasks per thread than this the pixels are divided too, each part with sums of its own.
inline constexpr int gradient_tasks_per_thread = 8;

/// Winograd's gradients of weights: a block of transformed tiles may take so much, or as much as the sums it is added to.
inline constexpr int64_t winograd_gradient_bytes = 4 << 20;

/// Chunk by chunk, when each thread has so many and all transformed tiles take no more than this: a chunk's sums of all
/// frequencies then stay in L2, and reading the tiles once more for each chunk costs less than moving the sums.
inline constexpr int64_t winograd_gradient_fewest_chunks = 8;
inline constexpr int64_t winograd_gradient_most_bytes = 40 << 20;
inline constexpr int64_t winograd_gradient_sums_bytes = 600 * 1024;

/// What a vector of these sums takes at its end, in multiply-adds of vectors.
inline constexpr double winograd_gradient_sum_cost = 16;

}  // namespace blocking
}  // namespace sextant
