// SPDX-License-Identifier: Apache-2.0
// What the files of this folder show one another: the creators that the ordered list names, and what they share.
#pragma once
#include "linear/linear.h"

namespace sextant {

inline int64_t linear_features(const sextant_linear& a) { return int64_t{a.src.c} * a.src.h * a.src.w; }
inline int64_t linear_flops(const sextant_linear& a) { return 2 * int64_t{a.dst.n} * a.dst.c * linear_features(a); }

template <class Format>
struct linear_kernels;
template <class Format>
std::string linear_declines(const sextant_linear&, const linear_kernels<Format>&);
template <class Format>
std::unique_ptr<op> create_linear(const sextant_linear&, const linear_parameters&, const device_traits&,
                                  const linear_kernels<Format>&);

std::unique_ptr<op> create_linear_reference(const sextant_linear&, const linear_parameters&, const device_traits&);

}  // namespace sextant
