// SPDX-License-Identifier: Apache-2.0
// What the files of this folder show one another: the creators that the ordered list names, and the kernels of each
// instruction set.
#pragma once
#include "dropout/dropout.h"
#include "dropout/dropout_kernels.h"

namespace sextant {

/// Images that are runs of elements in the order n c h w: NCHW, and blocks of a single pixel.
bool dropout_in_runs(const sextant_dropout&);
std::unique_ptr<op> create_dropout_runs(const sextant_dropout&, const dropout_kernels&);
/// Pictures in blocks of channels.
std::unique_ptr<op> create_dropout_blocks(const sextant_dropout&, const dropout_kernels&);
std::unique_ptr<op> create_dropout_reference(const sextant_dropout&, const dropout_parameters&, const device_traits&);

}  // namespace sextant
