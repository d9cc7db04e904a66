// SPDX-License-Identifier: Apache-2.0
// What this processor can do and how much of it this process may use.
#pragma once
#include <cstdint>
#include <string>

#include "runtime/op.h"

namespace sextant {

/// The highest instruction set that processor and operating system both support: SEXTANT_ISA_...
int32_t supported_isa();

/// supported_isa(), lowered by the environment variable SEXTANT_ISA. Throws a failure when that names an unknown one or one
/// that this processor lacks.
int32_t chosen_isa();

/// "portable", "avx2", "avx512" or "avx512_bf16".
const char* isa_name(int32_t isa);

/// The processor's own name, or the architecture's when it gives none.
std::string processor_name();

/// Second-level cache of one core, in bytes.
int64_t l2_cache_bytes();

/// The cache before memory, in bytes; a guess where the system does not tell.
int64_t last_cache_bytes();

/// Processors that this process may use, at least 1: its affinity mask, cut by its container's share.
int32_t available_cores();

/// The share of processor time that the control groups in force allow, in whole processors rounded up; 0 when unlimited.
/// `root` is prepended to /proc and /sys, for tests.
int32_t control_group_cores(const std::string& root);

/// What implementations may ask about this machine, with `isa` in use and runs of `threads` threads.
device_traits traits_of(int32_t isa, int32_t threads);

}  // namespace sextant
