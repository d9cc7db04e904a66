// SPDX-License-Identifier: Apache-2.0
// Runs the tests on the first CUDA device; exits with 77, CTest's "skipped", and the library's own reason where there is none.
// SEXTANT_CUDA_LIBRARY names libsextant_cuda; else it lies beside this program.
#include <gtest/gtest.h>

#include <cstdio>

#include "compare.h"
#include "tests.h"

int main(int argc, char** argv) {
    ::testing::InitGoogleTest(&argc, argv);
    sextant::test::add_conv2d_tests();
    sextant::test::add_linear_tests();
    sextant::test::add_inference_tests();
    sextant::test::add_training_tests();
    if (!GTEST_FLAG_GET(list_tests)) {
        try {
            sextant::test::cuda();
        } catch (const sextant::test::refusal& reason) {
            std::fprintf(stderr, "skipped: %s\n", reason.what());
            return reason.status == SEXTANT_UNSUPPORTED ? 77 : 1;
        }
    }
    const int result = RUN_ALL_TESTS();
    sextant::test::print_coverage();
    return result;
}
