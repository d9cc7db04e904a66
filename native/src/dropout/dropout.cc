// SPDX-License-Identifier: Apache-2.0
#include "dropout/dropout.h"

#include "dropout/dropout_lists.h"

namespace sextant {
namespace {

using entry = implementation<sextant_dropout, dropout_parameters>;

constexpr entry list[] = {
    {"dropout_reference", [](const sextant_dropout&, const device_traits&) { return std::string(); }, create_dropout_reference, every_dtype},
};

}  // namespace

std::span<const entry> dropout_implementations() { return list; }

}  // namespace sextant
