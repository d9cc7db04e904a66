// SPDX-License-Identifier: Apache-2.0
#include "batch_norm/batch_norm_forward.h"

#include "batch_norm/batch_norm_forward_lists.h"

namespace sextant {
namespace {

using entry = implementation<sextant_batch_norm_forward, batch_norm_forward_parameters>;

constexpr entry list[] = {
    {"batch_norm_forward_reference", [](const sextant_batch_norm_forward&, const device_traits&) { return std::string(); }, create_batch_norm_forward_reference, every_dtype},
};

}  // namespace

std::span<const entry> batch_norm_forward_implementations() { return list; }

}  // namespace sextant
