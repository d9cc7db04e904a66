// SPDX-License-Identifier: Apache-2.0
// A plan on a device: its steps are put on a stream once for each set of buffers, recorded as a CUDA graph, and replayed. Each
// set has a stream of its own, so that predictors of one plan run side by side.
#include <algorithm>
#include <list>
#include <mutex>
#include <vector>

#include "cuda/device.h"
#include "runtime/border.h"

namespace sextant::cuda {

namespace {

/// Recordings that a plan keeps; the one used longest ago makes room.
constexpr size_t most_recordings = 16;

class stream {
  public:
    stream() { check(cudaStreamCreateWithFlags(&handle_, cudaStreamNonBlocking), "cudaStreamCreate"); }
    stream(const stream&) = delete;
    ~stream() { cudaStreamDestroy(handle_); }
    operator cudaStream_t() const { return handle_; }

  private:
    cudaStream_t handle_;
};

class event {
  public:
    event() { check(cudaEventCreate(&handle_), "cudaEventCreate"); }
    event(const event&) = delete;
    ~event() { cudaEventDestroy(handle_); }
    operator cudaEvent_t() const { return handle_; }

  private:
    cudaEvent_t handle_;
};

/// A plan's work on one set of buffers.
struct recording {
    std::vector<void*> buffers;
    cuda::stream stream;
    cudaGraphExec_t graph = nullptr;
    std::mutex running;

    explicit recording(std::vector<void*> buffers) : buffers(std::move(buffers)) {}
    ~recording() {
        const driver_use use;
        if (graph) cudaGraphExecDestroy(graph);
    }
};

class recorded_program final : public program {
  public:
    recorded_program(int32_t ordinal, std::span<const accelerated_step> steps, int64_t scratch)
        : ordinal_(ordinal), scratch_(scratch) {
        for (const auto& each : steps) {
            const auto* const operation = dynamic_cast<const device_op*>(each.operation);
            if (!operation) throw failure(SEXTANT_INTERNAL, "cuda: " + each.operation->name + " is no operation of a CUDA device");
            steps_.push_back({operation, {each.places.begin(), each.places.end()}});
        }
    }

    int32_t run(void* const* buffers, int32_t count, int64_t* nanoseconds, sextant_error* error) override {
        return guarded("plan_run", error, [&] {
            check(cudaSetDevice(ordinal_), "cudaSetDevice");
            const std::shared_ptr<recording> on = recording_of({buffers, buffers + count});
            const std::lock_guard lock(on->running);
            if (nanoseconds)
                time(*on, nanoseconds);
            else
                replay(*on);
        });
    }

  private:
    struct step {
        const device_op* operation;
        std::vector<sextant_place> places;
    };

    std::shared_ptr<recording> recording_of(std::vector<void*> buffers) {
        const std::lock_guard lock(recordings_changing_);
        const auto found = std::find_if(recordings_.begin(), recordings_.end(), [&](const auto& r) { return r->buffers == buffers; });
        if (found != recordings_.end()) {
            recordings_.splice(recordings_.begin(), recordings_, found);
        } else {
            const driver_use use;
            recordings_.push_front(std::make_shared<recording>(std::move(buffers)));
            if (recordings_.size() > most_recordings) recordings_.pop_back();
        }
        return recordings_.front();
    }

    void enqueue(const step& step, const recording& on) const {
        std::vector<void*> operands;
        for (const auto& place : step.places)
            operands.push_back(static_cast<std::byte*>(on.buffers[place.buffer]) + place.offset);
        step.operation->enqueue(on.stream, operands.data(), static_cast<std::byte*>(on.buffers[0]) + scratch_);
    }

    void record(recording& on) const {
        // The first run is no recording: it loads the kernels, and shows what is wrong with one by name.
        {
            const driver_use use;
            for (const auto& step : steps_) enqueue(step, on);
            check(cudaStreamSynchronize(on.stream), "running the plan");
        }
        const auto alone = alone_with_driver();
        cudaGraph_t graph = nullptr;
        check(cudaStreamBeginCapture(on.stream, cudaStreamCaptureModeThreadLocal), "cudaStreamBeginCapture");
        try {
            for (const auto& step : steps_) enqueue(step, on);
        } catch (...) {
            cudaStreamEndCapture(on.stream, &graph);
            if (graph) cudaGraphDestroy(graph);
            throw;
        }
        check(cudaStreamEndCapture(on.stream, &graph), "cudaStreamEndCapture");
        const cudaError_t status = cudaGraphInstantiate(&on.graph, graph, 0);
        cudaGraphDestroy(graph);
        check(status, "cudaGraphInstantiate");
    }

    void replay(recording& on) const {
        if (!on.graph) {
            record(on);
            return;
        }
        check(cudaGraphLaunch(on.graph, on.stream), "cudaGraphLaunch");
        check(cudaStreamSynchronize(on.stream), "running the plan");
    }

    void time(const recording& on, int64_t* nanoseconds) const {
        const driver_use use;
        std::vector<event> marks(steps_.size() + 1);
        check(cudaEventRecord(marks[0], on.stream), "cudaEventRecord");
        for (size_t i = 0; i < steps_.size(); ++i) {
            enqueue(steps_[i], on);
            check(cudaEventRecord(marks[i + 1], on.stream), "cudaEventRecord");
        }
        check(cudaStreamSynchronize(on.stream), "running the plan");
        for (size_t i = 0; i < steps_.size(); ++i) {
            float milliseconds = 0;
            check(cudaEventElapsedTime(&milliseconds, marks[i], marks[i + 1]), "cudaEventElapsedTime");
            nanoseconds[i] = static_cast<int64_t>(milliseconds * 1e6);
        }
    }

    const int32_t ordinal_;
    const int64_t scratch_;
    std::vector<step> steps_;
    std::list<std::shared_ptr<recording>> recordings_;  // used last comes first
    std::mutex recordings_changing_;
};

}  // namespace

std::unique_ptr<program> make_program(int32_t ordinal, std::span<const accelerated_step> steps, int64_t scratch) {
    return std::make_unique<recorded_program>(ordinal, steps, scratch);
}

}  // namespace sextant::cuda
