// SPDX-License-Identifier: Apache-2.0
#include "runtime/peak.h"

#include <gtest/gtest.h>

#include "runtime/cpu.h"

namespace sextant {
namespace {

/// No core does more than 4 multiply-adds of 16 lanes a cycle at 8 GHz; none that runs this does less than 10^8 flops a second.
constexpr double most_gflops = 4 * 32 * 8, least_gflops = 0.1;

sextant_device_peak measured(int32_t isa, int threads) {
    device device(traits_of(isa, threads));
    return measure_peak(device);
}

TEST(Peak, IsPlausibleOnEachInstructionSet) {
    for (int32_t isa = SEXTANT_ISA_PORTABLE; isa <= supported_isa(); ++isa) {
        SCOPED_TRACE(isa_name(isa));
        const sextant_device_peak peak = measured(isa, 1);
        EXPECT_GT(peak.fp32, least_gflops);
        EXPECT_LT(peak.fp32, most_gflops);
        EXPECT_GT(peak.bandwidth, 0.05);
        EXPECT_LT(peak.bandwidth, 2000);
        EXPECT_EQ(peak.bf16 > 0, isa >= SEXTANT_ISA_AVX512_BF16);
        EXPECT_EQ(peak.int8 > 0, isa >= SEXTANT_ISA_AVX512_BF16);
        EXPECT_LT(peak.bf16, 2 * most_gflops);
        EXPECT_LT(peak.int8, 4 * most_gflops);
        // A load of four bytes adds one number: a loop that the compiler emptied would show here or above.
        EXPECT_LT(peak.bandwidth / 4, peak.fp32);
    }
}

// Other programs take turns with the tests, so only the order of magnitude can be held.
TEST(Peak, IsRepeatable) {
    const sextant_device_peak first = measured(supported_isa(), 2), second = measured(supported_isa(), 2);
    EXPECT_LT(first.fp32, 4 * second.fp32);
    EXPECT_LT(second.fp32, 4 * first.fp32);
    EXPECT_LT(first.bandwidth, 8 * second.bandwidth);
    EXPECT_LT(second.bandwidth, 8 * first.bandwidth);
}

TEST(Peak, GrowsWithTheInstructionSet) {
    if (supported_isa() < SEXTANT_ISA_AVX2) GTEST_SKIP() << "this processor has no second instruction set";
    EXPECT_GT(measured(supported_isa(), 1).fp32, 1.2 * measured(SEXTANT_ISA_PORTABLE, 1).fp32);
}

}  // namespace
}  // namespace sextant
