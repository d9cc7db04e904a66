// SPDX-License-Identifier: Apache-2.0
#pragma once
#define SEXTANT_ISA_NAMESPACE avx512_bf16
#define SEXTANT_LANES 16
#include "simd/simd.h"
