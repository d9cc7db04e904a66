// SPDX-License-Identifier: Apache-2.0
#include "optimizer/optimizer.h"

#include "optimizer/optimizer_lists.h"

namespace sextant {
namespace {

using entry = implementation<sextant_optimizer, optimizer_parameters>;

constexpr entry list[] = {
    {"optimizer_reference", [](const sextant_optimizer&, const device_traits&) { return std::string(); }, create_optimizer_reference, every_dtype},
};

}  // namespace

std::span<const entry> optimizer_implementations() { return list; }

}  // namespace sextant
