// SPDX-License-Identifier: Apache-2.0
#include "conv2d/conv2d.h"

#include "conv2d/conv2d_lists.h"

namespace sextant {
namespace {

std::string accepts_all(const sextant_conv2d&, const device_traits&) { return {}; }

constexpr conv2d_implementation list[] = {
    {"f32_conv2d_reference", accepts_all, create_conv2d_reference},
};

}  // namespace

std::span<const conv2d_implementation> conv2d_implementations() { return list; }

}  // namespace sextant
