// SPDX-License-Identifier: Apache-2.0
#pragma once
#define SEXTANT_ISA_NAMESPACE avx2
#define SEXTANT_LANES 8
#include "simd/simd.h"
