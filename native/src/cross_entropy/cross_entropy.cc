// SPDX-License-Identifier: Apache-2.0
#include "cross_entropy/cross_entropy.h"

#include "cross_entropy/cross_entropy_lists.h"

namespace sextant {
namespace {

using entry = implementation<sextant_cross_entropy, cross_entropy_parameters>;

constexpr entry list[] = {
    {"cross_entropy_reference", [](const sextant_cross_entropy&, const device_traits&) { return std::string(); }, create_cross_entropy_reference, every_dtype},
};

}  // namespace

std::span<const entry> cross_entropy_implementations() { return list; }

}  // namespace sextant
