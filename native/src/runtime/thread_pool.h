// SPDX-License-Identifier: Apache-2.0
// A small pool of threads for one device. Waiting threads spin briefly, then sleep.
#pragma once
#include <cstdint>
#include <memory>
#include <type_traits>

namespace sextant {

class thread_pool {
  public:
    /// `threads` counts the caller's: 1 starts none.
    explicit thread_pool(int threads);
    ~thread_pool();
    thread_pool(const thread_pool&) = delete;
    thread_pool& operator=(const thread_pool&) = delete;

    int threads() const { return threads_; }

    /// Calls body(task, thread) once for each task in [0, tasks), thread in [0, threads()), and returns when all are done.
    /// Tasks are handed out in ascending order to whichever thread is free; so that results do not depend on the schedule,
    /// a task's result may depend on its number only. Not reentrant; one caller at a time (see plan.cc).
    template <class Body>
    void parallel_for(int64_t tasks, Body&& body) {
        using B = std::remove_reference_t<Body>;
        run(tasks, [](void* b, int64_t task, int thread) { (*static_cast<B*>(b))(task, thread); },
            const_cast<void*>(static_cast<const void*>(&body)));
    }

  private:
    using task_function = void (*)(void* body, int64_t task, int thread);
    void run(int64_t tasks, task_function function, void* body);

    struct state;
    int threads_;
    std::unique_ptr<state> state_;
};

}  // namespace sextant
