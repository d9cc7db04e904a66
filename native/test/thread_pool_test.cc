// SPDX-License-Identifier: Apache-2.0
#include "runtime/thread_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <ctime>
#include <stdexcept>
#include <thread>
#include <vector>

namespace sextant {
namespace {

double process_cpu_seconds() {
    timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

TEST(ThreadPool, EachTaskRunsExactlyOnce) {
    for (int threads : {1, 2, 3, 8}) {
        thread_pool pool(threads);
        for (int64_t tasks : {0, 1, 2, 7, 64, 1000}) {
            std::vector<std::atomic<int>> runs(tasks);
            pool.parallel_for(tasks, [&](int64_t task, int thread) {
                EXPECT_TRUE(thread >= 0 && thread < threads);
                ++runs[task];
            });
            for (auto& count : runs) EXPECT_EQ(count, 1);
        }
    }
}

// A job lost or ended early shows itself only in some interleavings: many short jobs, back to back and with pauses in which
// the others fall asleep.
TEST(ThreadPool, ManyShortJobsLoseNothing) {
    thread_pool pool(3);
    int64_t expected = 0;
    std::atomic<int64_t> sum{0};
    for (int64_t round = 0; round < 5000; ++round) {
        const int64_t tasks = round % 9;
        pool.parallel_for(tasks, [&](int64_t task, int) { sum += task + round; });
        expected += tasks * (tasks - 1) / 2 + tasks * round;
        ASSERT_EQ(sum, expected);
        if (round % 500 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
}

TEST(ThreadPool, ThreadsWorkAtTheSameTime) {
    thread_pool pool(4);
    for (int round = 0; round < 20; ++round) {
        std::atomic<int> arrived{0};
        pool.parallel_for(4, [&](int64_t, int) {
            ++arrived;
            while (arrived < 4) std::this_thread::yield();  // hangs if one thread were to take two tasks
        });
        EXPECT_EQ(arrived, 4);
    }
}

TEST(ThreadPool, OneThreadAndOneTaskStayOnTheCaller) {
    const auto caller = std::this_thread::get_id();
    const auto on_caller = [&](int64_t, int thread) {
        EXPECT_EQ(thread, 0);
        EXPECT_EQ(std::this_thread::get_id(), caller);
    };
    thread_pool(1).parallel_for(10, on_caller);
    thread_pool(4).parallel_for(1, on_caller);
}

TEST(ThreadPool, AnExceptionReachesTheCallerAndThePoolLivesOn) {
    thread_pool pool(2);
    for (int round = 0; round < 50; ++round) {
        std::atomic<int> runs{0};
        EXPECT_THROW(pool.parallel_for(16, [&](int64_t task, int) {
            ++runs;
            if (task % 5 == 0) throw std::runtime_error("task");
        }), std::runtime_error);
        EXPECT_EQ(runs, 16);
        pool.parallel_for(4, [&](int64_t, int) { ++runs; });
        EXPECT_EQ(runs, 20);
    }
}

TEST(ThreadPool, AnIdlePoolUsesNoProcessorTime) {
    thread_pool pool(2);
    pool.parallel_for(2, [](int64_t, int) {});
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    const double before = process_cpu_seconds();
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    EXPECT_LT(process_cpu_seconds() - before, 0.03);
}

TEST(ThreadPool, MoreThreadsThanProcessorsAndQuickEnds) {
    for (int round = 0; round < 20; ++round) {
        thread_pool pool(16);
        std::atomic<int> runs{0};
        if (round % 2) pool.parallel_for(100, [&](int64_t, int) { ++runs; });
        EXPECT_EQ(runs, round % 2 ? 100 : 0);
    }
}

}  // namespace
}  // namespace sextant
