// SPDX-License-Identifier: Apache-2.0
#pragma once
#define SEXTANT_ISA_NAMESPACE portable
#define SEXTANT_LANES 8
#include "simd/simd.h"
