// SPDX-License-Identifier: Apache-2.0
// The host's side of the convolution on Hopper's tensor cores (wgmma_kernel.cuh): which tiles, which maps for the copy engine.
#pragma once
#include <vector>

#include "conv2d/pack_weights.h"
#include "cuda/view.h"

namespace sextant::cuda {

/// A convolution as a matrix product, without its tail.
struct wgmma_geometry {
    int dtype;  // of src and packed weights: SEXTANT_BF16, SEXTANT_F16 or SEXTANT_TF32
    view src;   // channels together, pixels 16 bytes or a multiple apart; of windows: the padded picture
    int r, s, stride_h, stride_w, dilation_h, dilation_w, pad_top, pad_left;
    int p, q, k;
    int window_width = 0;  // channels of a pixel of a first layer's padded picture; 0: no such layer
    bool pre = false;
};

/// What becomes of the sums.
struct wgmma_tail {
    const float* bias = nullptr;
    const float* pre_scale = nullptr;  // wgmma_product::channels() values, 0 past the last channel
    const float* pre_shift = nullptr;
    const void* residual = nullptr;
    sextant_tensor residual_shape{};
    int activation = SEXTANT_IDENTITY;
};

/// Rows, columns and blocks of a tile, and how many blocks share its depth.
struct wgmma_tiling {
    int groups, parts, columns, split;
    int rows() const { return groups * parts * 64; }
};

class wgmma_product {
  public:
    /// Tiles that there are kernels for: rows x columns 128x256, 256x128, 128x128, 128x64, 128x32, 64x128, 64x64, 64x32.
    static constexpr int variants = 8;
    /// In place of one of them: the fastest as far as can be told beforehand.
    static constexpr int any = -1;

    /// Empty, or why the kernel cannot do it.
    static std::string declines(const wgmma_geometry&, const traits&, int variant = any);

    wgmma_product(const wgmma_geometry&, const traits&, int variant = any);

    /// The order in which the kernel wants the weights.
    const weights_packing& packing() const { return packing_; }
    /// Length of pre_scale and pre_shift.
    int channels() const { return chunks_ * chunk_elements_; }

    /// @param dst in SEXTANT_NHWC, or of one pixel an image
    void enqueue(cudaStream_t stream, const void* src, const void* weights, const wgmma_tail& tail, const sextant_tensor& dst,
                 void* to) const;

  private:
    wgmma_geometry a_;
    weights_packing packing_;
    int row_bytes_, chunks_, chunk_elements_;
    wgmma_tiling tiling_;
    int column_tiles_, multiprocessors_;
    int64_t tiles_;
};

}  // namespace sextant::cuda
