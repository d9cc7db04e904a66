// SPDX-License-Identifier: Apache-2.0
#include "batch_norm/batch_norm_backward.h"

#include "batch_norm/batch_norm_backward_lists.h"

namespace sextant {
namespace {

using entry = implementation<sextant_batch_norm_backward, batch_norm_backward_parameters>;

constexpr entry list[] = {
    {"batch_norm_backward_reference", [](const sextant_batch_norm_backward&, const device_traits&) { return std::string(); }, create_batch_norm_backward_reference, every_dtype},
};

}  // namespace

std::span<const entry> batch_norm_backward_implementations() { return list; }

}  // namespace sextant
