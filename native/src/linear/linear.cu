// SPDX-License-Identifier: Apache-2.0
// Fully connected layers and their gradients. At inference the weights are repacked in the order in which src lies in memory,
// with zeros for the lanes that pad its pixels, and in src's element type: then a row of weights and an image are two runs of
// numbers.
//
//   few images   a block takes 4 outputs; its threads stride over the inputs, 8 at a time, and read each weight once, so that
//                the time is that of reading the weights
//   many images  the matrix product of gemm.h
//
// In training weights are an operand, row-major and float32, and all is done by gemm.h.
#include <vector>

#include "cuda/any_element.h"
#include "conv2d/wgmma.h"
#include "cuda/lists.h"
#include "linear/gemm.h"
#include "linear/linear_lists.h"
#include "linear/linear_training_lists.h"

namespace sextant::cuda {
namespace {

// ---------------------------------------------------------------------------------------------- operands

/// Where input i of an image lies: at i / run * outer + i % run * inner, or at i when run is 0.
struct inputs {
    int64_t count, image;
    uint32_t run;
    int64_t outer, inner;

    __device__ int64_t at(int64_t i) const {
        if (run == 0) return i;
        const auto number = static_cast<uint32_t>(i);
        return number / run * outer + number % run * inner;
    }
};

/// Counted c, h, w, as rows of unpacked weights are.
inputs inputs_in_order(const sextant_tensor& t) {
    const view v = view_of(t);
    const int64_t pixels = int64_t{t.h} * t.w;
    const bool flat = !is_nhwc(t) || pixels == 1;
    return {t.c * pixels, v.image, flat ? 0 : static_cast<uint32_t>(pixels), v.channel, v.pixel};
}

/// Counted as they lie, padding lanes among them.
inputs inputs_in_memory(const sextant_tensor& t) {
    const view v = view_of(t);
    const int64_t pixels = int64_t{t.h} * t.w;
    const bool flat = !is_nhwc(t) || pixels == 1 || v.pixel == v.lanes;
    return {v.lanes * pixels, v.image, flat ? 0 : static_cast<uint32_t>(v.lanes), v.pixel, 1};
}

/// Images as rows whose inputs are summed over or, when not along t, inputs as rows whose images are.
template <class Element, bool AlongT>
struct image_matrix {
    static constexpr bool along_t = AlongT;
    const Element* __restrict__ data;
    inputs in;
    int64_t n;

    __device__ float operator()(int64_t row, int64_t t) const {
        const int64_t image = AlongT ? row : t, i = AlongT ? t : row;
        return image < n && i < in.count ? wide(data[image * in.image + in.at(i)]) : 0.f;
    }
};

template <class Element, bool AlongT>
struct matrix {
    static constexpr bool along_t = AlongT;
    const Element* __restrict__ data;
    int64_t rows, row_pitch, t_pitch;

    __device__ float operator()(int64_t row, int64_t t) const {
        return row < rows ? wide(data[row * row_pitch + t * t_pitch]) : 0.f;
    }
};

/// Outputs as rows of a gradient, images summed over, or the other way round.
template <class Element>
matrix<Element, true> output_rows(const sextant_tensor& t, const void* data) {
    const view v = view_of(t);
    return {static_cast<const Element*>(data), t.n, v.image, v.channel};
}
template <class Element>
matrix<Element, false> output_columns(const sextant_tensor& t, const void* data) {
    const view v = view_of(t);
    return {static_cast<const Element*>(data), t.c, v.channel, v.image};
}

/// dst[n][k] = act(sum + bias[k]); zero in the lanes past the last output.
struct put_outputs {
    any_tensor dst;
    void* data;
    const float* __restrict__ bias;  // or null
    int activation;

