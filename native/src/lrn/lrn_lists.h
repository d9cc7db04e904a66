// SPDX-License-Identifier: Apache-2.0
// What the files of this folder show one another: the creators that the ordered list names, and the kernels of each
// instruction set.
#pragma once
#include "lrn/lrn.h"
#include "simd/quantisation.h"

namespace sextant {

/// Pixels worked on at a time: enough that a square is long written when its neighbours read it, few enough for the L1 cache.
inline constexpr int lrn_strip = 16;

/// A strip of pixels with all their channels.
struct lrn_run {
    const void* src;
    void* dst;
    int64_t src_pitch, dst_pitch;  // elements between channel blocks (NCHW: between channels)
    int pixels;                    // at most lrn_strip; planar: any number
    int channels;
    int before, after;  // channels of the window on either side
    float alpha, beta, bias;
    float* scratch;  // blocked only: lrn_strip times lrn_pixel_floats()
    quantisation src_stored, dst_stored;
};

using lrn_kernel = void(const lrn_run&);

struct lrn_kernels {
    int block;
    lrn_kernel* blocked;
    lrn_kernel* planar;  // null: none
};

extern const lrn_kernels lrn_avx512, lrn_avx2, lrn_portable;
/// By the element types of src and dst; null where there are none.
extern const lrn_kernels* const lrn_avx512_bf16[3][3];

/// Squares of one pixel in the scratch, with room for the window's overhang: a whole number of vectors before the first channel
/// and after the last block.
inline int64_t lrn_overhang(int neighbours, int block) { return int64_t{(neighbours + block - 1) / block} * block; }
inline int64_t lrn_pixel_floats(int channels, int before, int after, int block) {
    return lrn_overhang(before, block) + lrn_overhang(channels, block) + lrn_overhang(after, block);
}

/// Additions and multiplications of the formula, the power counted as one.
inline int64_t lrn_flops(const sextant_lrn& a) {
    return int64_t{a.dst.n} * a.dst.c * a.dst.h * a.dst.w * (2 * int64_t{a.size} + 4);
}

std::unique_ptr<op> create_lrn(const sextant_lrn&, const lrn_kernels&);
std::unique_ptr<op> create_lrn_reference(const sextant_lrn&, const lrn_parameters&, const device_traits&);

}  // namespace sextant
