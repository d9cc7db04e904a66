// SPDX-License-Identifier: Apache-2.0
// Memory for a device's buffers, as far as a CPU shows it, and what is said where there is no GPU to ask.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "sextant/sextant.h"

namespace {

class DeviceMemory : public testing::Test {
  protected:
    void SetUp() override { ASSERT_EQ(sextant_device_create_cpu(1, &device_, &error_), SEXTANT_OK) << error_.message; }
    void TearDown() override { sextant_device_destroy(device_); }

    std::string refused(int32_t status, int32_t expected = SEXTANT_INVALID_ARGUMENT) {
        EXPECT_EQ(status, expected);
        return error_.message;
    }

    sextant_device* device_ = nullptr;
    sextant_error error_{};
};

TEST_F(DeviceMemory, IsZeroedAndOutlivesItsDevice) {
    for (const int32_t shared : {0, 1}) {
        sextant_memory memory{};
        ASSERT_EQ(sextant_device_allocate(device_, 1000, shared, &memory, &error_), SEXTANT_OK) << error_.message;
        EXPECT_EQ(memory.bytes, 1000);
        EXPECT_EQ(memory.kind, SEXTANT_CPU);
        EXPECT_EQ(memory.shared, shared);
        auto* const bytes = static_cast<unsigned char*>(memory.address);
        EXPECT_TRUE(std::all_of(bytes, bytes + 1000, [](unsigned char c) { return c == 0; }));
        sextant_device_destroy(device_);
        sextant_memory_release(&memory);
        ASSERT_EQ(sextant_device_create_cpu(1, &device_, &error_), SEXTANT_OK);
    }
    sextant_memory_release(nullptr);
    const sextant_memory none{};
    sextant_memory_release(&none);
}

TEST_F(DeviceMemory, CopiesAlsoOntoItself) {
    std::vector<int> numbers{1, 2, 3, 4, 5, 6};
    ASSERT_EQ(sextant_device_copy(device_, numbers.data() + 1, numbers.data(), 4 * sizeof(int), &error_), SEXTANT_OK);
    EXPECT_EQ(numbers, (std::vector{1, 1, 2, 3, 4, 6}));
}

TEST_F(DeviceMemory, RefusesWhatHasNoMeaning) {
    sextant_memory memory{};
    EXPECT_EQ(refused(sextant_device_allocate(device_, 0, 0, &memory, &error_)),
              "device_allocate: bytes is 0, expected 1 to 70368744177664");
    EXPECT_EQ(refused(sextant_device_allocate(device_, 64, 2, &memory, &error_)), "device_allocate: shared is 2, expected 0 or 1");
    EXPECT_EQ(refused(sextant_device_allocate(nullptr, 64, 0, &memory, &error_)), "device_allocate: device is null");
    EXPECT_EQ(memory.address, nullptr);
    EXPECT_EQ(refused(sextant_device_allocate(device_, 64, 0, nullptr, &error_)), "device_allocate: memory is null");
    int number = 0;
    EXPECT_EQ(refused(sextant_device_copy(device_, nullptr, &number, 4, &error_)), "device_copy: dst is null");
    EXPECT_EQ(refused(sextant_device_copy(device_, &number, &number, -1, &error_)),
              "device_copy: bytes is -1, expected 0 to 70368744177664");
}

TEST_F(DeviceMemory, ACpuTellsItsKindAndTakesNoLayoutOfGpus) {
    sextant_device_info info{};
    ASSERT_EQ(sextant_device_get_info(device_, &info, &error_), SEXTANT_OK);
    EXPECT_EQ(info.kind, SEXTANT_CPU);
    EXPECT_EQ(info.layout, info.block);
    EXPECT_EQ(info.memory, 0);
    const sextant_tensor plain{SEXTANT_F32, SEXTANT_NCHW, 1, 8, 2, 2, 0, 8}, other{SEXTANT_F32, SEXTANT_NHWC, 1, 8, 2, 2, 0, 8};
    sextant_op* op = nullptr;
    EXPECT_NE(refused(sextant_reorder_create(device_, &plain, &other, nullptr, &op, &error_)).find("dst has layout 2"),
              std::string::npos);
    const sextant_tensor half{SEXTANT_F16, SEXTANT_NCHW, 1, 8, 2, 2, 0, 8};
    EXPECT_NE(refused(sextant_reorder_create(device_, &plain, &half, nullptr, &op, &error_)).find("dst has dtype 3"),
              std::string::npos);
    EXPECT_EQ(op, nullptr);
}

TEST(CudaLibrary, ThatIsMissingIsNamed) {
    // Only the first call loads one: where a library is to be had, another test's process asks for it.
    int32_t count = -1;
    sextant_error error{};
    EXPECT_EQ(sextant_cuda_count("/nowhere/libsextant_cuda.so", &count, &error), SEXTANT_UNSUPPORTED);
    EXPECT_EQ(count, 0);
    EXPECT_NE(std::string(error.message).find("/nowhere/libsextant_cuda.so"), std::string::npos) << error.message;
    sextant_device* device = nullptr;
    EXPECT_EQ(sextant_device_create_cuda("/nowhere/libsextant_cuda.so", 0, &device, &error), SEXTANT_UNSUPPORTED);
    EXPECT_EQ(sextant_device_create_cuda(nullptr, -1, &device, &error), SEXTANT_INVALID_ARGUMENT);
    EXPECT_STREQ(error.message, "device: ordinal is -1, expected 0 or more");
    EXPECT_EQ(device, nullptr);
}

}  // namespace