    __device__ void operator()(int64_t n, int64_t k, float sum) const {
        const float value = k < dst.shape.c ? activated(bias ? sum + bias[k] : sum, activation) : 0.f;
        any_write(data, dst.dtype, n * dst.shape.image + k * dst.shape.channel, value);
    }
};

// ---------------------------------------------------------------------------------------------- inference

constexpr int most_gemv_images = 8, gemv_outputs = 4, gemv_threads = 256;

/// 8 inputs of an image from number j on, which 8 divides.
template <class Element>
__device__ lane8<Element> inputs_at(const Element* image, const inputs& in, int64_t j, bool aligned) {
    const Element* const from = image + in.at(j);
    if (aligned && j + 8 <= in.count) return lane8<Element>::load(from);
    lane8<Element> result;
#pragma unroll
    for (int lane = 0; lane < 8; ++lane) result.v[lane] = j + lane < in.count ? wide(from[lane]) : 0.f;
    return result;
}

/// @param n images, at most Images
/// @param k rows of weights, `pitch` apart, a multiple of 8
template <class Element, int Images>
__global__ void __launch_bounds__(gemv_threads)
    gemv(const Element* __restrict__ src, inputs in, bool aligned, const Element* __restrict__ weights, int64_t pitch, int n,
         int k, put_outputs finish) {
    __shared__ float parts[gemv_threads / 32][gemv_outputs * Images];
    const int first = static_cast<int>(blockIdx.x) * gemv_outputs;
    float sums[gemv_outputs][Images] = {};
    for (int64_t j = int64_t{threadIdx.x} * 8; j < pitch; j += int64_t{blockDim.x} * 8) {
        lane8<Element> w[gemv_outputs];
#pragma unroll
        for (int r = 0; r < gemv_outputs; ++r) w[r] = lane8<Element>::load(weights + min(first + r, k - 1) * pitch + j);
#pragma unroll
        for (int m = 0; m < Images; ++m) {
            if (m >= n) continue;
            const auto x = inputs_at(src + m * in.image, in, j, aligned);
#pragma unroll
            for (int r = 0; r < gemv_outputs; ++r)
#pragma unroll
                for (int lane = 0; lane < 8; ++lane) sums[r][m] += w[r].v[lane] * x.v[lane];
        }
    }
#pragma unroll
    for (int r = 0; r < gemv_outputs; ++r)
#pragma unroll
        for (int m = 0; m < Images; ++m) {
            float sum = sums[r][m];
            for (int distance = 16; distance > 0; distance /= 2) sum += __shfl_xor_sync(0xffffffff, sum, distance);
            if (threadIdx.x % 32 == 0) parts[threadIdx.x / 32][r * Images + m] = sum;
        }
    __syncthreads();
    const int r = static_cast<int>(threadIdx.x) / Images, m = static_cast<int>(threadIdx.x) % Images;
    if (r >= gemv_outputs || m >= n || first + r >= finish.dst.shape.lanes) return;
    float sum = parts[0][threadIdx.x];
    for (unsigned warp = 1; warp < blockDim.x / 32; ++warp) sum += parts[warp][threadIdx.x];
    finish(m, first + r, sum);
}

template <class Element>
Element narrow_on_host(float x) {
    if constexpr (sizeof(Element) == 4)
        return x;
    else if constexpr (std::is_same_v<Element, __half>)
        return __float2half_rn(x);
    else
        return __float2bfloat16_rn(x);
}

class linear_inference : public device_op {
  public:
    linear_inference(const sextant_linear& problem, const linear_parameters& parameters)
        : device_op(problem.dst), problem_(problem), in_(inputs_in_memory(problem.src)),
          pitch_((in_.count + nhwc_unit - 1) / nhwc_unit * nhwc_unit), bias_(copy_of(parameters.bias, problem.dst.c)) {
        visit_element(problem.src.dtype, [&](auto e) { weights_ = packed<decltype(e)>(parameters.weights); });
    }

    int64_t flops() const override { return linear_flops(problem_); }
    int64_t weight_bytes() const override { return weights_.bytes() + bias_.bytes(); }

  protected:
    put_outputs finish(void* data) const { return {any_of(dst), data, bias_.as<float>(), problem_.activation}; }

