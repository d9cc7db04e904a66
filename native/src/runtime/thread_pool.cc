// SPDX-License-Identifier: Apache-2.0
// Tasks are claimed by counting `unclaimed` down: whoever receives a positive number has a task, and the job cannot end before
// that task is done, so its description may be read without further ado. A thread that comes late, even a job too late, claims
// nothing or a task of the next job; the caller never waits for a thread that did not join in.
#include "runtime/thread_pool.h"

#include <pthread.h>
#include <signal.h>

#include <atomic>
#include <chrono>
#include <exception>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "runtime/cpu.h"

namespace sextant {

namespace {

// Longer than the gap between two steps of a plan, far shorter than anyone would notice in a process that has gone idle.
constexpr std::chrono::microseconds spin_time{50};
constexpr size_t cache_line = 64;

void pause() {
#if defined(SEXTANT_X86_64)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("isb");
#endif
}

/// Spins until `ready` holds or the time is over; says whether it holds.
template <class Ready>
bool spin_until(std::chrono::nanoseconds time, Ready ready) {
    constexpr int pauses_per_look_at_the_clock = 16;
    for (int i = 0; i < pauses_per_look_at_the_clock; ++i) {
        if (ready()) return true;
        pause();
    }
    const auto end = std::chrono::steady_clock::now() + time;
    do {
        for (int i = 0; i < pauses_per_look_at_the_clock; ++i) {
            if (ready()) return true;
            pause();
        }
    } while (std::chrono::steady_clock::now() < end);
    return ready();
}

/// While it lives, threads that this one starts receive no signals but those of their own faults: the rest belong to the host
/// program (a Java VM uses many).
class signals_blocked {
  public:
    signals_blocked() {
        sigset_t all_but_faults;
        sigfillset(&all_but_faults);
        for (int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP}) sigdelset(&all_but_faults, fault);
        pthread_sigmask(SIG_BLOCK, &all_but_faults, &before_);
    }
    ~signals_blocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

  private:
    sigset_t before_;
};

}  // namespace

struct thread_pool::state {
    // The job, written by the caller between jobs.
    task_function function = nullptr;
    void* body = nullptr;
    int64_t tasks = 0;
    std::chrono::nanoseconds spin{0};

    alignas(cache_line) std::atomic<int64_t> unclaimed{0};
    alignas(cache_line) std::atomic<int64_t> unfinished{0};
    alignas(cache_line) std::atomic<int> jobs{0};      // counts up; what sleeping threads wait for
    alignas(cache_line) std::atomic<int> finished{0};  // counts up; what a sleeping caller waits for
    std::atomic<bool> failed{false};
    std::atomic<bool> closing{false};
    std::exception_ptr exception;
    std::vector<std::thread> workers;

    /// Claims and runs tasks until none is left.
    void work(int thread) {
        int64_t done = 0;
        // The look before the claim keeps idle threads from writing to the line.
        while (unclaimed.load(std::memory_order_relaxed) > 0) {
            const int64_t claim = unclaimed.fetch_sub(1, std::memory_order_acquire);
            if (claim <= 0) break;
            try {
                function(body, tasks - claim, thread);
            } catch (...) {
                if (!failed.exchange(true)) exception = std::current_exception();
            }
            ++done;
        }
        if (done && unfinished.fetch_sub(done, std::memory_order_acq_rel) == done && thread != 0) {
            finished.fetch_add(1);
            finished.notify_one();
        }
    }

    void live(int thread) {
        pthread_setname_np(pthread_self(), ("sextant-" + std::to_string(thread)).c_str());
        int seen = 0;
        while (true) {
            const auto changed = [&] { return jobs.load(std::memory_order_acquire) != seen; };
            if (!spin_until(spin, changed)) jobs.wait(seen);
            seen = jobs.load(std::memory_order_acquire);
            if (closing.load(std::memory_order_acquire)) return;
            work(thread);
        }
    }

    void close() {
        closing.store(true, std::memory_order_release);
        jobs.fetch_add(1);
        jobs.notify_all();
        for (auto& worker : workers) worker.join();
    }
};

thread_pool::thread_pool(int threads) : threads_(threads), state_(std::make_unique<state>()) {
    // With more threads than processors a spinning thread would hold up the one it waits for.
    if (threads > 1 && threads <= available_cores()) state_->spin = spin_time;
    const signals_blocked quiet;
    try {
        for (int thread = 1; thread < threads; ++thread)
            state_->workers.emplace_back([s = state_.get(), thread] { s->live(thread); });
    } catch (...) {
        state_->close();
        throw;
    }
}

thread_pool::~thread_pool() { state_->close(); }

void thread_pool::run(int64_t tasks, task_function function, void* body) {
    if (threads_ == 1 || tasks <= 1) {
        for (int64_t task = 0; task < tasks; ++task) function(body, task, 0);
        return;
    }
    state& s = *state_;
    s.function = function;
    s.body = body;
    s.tasks = tasks;
    s.unfinished.store(tasks, std::memory_order_relaxed);
    s.unclaimed.store(tasks, std::memory_order_release);
    s.jobs.fetch_add(1);
    s.jobs.notify_all();
    s.work(0);

    const auto all_done = [&] { return s.unfinished.load(std::memory_order_acquire) == 0; };
    while (!spin_until(s.spin, all_done)) {
        const int finished = s.finished.load();
        if (!all_done()) s.finished.wait(finished);
    }
    if (s.failed.load(std::memory_order_relaxed)) {
        s.failed.store(false, std::memory_order_relaxed);
        std::rethrow_exception(std::exchange(s.exception, nullptr));
    }
}

}  // namespace sextant
