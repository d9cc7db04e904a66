// SPDX-License-Identifier: Apache-2.0
// What the files of this folder show one another: the creators that the ordered list names, and what they share.
#pragma once
#include <algorithm>

#include "conv2d/conv2d.h"

namespace sextant {

/// Multiply-adds asked for, counted as 2 each; the padding counts like pixels.
inline int64_t conv2d_flops(const sextant_conv2d& a) {
    return 2 * int64_t{a.dst.n} * a.dst.c * a.dst.h * a.dst.w * (a.src.c / a.groups) * a.r * a.s;
}

/// Zeros around the source that the taps of the outermost pixels reach.
inline int conv2d_halo(const sextant_conv2d& a) {
    const int below = (a.dst.h - 1) * a.stride_h - a.pad_top + (a.r - 1) * a.dilation_h - (a.src.h - 1);
    const int right = (a.dst.w - 1) * a.stride_w - a.pad_left + (a.s - 1) * a.dilation_w - (a.src.w - 1);
    return std::max({a.pad_top, a.pad_left, below, right, 0});
}

/// What an operation's operands are: those of inference unless it was told others.
inline conv2d_binding binding_of(const sextant_conv2d& a, const conv2d_parameters& parameters) {
    if (parameters.binding) return *parameters.binding;
    return {-1, -1, a.has_residual ? 1 : -1, a.has_residual ? 2 : 1, forward_view(a), conv2d_flops(a), nullptr};
}

template <int32_t Isa>
std::string isa_declines(const device_traits& device) {
    if (device.isa >= Isa) return {};
    return Isa == SEXTANT_ISA_AVX512_BF16 ? "the device has no AVX512_BF16"
           : Isa == SEXTANT_ISA_AVX512    ? "the device has no AVX-512"
                                          : "the device has no AVX2";
}

struct depthwise_kernels;
std::string depthwise_declines(const sextant_conv2d&, const depthwise_kernels&);
std::unique_ptr<op> create_depthwise(const sextant_conv2d&, const conv2d_parameters&, const device_traits&,
                                     const depthwise_kernels&);

struct first_kernels;
std::string first_declines(const sextant_conv2d&, const first_kernels&);
std::unique_ptr<op> create_first(const sextant_conv2d&, const conv2d_parameters&, const device_traits&, const first_kernels&);

struct winograd_kernels;
std::string winograd_declines(const sextant_conv2d&, const winograd_kernels&);
/// @param in_each_run whether the weights' transform is part of a run
std::string winograd_yields(const sextant_conv2d&, const winograd_kernels&, bool in_each_run);
std::unique_ptr<op> create_winograd(const sextant_conv2d&, const conv2d_parameters&, const device_traits&,
                                    const winograd_kernels&);

template <class Format>
struct direct_kernels;
template <class Format>
std::string direct_declines(const sextant_conv2d&, const direct_kernels<Format>&);
template <class Format>
std::unique_ptr<op> create_direct(const sextant_conv2d&, const conv2d_parameters&, const device_traits&,
                                  const direct_kernels<Format>&);

std::unique_ptr<op> create_conv2d_reference(const sextant_conv2d&, const conv2d_parameters&, const device_traits&);

std::string conv2d_backward_data_linear_declines(const conv2d_backward_data_problem&, const device_traits&);
std::unique_ptr<op> create_conv2d_backward_data_linear(const conv2d_backward_data_problem&,
                                                       const conv2d_backward_data_parameters&, const device_traits&);
std::unique_ptr<op> create_conv2d_backward_data_reference(const conv2d_backward_data_problem&,
                                                          const conv2d_backward_data_parameters&, const device_traits&);

}  // namespace sextant
