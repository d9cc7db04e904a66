// SPDX-License-Identifier: Apache-2.0
// Optimizer steps over all parameters, and the norm of their gradients. Bound by memory: one pass over 3 or 4 arrays, of which
// 2 or 3 are written. A thread takes 4 elements, a block's width apart, so that its loads are under way together.
//
//   SGD     g = clip * gradient + decay * w;  m = momentum * m + g;  w -= rate * (nesterov ? g + momentum * m : m)
//   AdamW   m = beta1 m + (1 - beta1) g;  v = beta2 v + (1 - beta2) g^2;
//           w -= rate * (decay * w + m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + eps))   (arXiv:1711.05101, algorithm 2)
//
// What the state holds is read once, by a kernel of one thread that leaves the step's factors in scratch memory.
#include <vector>

#include "cuda/lists.h"
#include "cuda/sums.h"
#include "optimizer/optimizer_lists.h"

namespace sextant::cuda {
namespace {

constexpr int threads = 256, per_thread = 4, chunk = threads * per_thread;

// ---------------------------------------------------------------------------------------------- the norm

/// Partial sums: so many that they fill a device, so few that one block adds them. They depend on the count alone.
constexpr int most_parts = 1024;

/// Squares of floats are exact in double, whose sums neither overflow nor vanish.
__global__ void sums_of_squares(const float* __restrict__ values, int64_t count, double* __restrict__ sums) {
    double sum = 0;
    for (int64_t first = int64_t{blockIdx.x} * chunk + threadIdx.x; first < count; first += int64_t{gridDim.x} * chunk) {
        float x[per_thread];
        for (int j = 0; j < per_thread; ++j) {
            const int64_t i = first + j * threads;
            x[j] = i < count ? values[i] : 0;
        }
        for (int j = 0; j < per_thread; ++j) sum += double{x[j]} * x[j];
    }
    sum = block_sum(sum);
    if (threadIdx.x == 0) sums[blockIdx.x] = sum;
}

__global__ void norm_of_sums(const double* __restrict__ sums, int parts, float* __restrict__ norm) {
    double sum = 0;
    for (int i = static_cast<int>(threadIdx.x); i < parts; i += threads) sum += sums[i];
    sum = block_sum(sum);
    if (threadIdx.x == 0) *norm = static_cast<float>(sqrt(sum));
}

class gradient_norm final : public device_op {
  public:
    explicit gradient_norm(const gradient_norm_problem& problem)
        : device_op(training_state_tensor()), count_(problem.count),
          parts_(static_cast<int>(grid_for(problem.count, chunk, most_parts))) {}

    int64_t flops() const override { return 2 * count_; }
    int64_t scratch_bytes(int) const override { return parts_ * int64_t{sizeof(double)}; }

    void enqueue(cudaStream_t stream, void* const* operands, void* scratch) const override {
        auto* const sums = static_cast<double*>(scratch);
        sums_of_squares<<<parts_, threads, 0, stream>>>(static_cast<const float*>(operands[0]), count_, sums);
        check_launch("sums_of_squares");
        auto* const norm = static_cast<std::byte*>(operands[1]) + offsetof(sextant_training_state, gradient_norm);
        norm_of_sums<<<1, threads, 0, stream>>>(sums, parts_, reinterpret_cast<float*>(norm));
        check_launch("norm_of_sums");
    }

