// SPDX-License-Identifier: Apache-2.0
// The vector functions of one instruction set, for simd_test.cc, which itself is compiled for any processor.
#pragma once
#include <cstdint>

namespace sextant::test {

/// Each works on `lanes` floats at 64-byte aligned addresses.
struct simd_functions {
    const char* name;
    int32_t isa;
    int lanes;
    void (*exp)(const float* x, float* y);
    void (*log)(const float* x, float* y);
    void (*tanh)(const float* x, float* y);
    void (*sigmoid)(const float* x, float* y);
    void (*negative_three_quarter_power)(const float* x, float* y);
    void (*negative_power)(const float* x, float exponent, float* y);
    void (*square_root)(const float* x, float* y);
    void (*max)(const float* a, const float* b, float* y);
    void (*min)(const float* a, const float* b, float* y);
    void (*max_or_nan)(const float* a, const float* b, float* y);
    void (*relu)(const float* x, float* y);
    void (*even_lanes)(const float* a, const float* b, float* y);
    void (*odd_lanes)(const float* a, const float* b, float* y);
    void (*broadcast_pair)(const float* x, float* y);
    void (*transpose)(const float* rows, float* columns);  // lanes x lanes
    void (*first_lanes)(const float* x, int count, float* y);
    void (*copy_lanes)(const float* x, int first, int last, float* y);  // by masked load and store; any address
};

/// Sixteen elements of a narrow type to floats and back.
struct narrow_functions {
    void (*load_bf16)(const void* x, float* y);
    void (*store_bf16)(const float* x, void* y);
    void (*load_u8)(const void* x, float* y);
    void (*store_u8)(const float* x, void* y);
};

extern const narrow_functions narrow_avx512_bf16;
extern const simd_functions simd_avx512, simd_avx2, simd_portable;

}  // namespace sextant::test
