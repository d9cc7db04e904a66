// SPDX-License-Identifier: Apache-2.0
// What the files of this folder show one another: the creators that the ordered list names, and what they share.
#pragma once
#include "conv2d/conv2d.h"

namespace sextant {

/// Multiply-adds asked for, counted as 2 each; the padding counts like pixels.
inline int64_t conv2d_flops(const sextant_conv2d& a) {
    return 2 * int64_t{a.dst.n} * a.dst.c * a.dst.h * a.dst.w * (a.src.c / a.groups) * a.r * a.s;
}

struct first_kernels;
std::string first_declines(const sextant_conv2d&, const first_kernels&);
std::unique_ptr<op> create_first(const sextant_conv2d&, const conv2d_parameters&, const device_traits&, const first_kernels&);

struct direct_kernels;
std::string direct_declines(const sextant_conv2d&, const direct_kernels&);
std::unique_ptr<op> create_direct(const sextant_conv2d&, const conv2d_parameters&, const device_traits&, const direct_kernels&);

std::unique_ptr<op> create_conv2d_reference(const sextant_conv2d&, const conv2d_parameters&, const device_traits&);

}  // namespace sextant