    const sextant_linear problem_;
    const inputs in_;
    const int64_t pitch_;  // of rows of weights
    array weights_;

  private:
    template <class Element>
    array packed(const float* weights) const {
        const sextant_tensor& src = problem_.src;
        const int64_t pixels = int64_t{src.h} * src.w;
        const bool nhwc = is_nhwc(src);
        const int64_t lanes = view_of(src).lanes, pixel_step = nhwc ? lanes : 1, channel_step = nhwc ? 1 : pixels;
        std::vector<Element> rows(dst.c * pitch_);
        for (int64_t k = 0; k < dst.c; ++k)
            for (int64_t c = 0; c < src.c; ++c)
                for (int64_t p = 0; p < pixels; ++p)
                    rows[k * pitch_ + c * channel_step + p * pixel_step] = narrow_on_host<Element>(*weights++);
        return {rows.data(), static_cast<int64_t>(rows.size() * sizeof(Element))};
    }

    const array bias_;
};

class linear_gemv final : public linear_inference {
  public:
    using linear_inference::linear_inference;

    void enqueue(cudaStream_t stream, void* const* operands, void*) const override {
        visit_element(problem_.src.dtype, [&](auto e) {
            using element = decltype(e);
            const auto kernel = dst.n == 1   ? gemv<element, 1>
                                : dst.n == 2 ? gemv<element, 2>
                                : dst.n <= 4 ? gemv<element, 4>
                                             : gemv<element, most_gemv_images>;
            const bool aligned = reinterpret_cast<uintptr_t>(operands[0]) % 16 == 0 &&
                                 (dst.n == 1 || in_.image * int64_t{sizeof(element)} % 16 == 0);
            const int threads = static_cast<int>(std::min<int64_t>(gemv_threads, (pitch_ / 8 + 31) / 32 * 32));
            const unsigned blocks = grid_for(view_of(dst).lanes, gemv_outputs);
            kernel<<<blocks, threads, 0, stream>>>(static_cast<const element*>(operands[0]), in_, aligned,
                                                   weights_.as<element>(), pitch_, dst.n, dst.c, finish(operands[1]));
        });
        check_launch("gemv");
    }
};

class linear_gemm final : public linear_inference {
  public:
    linear_gemm(const sextant_linear& problem, const linear_parameters& parameters, const traits& device)
        : linear_inference(problem, parameters), shape_(gemm_shape_of(dst.n, view_of(dst).lanes, in_.count, device)) {}

    int64_t scratch_bytes(int) const override { return gemm_scratch_bytes(shape_); }

    void enqueue(cudaStream_t stream, void* const* operands, void* scratch) const override {
        visit_element(problem_.src.dtype, [&](auto e) {
            using element = decltype(e);
            const image_matrix<element, true> images{static_cast<const element*>(operands[0]), in_, dst.n};
            const matrix<element, true> weights{weights_.as<element>(), dst.c, pitch_, 1};
            enqueue_gemm(stream, images, weights, finish(operands[1]), shape_, scratch);
        });
    }

  private:
    const gemm_shape shape_;
};

// ---------------------------------------------------------------------------------------------- training

class linear_forward final : public device_op {
  public:
    linear_forward(const linear_forward_problem& problem, const traits& device)
        : device_op(problem.dst), problem_(problem),
          shape_(gemm_shape_of(dst.n, view_of(dst).lanes, inputs_of(problem), device)) {}

    int operand_count() const override { return problem_.has_bias ? 4 : 3; }
    int64_t flops() const override { return linear_training_flops(problem_); }
    int64_t scratch_bytes(int) const override { return gemm_scratch_bytes(shape_); }

