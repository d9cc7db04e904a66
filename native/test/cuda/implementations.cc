// SPDX-License-Identifier: Apache-2.0
// The entries of the device's ordered lists by name. One that a list does not hold fails each test of its operation; one that
// is missing here is compared where it is the device's own choice alone.
#include <map>

#include "compare.h"

namespace sextant::test {

std::vector<std::string> implementations_of(const std::string& operation) {
    static const std::map<std::string, std::vector<std::string>> all{
        {"conv2d_forward", {"cuda_conv2d_wgmma", "cuda_conv2d_mma", "cuda_conv2d_simt"}},
        {"conv2d_backward_data",
         {"cuda_conv2d_backward_data_wgmma", "cuda_conv2d_backward_data_mma", "cuda_conv2d_backward_data_simt"}},
        {"conv2d_backward_weights",
         {"cuda_conv2d_backward_weights_wgmma", "cuda_conv2d_backward_weights_mma", "cuda_conv2d_backward_weights_simt"}},
        {"linear", {"cuda_linear_gemv", "cuda_linear_wgmma", "cuda_linear_gemm"}},
        {"linear_forward", {"cuda_linear_forward_gemm"}},
        {"linear_backward_data", {"cuda_linear_backward_data_gemm"}},
        {"linear_backward_weights", {"cuda_linear_backward_weights_gemm"}},
        {"pool2d", {"cuda_pool2d_blocks", "cuda_pool2d_nhwc", "cuda_pool2d_any"}},
        {"pool2d_backward", {"cuda_pool2d_backward_nhwc", "cuda_pool2d_backward_any"}},
        {"lrn", {"cuda_lrn_nhwc", "cuda_lrn_any"}},
        {"lrn_backward", {"cuda_lrn_backward_nhwc", "cuda_lrn_backward_any"}},
        {"batch_norm", {"cuda_batch_norm_nhwc", "cuda_batch_norm_any"}},
        {"batch_norm_forward", {"cuda_batch_norm_forward_nhwc", "cuda_batch_norm_forward_any"}},
        {"batch_norm_backward", {"cuda_batch_norm_backward_nhwc", "cuda_batch_norm_backward_any"}},
        {"eltwise", {"cuda_eltwise_nhwc", "cuda_eltwise_any"}},
        {"activation_backward", {"cuda_activation_backward_nhwc", "cuda_activation_backward_any"}},
        {"softmax", {"cuda_softmax_rows"}},
        {"concat", {"cuda_concat_nhwc", "cuda_concat_any"}},
        {"split", {"cuda_split_nhwc", "cuda_split_any"}},
        {"reorder", {"cuda_reorder_unit", "cuda_reorder_nhwc", "cuda_reorder_tiles", "cuda_reorder_any"}},
        {"shortcut", {"cuda_shortcut_nhwc", "cuda_shortcut_any"}},
        {"shortcut_backward", {"cuda_shortcut_backward_nhwc", "cuda_shortcut_backward_any"}},
        {"dropout", {"cuda_dropout_features", "cuda_dropout_any"}},
        {"cross_entropy", {"cuda_cross_entropy_rows"}},
        {"gradient_norm", {"cuda_gradient_norm"}},
        {"optimizer", {"cuda_optimizer"}},
    };
    const auto found = all.find(operation);
    return found == all.end() ? std::vector<std::string>() : found->second;
}

}  // namespace sextant::test
