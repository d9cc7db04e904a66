// SPDX-License-Identifier: Apache-2.0
// Every tile size and blocking number of the fully connected layer, in one place.
#pragma once

namespace sextant {

/// Vectors of outputs beside `rows` images in a register tile of at most `sums` sums. One image is a stream of weights: many
/// vectors, so that it is sequential and their multiply-adds overlap. Many images: two, as in the convolutions.
constexpr int linear_vectors(int rows, int sums) {
    for (int vectors = 8; vectors > 2; vectors /= 2)
        if (rows * vectors <= sums) return vectors;
    return 2;
}

///   | instruction set | registers       | rows | sums | tiles (rows x vectors)       |
///   |-----------------|-----------------|------|------|------------------------------|
///   | AVX-512         | 32 zmm          | 14   | 28   | 1-3 x 8, 4-7 x 4, 8-14 x 2   |
///   | AVX2            | 16 ymm          | 6    | 12   | 1 x 8, 2-3 x 4, 4-6 x 2      |
///   | portable        | 16 pairs of xmm | 2    | 4    | 1 x 4, 2 x 2                 |
namespace avx512 {
inline constexpr int linear_rows = 14, linear_sums = 28;
}
namespace avx512_bf16 {
inline constexpr int linear_rows = 14, linear_sums = 28;
}
namespace avx2 {
inline constexpr int linear_rows = 6, linear_sums = 12;
}
namespace portable {
inline constexpr int linear_rows = 2, linear_sums = 4;
}

namespace blocking {

/// Features summed in registers before they are added to the running sums: a chunk of weights (x 2 vectors x 64 bytes: 32 KiB)
/// stays near for all rows, and a sum of 25,088 products errs like one of a hundred sums of 256.
inline constexpr int linear_chunk = 256;

/// How far ahead of its use the stream of weights is fetched.
inline constexpr int linear_prefetch_bytes = 4096;

/// Tasks per thread, unless one would have fewer weights than are worth handing out.
inline constexpr int linear_tasks_per_thread = 4;
inline constexpr int linear_task_weights = 32 * 1024;

}  // namespace blocking
}  // namespace sextant
