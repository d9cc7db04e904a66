// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "environment.h"
#include "runtime/cpu.h"

namespace sextant {
namespace {

struct problem {
    int size;
    sextant_tensor src{};
};
struct nothing {};

class empty_op final : public op {
  public:
    empty_op() : op(sextant_tensor{}) {}
    void run(thread_pool&, const address*, std::byte*) const override {}
};

std::unique_ptr<op> create(const problem&, const nothing&, const device_traits&) { return std::make_unique<empty_op>(); }

std::string accepts(const problem&, const device_traits&) { return ""; }

constexpr implementation<problem, nothing> entries[] = {
    {"picky", [](const problem& a, const device_traits&) -> std::string {
         return a.size > 4 ? "size is " + std::to_string(a.size) + ", at most 4" : "";
     }, create},
    {"modest", accepts, create, f32_only,
     [](const problem& a, const device_traits&) { return std::string(a.size > 4 ? "the reference is faster" : ""); }},
    {"reference", accepts, create, every_dtype},
};

std::unique_ptr<op> choose(int size, const char* wanted, int32_t dtype = SEXTANT_F32) {
    problem a{size};
    a.src.dtype = dtype;
    return dispatch(std::span<const implementation<problem, nothing>>(entries), "thing", a, nothing{},
                    traits_of(SEXTANT_ISA_PORTABLE, 1), wanted);
}

std::string refusal(int size, const char* wanted) {
    try {
        choose(size, wanted);
    } catch (const failure& e) {
        EXPECT_EQ(e.status, SEXTANT_UNSUPPORTED);
        return e.what();
    }
    return "";
}

TEST(Dispatch, TakesTheFirstThatAccepts) {
    EXPECT_EQ(choose(4, nullptr)->name, "picky");
    EXPECT_EQ(choose(5, nullptr)->name, "reference");
}

TEST(Dispatch, ANameIsTakenOrRefusedWithItsReason) {
    EXPECT_EQ(choose(4, "reference")->name, "reference");
    EXPECT_EQ(refusal(5, "picky"), "thing: picky declines: size is 5, at most 4");
    EXPECT_EQ(refusal(5, "other"), "thing: no implementation named other");
}

TEST(Dispatch, OneThatYieldsIsTakenByNameOnly) {
    EXPECT_EQ(choose(5, nullptr)->name, "reference");
    EXPECT_EQ(choose(5, "modest")->name, "modest");
}

TEST(Dispatch, ElementTypesThatAnEntryDoesNotKnowAreRefused) {
    EXPECT_EQ(choose(4, nullptr, SEXTANT_BF16)->name, "reference");
    try {
        choose(4, "picky", SEXTANT_BF16);
        FAIL();
    } catch (const failure& e) {
        EXPECT_STREQ(e.what(), "thing: picky declines: src is bf16");
    }
}

TEST(Dispatch, TheLogSaysWhyEachOneDeclined) {
    const test::environment variable("SEXTANT_LOG", "dispatch");
    testing::internal::CaptureStderr();
    choose(9, nullptr);
    EXPECT_EQ(testing::internal::GetCapturedStderr(),
              "sextant: thing: picky declines: size is 9, at most 4\nsextant: thing: modest yields: the reference is faster\n"
              "sextant: thing: reference chosen\n");
}

TEST(Dispatch, IsSilentUnlessAsked) {
    const test::environment variable("SEXTANT_LOG", nullptr);
    testing::internal::CaptureStderr();
    choose(9, nullptr);
    EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

}  // namespace
}  // namespace sextant
