// SPDX-License-Identifier: Apache-2.0
#include "activation/activation_backward.h"

#include "activation/activation_backward_lists.h"

namespace sextant {
namespace {

using entry = implementation<sextant_activation_backward, activation_backward_parameters>;

constexpr entry list[] = {
    {"activation_backward_reference", [](const sextant_activation_backward&, const device_traits&) { return std::string(); }, create_activation_backward_reference, every_dtype},
};

}  // namespace

std::span<const entry> activation_backward_implementations() { return list; }

}  // namespace sextant
