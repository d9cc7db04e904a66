// SPDX-License-Identifier: Apache-2.0
// What the files of this folder show one another: the creators that the ordered list names, and the kernels of each
// instruction set.
#pragma once
#include "dropout/dropout.h"
#include "dropout/dropout_kernels.h"

namespace sextant {

std::unique_ptr<op> create_dropout(const sextant_dropout&, dropout_kernel*);
std::unique_ptr<op> create_dropout_reference(const sextant_dropout&, const dropout_parameters&, const device_traits&);

}  // namespace sextant
