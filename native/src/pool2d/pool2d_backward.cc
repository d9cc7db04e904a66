// SPDX-License-Identifier: Apache-2.0
#include "pool2d/pool2d_backward.h"

#include "pool2d/pool2d_backward_lists.h"

namespace sextant {
namespace {

using entry = implementation<sextant_pool2d_backward, pool2d_backward_parameters>;

constexpr entry list[] = {
    {"pool2d_backward_reference", [](const sextant_pool2d_backward&, const device_traits&) { return std::string(); }, create_pool2d_backward_reference, every_dtype},
};

}  // namespace

std::span<const entry> pool2d_backward_implementations() { return list; }

}  // namespace sextant
