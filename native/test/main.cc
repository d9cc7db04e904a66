// SPDX-License-Identifier: Apache-2.0
// Runs the tests with the instruction set that SEXTANT_ISA names; exits with 77, CTest's "skipped", when this processor lacks it.
#include <gtest/gtest.h>

#include <cstdio>

#include "runtime/cpu.h"

int main(int argc, char** argv) {
    ::testing::InitGoogleTest(&argc, argv);
    try {
        sextant::chosen_isa();
    } catch (const sextant::failure& reason) {
        std::fprintf(stderr, "skipped: %s\n", reason.what());
        return 77;
    }
    return RUN_ALL_TESTS();
}
