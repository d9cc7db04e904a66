// SPDX-License-Identifier: Apache-2.0
#include "lrn/lrn_backward.h"

#include "lrn/lrn_backward_lists.h"

namespace sextant {
namespace {

using entry = implementation<sextant_lrn_backward, lrn_backward_parameters>;

constexpr entry list[] = {
    {"lrn_backward_reference", [](const sextant_lrn_backward&, const device_traits&) { return std::string(); }, create_lrn_backward_reference, every_dtype},
};

}  // namespace

std::span<const entry> lrn_backward_implementations() { return list; }

}  // namespace sextant
