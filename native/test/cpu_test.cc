// SPDX-License-Identifier: Apache-2.0
#include "runtime/cpu.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "environment.h"

namespace sextant {
namespace {

/// A file system root with the given files, removed at the end.
class fake_root {
  public:
    fake_root() {
        char name[] = "/tmp/sextant-root-XXXXXX";
        path_ = mkdtemp(name);
    }
    ~fake_root() { std::filesystem::remove_all(path_); }
    fake_root& file(const std::string& path, const std::string& text) {
        std::filesystem::create_directories((path_ / path).parent_path());
        std::ofstream(path_ / path) << text;
        return *this;
    }
    std::string path() const { return path_.string(); }

  private:
    std::filesystem::path path_;
};

TEST(ControlGroup, NoneMeansUnlimited) { EXPECT_EQ(control_group_cores(fake_root().path()), 0); }

TEST(ControlGroup, Version2RoundsUpAndTakesTheStrictestAncestor) {
    fake_root root;
    root.file("proc/self/cgroup", "0::/pod/box\n").file("sys/fs/cgroup/pod/box/cpu.max", "max 100000\n");
    EXPECT_EQ(control_group_cores(root.path()), 0);
    root.file("sys/fs/cgroup/pod/cpu.max", "250000 100000\n");
    EXPECT_EQ(control_group_cores(root.path()), 3);
    root.file("sys/fs/cgroup/pod/box/cpu.max", "50000 100000\n");
    EXPECT_EQ(control_group_cores(root.path()), 1);
}

// Inside a container the group is the root of what can be seen.
TEST(ControlGroup, Version2AtTheRootOfANamespace) {
    fake_root root;
    root.file("proc/self/cgroup", "0::/\n").file("sys/fs/cgroup/cpu.max", "400000 100000\n");
    EXPECT_EQ(control_group_cores(root.path()), 4);
}

TEST(ControlGroup, Version1) {
    fake_root root;
    root.file("proc/self/cgroup", "9:memory:/a\n4:cpu,cpuacct:/docker/b\n2:cpuset:/c\n")
        .file("sys/fs/cgroup/cpu/docker/b/cpu.cfs_quota_us", "-1\n")
        .file("sys/fs/cgroup/cpu/docker/b/cpu.cfs_period_us", "100000\n");
    EXPECT_EQ(control_group_cores(root.path()), 0);
    root.file("sys/fs/cgroup/cpu/docker/b/cpu.cfs_quota_us", "150000\n");
    EXPECT_EQ(control_group_cores(root.path()), 2);
}

TEST(ControlGroup, MalformedFilesMeanUnlimited) {
    fake_root root;
    root.file("proc/self/cgroup", ":\n\n0::\n0:x\n5:cpu:relative\n0::/a/b").file("sys/fs/cgroup/a/b/cpu.max", "many\n");
    EXPECT_EQ(control_group_cores(root.path()), 0);
}

TEST(Cpu, FactsAreUsable) {
    EXPECT_GE(available_cores(), 1);
    EXPECT_GE(l2_cache_bytes(), 64 << 10);
    EXPECT_FALSE(processor_name().empty());
}

TEST(Cpu, TheEnvironmentLowersTheInstructionSet) {
    for (int32_t isa = SEXTANT_ISA_PORTABLE; isa <= supported_isa(); ++isa) {
        const test::environment variable("SEXTANT_ISA", isa_name(isa));
        EXPECT_EQ(chosen_isa(), isa);
    }
    const test::environment variable("SEXTANT_ISA", "");
    EXPECT_EQ(chosen_isa(), supported_isa());
}

TEST(Cpu, AnInstructionSetBeyondThisProcessorIsAnError) {
    if (supported_isa() == SEXTANT_ISA_AVX512_BF16) GTEST_SKIP() << "this processor has them all";
    const test::environment variable("SEXTANT_ISA", "avx512_bf16");
    EXPECT_THROW(chosen_isa(), failure);
}

}  // namespace
}  // namespace sextant