  private:
    const int64_t count_;
    const int parts_;
};

const implementation<gradient_norm_problem, gradient_norm_parameters> norm_entries[] = {
    {"cuda_gradient_norm", [](const gradient_norm_problem&, const traits&) { return std::string(); },
     [](const gradient_norm_problem& problem, const gradient_norm_parameters&, const traits&) -> std::unique_ptr<op> {
         return std::make_unique<gradient_norm>(problem);
     },
     float_dtypes},
};

// ---------------------------------------------------------------------------------------------- the step

/// What depends on the state; the last two for AdamW only: rate / (1 - beta1^t), 1 / sqrt(1 - beta2^t).
struct step_factors {
    float clip, rate, corrected_rate, root_correction;
};

/// The state lies at any float's address.
__global__ void read_state(const uint32_t* state, sextant_optimizer a, step_factors* factors) {
    constexpr int step_word = offsetof(sextant_training_state, step) / 4;
    const uint64_t step = state[step_word] | static_cast<uint64_t>(state[step_word + 1]) << 32;
    const float rate = __uint_as_float(state[offsetof(sextant_training_state, learning_rate) / 4]);
    const float norm = __uint_as_float(state[offsetof(sextant_training_state, gradient_norm) / 4]);
    step_factors result{1, rate, 0, 0};
    // As optimizer_clip: a norm that is no finite number makes all parameters NaN.
    if (a.largest_norm != 0) {
        if (!isfinite(norm))
            result.clip = NAN;
        else if (norm > a.largest_norm)
            result.clip = a.largest_norm / norm;
    }
    if (a.kind == SEXTANT_ADAMW) {
        const double t = static_cast<double>(step) + 1;
        result.corrected_rate = static_cast<float>(rate / (1 - pow(double{a.momentum}, t)));
        result.root_correction = static_cast<float>(1 / sqrt(1 - pow(double{a.beta2}, t)));
    }
    *factors = result;
}

struct optimizer_arrays {
    const float* __restrict__ gradients;
    float* __restrict__ second_moments;  // for AdamW only
    float* __restrict__ moments;
    float* __restrict__ parameters;
    const uint32_t* __restrict__ decayed;  // bit i % 32 of word i / 32: whether parameter i decays; null: all do
};

template <bool AdamW>
__global__ void optimizer_step(optimizer_arrays at, sextant_optimizer a, const step_factors* __restrict__ state) {
    const step_factors f = *state;
    const float opposite = static_cast<float>(1 - double{a.momentum});
    const float second_opposite = static_cast<float>(1 - double{a.beta2});
    for (int64_t first = int64_t{blockIdx.x} * chunk + threadIdx.x; first < a.count; first += int64_t{gridDim.x} * chunk) {
        float g[per_thread], v[per_thread], m[per_thread], w[per_thread], decay[per_thread];
#pragma unroll
        for (int j = 0; j < per_thread; ++j) {
            const int64_t i = first + j * threads;
            if (i >= a.count) continue;
            g[j] = at.gradients[i];
            m[j] = at.moments[i];
            w[j] = at.parameters[i];
            if constexpr (AdamW) v[j] = at.second_moments[i];
            decay[j] = !at.decayed || at.decayed[i / 32] >> (i % 32) & 1 ? a.weight_decay : 0;
        }
#pragma unroll
        for (int j = 0; j < per_thread; ++j) {
            const int64_t i = first + j * threads;
            if (i >= a.count) continue;
            if constexpr (AdamW) {
                const float gradient = g[j] * f.clip;
                const float moment = m[j] * a.momentum + gradient * opposite;
                const float second = v[j] * a.beta2 + gradient * gradient * second_opposite;
                at.moments[i] = moment;
                at.second_moments[i] = second;
                const float change = moment * f.corrected_rate / (sqrtf(second) * f.root_correction + a.eps);
                at.parameters[i] = w[j] - w[j] * (f.rate * decay[j]) - change;
            } else {
                const float gradient = g[j] * f.clip + w[j] * decay[j];
                const float moment = m[j] * a.momentum + gradient;
                at.moments[i] = moment;
                at.parameters[i] = w[j] - (a.nesterov ? gradient + moment * a.momentum : moment) * f.rate;
            }
        }
    }
}

/// A bit for each parameter, so that no thread searches; empty when all decay alike.
array decayed_bits(const sextant_optimizer& problem, const optimizer_parameters& parameters) {
    if (parameters.ranges == 0 || problem.weight_decay == 0) return {};
    std::vector<uint32_t> bits((problem.count + 31) / 32, ~uint32_t{0});
    for (int32_t range = 0; range < parameters.ranges; ++range)
        for (int64_t i = parameters.undecayed[2 * range]; i < parameters.undecayed[2 * range + 1]; ++i)
            bits[i / 32] &= ~(uint32_t{1} << (i % 32));
    return {bits.data(), static_cast<int64_t>(bits.size() * sizeof(uint32_t))};
}

class optimizer final : public device_op {
  public:
    optimizer(const sextant_optimizer& problem, const optimizer_parameters& parameters)
        : device_op(parameter_tensor(1, static_cast<int32_t>(problem.count), 1, 1)), problem_(problem),
          decayed_(decayed_bits(problem, parameters)) {}

    int operand_count() const override { return problem_.kind == SEXTANT_ADAMW ? 5 : 4; }
    int destinations() const override { return operand_count() - 2; }
    int64_t flops() const override { return optimizer_flops(problem_); }
    int64_t weight_bytes() const override { return decayed_.bytes(); }
    int64_t scratch_bytes(int) const override { return sizeof(step_factors); }

    void enqueue(cudaStream_t stream, void* const* operands, void* scratch) const override {
        auto* const factors = static_cast<step_factors*>(scratch);
        read_state<<<1, 1, 0, stream>>>(static_cast<const uint32_t*>(operands[1]), problem_, factors);
        check_launch("read_state");
        const bool adamw = problem_.kind == SEXTANT_ADAMW;
        const optimizer_arrays at{static_cast<const float*>(operands[0]), adamw ? static_cast<float*>(operands[2]) : nullptr,
                                  static_cast<float*>(operands[operand_count() - 2]),
                                  static_cast<float*>(operands[operand_count() - 1]), decayed_.as<uint32_t>()};
        const auto kernel = adamw ? optimizer_step<true> : optimizer_step<false>;
        kernel<<<grid_for(problem_.count, chunk), threads, 0, stream>>>(at, problem_, factors);
        check_launch("optimizer_step");
    }

  private:
    const sextant_optimizer problem_;
    const array decayed_;
};

const implementation<sextant_optimizer, optimizer_parameters> entries[] = {
    {"cuda_optimizer", [](const sextant_optimizer&, const traits&) { return std::string(); },
     [](const sextant_optimizer& problem, const optimizer_parameters& parameters, const traits&) -> std::unique_ptr<op> {
         return std::make_unique<optimizer>(problem, parameters);
     },
     float_dtypes},
};

}  // namespace

list<gradient_norm_problem, gradient_norm_parameters> implementations(const gradient_norm_problem&,
                                                                      const gradient_norm_parameters&) {
    return norm_entries;
}

list<sextant_optimizer, optimizer_parameters> implementations(const sextant_optimizer&, const optimizer_parameters&) {
    return entries;
}

}  // namespace sextant::cuda
