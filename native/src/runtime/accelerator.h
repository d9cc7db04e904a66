// SPDX-License-Identifier: Apache-2.0
// What a device of another kind than the CPU is to this library: it makes operations and runs plans, in a library of its own
// that is loaded when such a device is asked for (libsextant_cuda). Both libraries come from one build. No exception passes
// between them: every function gives a status and writes a sentence.
#pragma once
#include <variant>

#include "activation/activation_backward.h"
#include "batch_norm/batch_norm.h"
#include "batch_norm/batch_norm_backward.h"
#include "batch_norm/batch_norm_forward.h"
#include "concat/concat.h"
#include "concat/split.h"
#include "conv2d/backward_weights.h"
#include "conv2d/conv2d.h"
#include "cross_entropy/cross_entropy.h"
#include "dropout/dropout.h"
#include "eltwise/eltwise.h"
#include "linear/linear.h"
#include "linear/linear_training.h"
#include "lrn/lrn.h"
#include "lrn/lrn_backward.h"
#include "optimizer/gradient_norm.h"
#include "optimizer/optimizer.h"
#include "pool2d/pool2d.h"
#include "pool2d/pool2d_backward.h"
#include "reorder/reorder.h"
#include "runtime/op.h"
#include "shortcut/shortcut.h"
#include "shortcut/shortcut_backward.h"
#include "softmax/softmax.h"

namespace sextant {

/// sextant_conv2d_forward_create's arguments.
struct conv2d_forward_problem : sextant_conv2d {
    int32_t has_bias;
};
struct conv2d_forward_parameters {};

/// An operation that is asked for.
template <class Problem, class Parameters>
struct request {
    using problem_type = Problem;
    using parameters_type = Parameters;
    const Problem& problem;
    const Parameters& parameters;
};

using any_request = std::variant<
    request<sextant_conv2d, conv2d_parameters>, request<conv2d_forward_problem, conv2d_forward_parameters>,
    request<conv2d_backward_data_problem, conv2d_backward_data_parameters>,
    request<conv2d_backward_weights, conv2d_backward_weights_parameters>, request<sextant_linear, linear_parameters>,
    request<linear_forward_problem, linear_training_parameters>, request<linear_backward_data_problem, linear_training_parameters>,
    request<linear_backward_weights_problem, linear_training_parameters>, request<sextant_pool2d, pool2d_parameters>,
    request<sextant_pool2d_backward, pool2d_backward_parameters>, request<sextant_lrn, lrn_parameters>,
    request<sextant_lrn_backward, lrn_backward_parameters>, request<sextant_batch_norm, batch_norm_parameters>,
    request<sextant_batch_norm_forward, batch_norm_forward_parameters>,
    request<sextant_batch_norm_backward, batch_norm_backward_parameters>, request<sextant_eltwise, eltwise_parameters>,
    request<sextant_activation_backward, activation_backward_parameters>, request<sextant_softmax, softmax_parameters>,
    request<concat_problem, concat_parameters>, request<split_problem, split_parameters>,
    request<reorder_problem, reorder_parameters>, request<sextant_shortcut, shortcut_parameters>,
    request<shortcut_backward_problem, shortcut_backward_parameters>, request<sextant_dropout, dropout_parameters>,
    request<sextant_cross_entropy, cross_entropy_parameters>, request<gradient_norm_problem, gradient_norm_parameters>,
    request<sextant_optimizer, optimizer_parameters>>;

/// A step of a plan as an accelerator sees it.
struct accelerated_step {
    const op* operation;
    std::span<const sextant_place> places;
};

/// A plan's steps, ready to run.
class program {
  public:
    virtual ~program() = default;
    /// As sextant_plan_run, arguments checked.
    virtual int32_t run(void* const* buffers, int32_t count, int64_t* nanoseconds, sextant_error* error) = 0;
};

class accelerator {
  public:
    virtual ~accelerator() = default;
    virtual int32_t describe(sextant_device_info* info, sextant_error* error) = 0;
    virtual int32_t measure(sextant_device_peak* peak, sextant_error* error) = 0;
    virtual int32_t make(const any_request& asked, const char* what, const char* wanted, std::unique_ptr<op>& made,
                         sextant_error* error) = 0;
    /// The names of the convolutions that accept the problem, best first, each followed by a newline.
    virtual int32_t candidates(const sextant_conv2d& problem, std::string& names, sextant_error* error) = 0;
    /// @param scratch where each run's scratch memory begins in buffer 0; the steps outlive the program
    virtual int32_t compile(std::span<const accelerated_step> steps, int64_t scratch, std::unique_ptr<program>& compiled,
                            sextant_error* error) = 0;
    virtual int32_t allocate(int64_t bytes, bool shared, void** address, sextant_error* error) = 0;
    virtual int32_t copy(void* dst, const void* src, int64_t bytes, sextant_error* error) = 0;
};

/// What libsextant_cuda exports, by the name `sextant_cuda_library`.
struct accelerator_library {
    const char* version;  // SEXTANT_VERSION of the build
    int32_t (*count)(int32_t* count, sextant_error* error);
    int32_t (*open)(int32_t ordinal, std::shared_ptr<accelerator>* opened, sextant_error* error);
    void (*release)(void* address, bool shared);
};

}  // namespace sextant
