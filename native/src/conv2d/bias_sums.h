// SPDX-License-Identifier: Apache-2.0
// The gradient of a convolution's bias: diff_bias[k] = sum over n, p, q of diff_dst[n][k][p][q].
#pragma once
#include "cuda/op.h"

namespace sextant::cuda {

/// A part of each backward_weights operation, when its bias is wanted.
class bias_sums {
  public:
    bias_sums(const sextant_tensor& diff_dst, int32_t wanted);

    int32_t wanted() const { return wanted_; }
    int64_t scratch_bytes() const;
    /// Nothing when it is not wanted.
    void enqueue(cudaStream_t stream, const void* diff_dst, float* diff_bias, float* scratch) const;

  private:
    const sextant_tensor diff_dst_;
    const int32_t wanted_;
    int each_, parts_;  // pixels that one block sums, and how many blocks they are
};

}  // namespace sextant::cuda
