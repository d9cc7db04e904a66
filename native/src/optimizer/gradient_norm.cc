// SPDX-License-Identifier: Apache-2.0
#include "optimizer/gradient_norm.h"

#include "optimizer/gradient_norm_lists.h"

namespace sextant {
namespace {

using entry = implementation<gradient_norm_problem, gradient_norm_parameters>;

constexpr entry list[] = {
    {"gradient_norm_reference", [](const gradient_norm_problem&, const device_traits&) { return std::string(); }, create_gradient_norm_reference, every_dtype},
};

}  // namespace

std::span<const entry> gradient_norm_implementations() { return list; }

}  // namespace sextant