    void enqueue(cudaStream_t stream, void* const* operands, void* scratch) const override {
        const auto* const bias = problem_.has_bias ? static_cast<const float*>(operands[2]) : nullptr;
        const matrix<float, true> weights{static_cast<const float*>(operands[1]), dst.c, shape_.depth, 1};
        const put_outputs finish{any_of(dst), operands[operand_count() - 1], bias, problem_.activation};
        visit_element(problem_.src.dtype, [&](auto e) {
            using element = decltype(e);
            const image_matrix<element, true> images{static_cast<const element*>(operands[0]), inputs_in_order(problem_.src),
                                                     dst.n};
            enqueue_gemm(stream, images, weights, finish, shape_, scratch);
        });
    }

  private:
    const linear_forward_problem problem_;
    const gemm_shape shape_;
};

/// diff_src[n][i] = sum [+ diff_src]; inputs past the last are the lanes that pad pixels, channel by channel, and become zero.
struct put_input_gradients {
    int dtype;
    void* data;
    inputs in;
    bool accumulate;

    __device__ void operator()(int64_t n, int64_t i, float sum) const {
        const int64_t at = n * in.image + in.at(i);
        float value = 0;
        if (i < in.count) value = accumulate ? sum + any_read(data, dtype, at) : sum;
        any_write(data, dtype, at, value);
    }
};

class linear_backward_data final : public device_op {
  public:
    linear_backward_data(const linear_backward_data_problem& problem, const traits& device)
        : device_op(problem.src), problem_(problem),
          shape_(gemm_shape_of(dst.n, int64_t{view_of(dst).lanes} * dst.h * dst.w, problem.dst.c, device)) {}

    int operand_count() const override { return 3; }
    int64_t flops() const override { return linear_training_flops(problem_); }
    int64_t scratch_bytes(int) const override { return gemm_scratch_bytes(shape_); }

    void enqueue(cudaStream_t stream, void* const* operands, void* scratch) const override {
        const inputs in = inputs_in_order(dst);
        const matrix<float, false> weights{static_cast<const float*>(operands[1]), in.count, 1, in.count};
        const put_input_gradients finish{dst.dtype, operands[2], in, problem_.accumulate != 0};
        visit_element(problem_.dst.dtype, [&](auto e) {
            enqueue_gemm(stream, output_rows<decltype(e)>(problem_.dst, operands[0]), weights, finish, shape_, scratch);
        });
    }

  private:
    const linear_backward_data_problem problem_;
    const gemm_shape shape_;
};

struct put_weight_gradients {
    float* data;
    int64_t pitch;

    __device__ void operator()(int64_t k, int64_t i, float sum) const { data[k * pitch + i] = sum; }
};

constexpr int bias_columns = 32, bias_rows = 32;

/// diff_bias[k] = sum over n of diff_dst[n][k]: a block takes 32 outputs, a warp every 32nd image.
template <class Element>
__global__ void bias_gradients(const Element* __restrict__ diff_dst, view shape, float* __restrict__ diff_bias) {
    __shared__ float parts[bias_rows][bias_columns];
    const int column = static_cast<int>(threadIdx.x) % bias_columns, row = static_cast<int>(threadIdx.x) / bias_columns;
    const int k = static_cast<int>(blockIdx.x) * bias_columns + column;
    float sum = 0;
    if (k < shape.c)
        for (int n = row; n < shape.n; n += bias_rows) sum += wide(diff_dst[n * shape.image + k * shape.channel]);
    parts[row][column] = sum;
    __syncthreads();
    if (row != 0 || k >= shape.c) return;
    for (int other = 1; other < bias_rows; ++other) sum += parts[other][column];
    diff_bias[k] = sum;
}

class linear_backward_weights final : public device_op {
  public:
    linear_backward_weights(const linear_backward_weights_problem& problem, const traits& device)
        : device_op(parameter_tensor(problem.dst.c, static_cast<int32_t>(inputs_of(problem)), 1, 1)), problem_(problem),
          shape_(gemm_shape_of(problem.dst.c, inputs_of(problem), problem.dst.n, device)) {}

    int operand_count() const override { return problem_.has_bias ? 4 : 3; }
    int destinations() const override { return problem_.has_bias ? 2 : 1; }
    int64_t flops() const override { return linear_training_flops(problem_); }
    int64_t scratch_bytes(int) const override { return gemm_scratch_bytes(shape_); }

