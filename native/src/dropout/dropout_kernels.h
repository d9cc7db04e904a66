// SPDX-License-Identifier: Apache-2.0
// The kernels of dropout, one for each instruction set and element type, which is that of src and dst.
#pragma once
#include <cstdint>

namespace sextant {

/// dst = src * scale or 0 for `count` elements at any addresses, the first of which is element `first` of the tensor: see mask.h.
struct dropout_run {
    const void* src;
    void* dst;
    int64_t first, count;
    uint32_t threshold;
    float scale;
    uint32_t stream, step_low, step_high;  // step_high in the upper 24 bits
    uint32_t key[2];
};

/// The same for all pixels of one channel block, of which `channels` exist; zero in the other lanes. Lane i's pixel p is element
/// first + i * rows * columns + p of the tensor, `count` is not read.
struct dropout_block : dropout_run {
    int64_t src_pitch, dst_pitch;  // elements between rows
    int rows, columns, channels;
};

struct dropout_kernels {
    int block;
    void (*run)(const dropout_run&);
    void (*pixels)(const dropout_block&);
};

extern const dropout_kernels dropout_avx512, dropout_avx2, dropout_portable;
/// Of bf16.
extern const dropout_kernels dropout_avx512_bf16;

}  // namespace sextant
