// SPDX-License-Identifier: Apache-2.0
#include "shortcut/shortcut_backward.h"

#include "shortcut/shortcut_backward_lists.h"

namespace sextant {
namespace {

using entry = implementation<shortcut_backward_problem, shortcut_backward_parameters>;

constexpr entry list[] = {
    {"shortcut_backward_reference", [](const shortcut_backward_problem&, const device_traits&) { return std::string(); }, create_shortcut_backward_reference, every_dtype},
};

}  // namespace

std::span<const entry> shortcut_backward_implementations() { return list; }

}  // namespace sextant
