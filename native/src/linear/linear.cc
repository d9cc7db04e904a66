// SPDX-License-Identifier: Apache-2.0
#include "linear/linear.h"

#include "linear/linear_lists.h"

namespace sextant {
namespace {

std::string accepts_all(const sextant_linear&, const device_traits&) { return {}; }

constexpr linear_implementation list[] = {
    {"f32_linear_reference", accepts_all, create_linear_reference},
};

}  // namespace

std::span<const linear_implementation> linear_implementations() { return list; }

}  // namespace sextant