    void enqueue(cudaStream_t stream, void* const* operands, void* scratch) const override {
        const sextant_tensor &src = problem_.src, &diff_dst = problem_.dst;
        const put_weight_gradients finish{static_cast<float*>(operands[operand_count() - 1]), shape_.columns};
        visit_element(diff_dst.dtype, [&](auto gradient) {
            using gradient_element = decltype(gradient);
            visit_element(src.dtype, [&](auto value) {
                using element = decltype(value);
                const image_matrix<element, false> images{static_cast<const element*>(operands[0]), inputs_in_order(src),
                                                          src.n};
                enqueue_gemm(stream, output_columns<gradient_element>(diff_dst, operands[1]), images, finish, shape_, scratch);
            });
            if (!problem_.has_bias) return;
            bias_gradients<<<grid_for(diff_dst.c, bias_columns), bias_columns * bias_rows, 0, stream>>>(
                static_cast<const gradient_element*>(operands[1]), view_of(diff_dst), static_cast<float*>(operands[2]));
            check_launch("bias_gradients");
        });
    }

  private:
    const linear_backward_weights_problem problem_;
    const gemm_shape shape_;
};

// ---------------------------------------------------------------------------------------------- the lists

template <class Problem>
std::string accepts(const Problem&, const traits&) {
    return {};
}

template <class Op, class Problem>
std::unique_ptr<op> create(const Problem& problem, const linear_training_parameters&, const traits& device) {
    return std::make_unique<Op>(problem, device);
}

const implementation<sextant_linear, linear_parameters> inference[] = {
    {"cuda_linear_gemv",
     [](const sextant_linear& a, const traits&) {
         return a.dst.n <= most_gemv_images ? std::string() : "there are " + std::to_string(a.dst.n) + " images, at most 8";
     },
     [](const sextant_linear& problem, const linear_parameters& parameters, const traits&) -> std::unique_ptr<op> {
         return std::make_unique<linear_gemv>(problem, parameters);
     },
     float_dtypes},
    {"cuda_linear_wgmma", wgmma_linear_declines, create_wgmma_linear, float_dtypes},
    {"cuda_linear_gemm", accepts<sextant_linear>,
     [](const sextant_linear& problem, const linear_parameters& parameters, const traits& device) -> std::unique_ptr<op> {
         return std::make_unique<linear_gemm>(problem, parameters, device);
     },
     float_dtypes},
};

const implementation<linear_forward_problem, linear_training_parameters> forward[] = {
    {"cuda_linear_forward_gemm", accepts<linear_forward_problem>, create<linear_forward, linear_forward_problem>, float_dtypes},
};

const implementation<linear_backward_data_problem, linear_training_parameters> backward_data[] = {
    {"cuda_linear_backward_data_gemm", accepts<linear_backward_data_problem>,
     create<linear_backward_data, linear_backward_data_problem>, float_dtypes},
};

const implementation<linear_backward_weights_problem, linear_training_parameters> backward_weights[] = {
    {"cuda_linear_backward_weights_gemm", accepts<linear_backward_weights_problem>,
     create<linear_backward_weights, linear_backward_weights_problem>, float_dtypes},
};

}  // namespace

list<sextant_linear, linear_parameters> implementations(const sextant_linear&, const linear_parameters&) { return inference; }

list<linear_forward_problem, linear_training_parameters> implementations(const linear_forward_problem&,
                                                                         const linear_training_parameters&) {
    return forward;
}

list<linear_backward_data_problem, linear_training_parameters> implementations(const linear_backward_data_problem&,
                                                                               const linear_training_parameters&) {
    return backward_data;
}

list<linear_backward_weights_problem, linear_training_parameters> implementations(const linear_backward_weights_problem&,
                                                                                  const linear_training_parameters&) {
    return backward_weights;
}

}  // namespace sextant::cuda
