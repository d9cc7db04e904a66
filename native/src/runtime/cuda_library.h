// SPDX-License-Identifier: Apache-2.0
// libsextant_cuda, loaded when a CUDA device is first asked for.
#pragma once
#include "runtime/accelerator.h"

namespace sextant {

/// Loads the library, once; a failure that says what was looked for where it is not to be had.
/// @param path of the file; null looks beside the library that this code is in, then where the system does
const accelerator_library& cuda_library(const char* path);

/// Gives back what an accelerator of that library allocated.
void release_cuda_memory(void* address, bool shared);

}  // namespace sextant
