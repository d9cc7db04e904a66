// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "runtime/tensor.h"
#include "runtime/thread_pool.h"

namespace sextant {

/// Sets the halo around each of the tensor's own planes to what means zero; `data` is the address of the tensor or slice.
void clear_halo(const sextant_tensor& tensor, void* data, thread_pool& pool);

}  // namespace sextant
