// SPDX-License-Identifier: Apache-2.0
// First layers: pictures of few channels, the caller's NCHW float32, padded into pixels of 4 or 8 channels with zeros around, so that a
// kernel row of a window is one stretch of memory for the copy engine.
#pragma once
#include "conv2d/wgmma_product.h"

namespace sextant::cuda {

/// Whether src is such a picture.
bool has_windows(const sextant_conv2d&);

/// The product that a convolution is; with windows in the element type of dst.
wgmma_geometry geometry_of(const sextant_conv2d&);

/// src as the product reads it: itself, or the padded picture made of it in `scratch`, which takes picture_bytes.
const void* pictured(const sextant_conv2d&, const wgmma_geometry&, cudaStream_t, const void* src, void* scratch);
int64_t picture_bytes(const wgmma_geometry&);

}  // namespace sextant::cuda
