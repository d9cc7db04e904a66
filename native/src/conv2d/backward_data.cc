// SPDX-License-Identifier: Apache-2.0
// The gradient of a convolution with respect to its source, made of convolutions of diff_dst: the channels' roles are exchanged,
// the taps reversed (weight_view), and accumulating is a residual that lies where the result goes.
//
// With a stride only some of the taps meet a pixel, the same ones for all pixels whose row and column leave the same remainders
// when divided by the stride. Each such phase is a convolution with stride 1 of those taps, whose results are every stride-th
// pixel of diff_src: a 3x3 with stride 2 comes apart into 1x1, 1x2, 2x1 and 2x2 taps, no product with zero among them.
#include <numeric>

#include "conv2d/conv2d_lists.h"
#include "conv2d/direct.h"
#include "conv2d/winograd.h"

namespace sextant {
namespace {

using problem = conv2d_backward_data_problem;
using parameters = conv2d_backward_data_parameters;
using traits = device_traits;

/// One direction of one phase: pixels first, first + stride, ... of diff_src.
struct phase {
    int first, count;   // of pixels
    int tap, step;      // the last of its taps, and how many taps before it the next one is
    int taps;           // 0: no tap meets these pixels
    int pad, dilation;  // of the convolution over diff_dst
};

phase phase_of(int first, int size, int kernel, int stride, int pad, int dilation) {
    phase a{first, (size - first + stride - 1) / stride, 0, stride / std::gcd(stride, dilation), 0, 0, 0};
    a.dilation = static_cast<int>(int64_t{a.step} * dilation / stride);
    // Pixel y and tap r meet diff_dst at (y + pad - r * dilation) / stride.
    const auto meets = [&](int r) { return (first + pad - int64_t{r} * dilation) % stride == 0; };
    int r = 0;
    while (r < kernel && r < a.step && !meets(r)) ++r;
    if (r == kernel || !meets(r)) return a;
    a.taps = (kernel - 1 - r) / a.step + 1;
    a.tap = r + (a.taps - 1) * a.step;
    a.pad = static_cast<int>((int64_t{a.tap} * dilation - first - pad) / stride);
    return a;
}

/// The convolution of diff_dst that makes one phase.
sextant_conv2d convolution_of(const problem& a, const phase& down, const phase& across) {
    sextant_conv2d b = a;
    b.src = a.dst;
    b.dst = a.src;
    b.dst.h = down.count, b.dst.w = across.count;
    b.r = down.taps, b.s = across.taps;
    b.stride_h = b.stride_w = 1;
    b.pad_top = down.pad, b.pad_left = across.pad;
    b.pad_bottom = b.pad_right = 0;  // known from the sizes
    b.dilation_h = down.dilation, b.dilation_w = across.dilation;
    b.has_residual = a.accumulate;
    b.residual = a.src;
    return b;
}

conv2d_binding bind(const problem& a, const phase& down, const phase& across) {
    const int64_t taps = int64_t{a.r} * a.s, channels = a.src.c / a.groups;
    const weight_view view{taps, channels * taps, a.dst.c / a.groups * channels * taps, taps,
                           int64_t{down.tap} * a.s + across.tap, -int64_t{down.step} * a.s, -across.step};
    return {1, -1, a.accumulate ? 2 : -1, 2, view, conv2d_flops(a), nullptr};
}

phase vertical(const problem& a, int first) { return phase_of(first, a.src.h, a.r, a.stride_h, a.pad_top, a.dilation_h); }
phase horizontal(const problem& a, int first) { return phase_of(first, a.src.w, a.s, a.stride_w, a.pad_left, a.dilation_w); }

bool has_stride(const problem& a) { return a.stride_h > 1 || a.stride_w > 1; }

/// Without a stride: the one phase.
sextant_conv2d convolution_of(const problem& a) { return convolution_of(a, vertical(a, 0), horizontal(a, 0)); }

/// The phases one after the other; pixels that no tap meets become zero.
class conv2d_backward_data_phases final : public op {
  public:
    template <class Create>
    conv2d_backward_data_phases(const problem& problem, Create&& create) : op(problem.src), problem_(problem) {
        for (int y = 0; y < std::min(problem.stride_h, problem.src.h); ++y)
            for (int x = 0; x < std::min(problem.stride_w, problem.src.w); ++x) {
                const phase down = vertical(problem, y), across = horizontal(problem, x);
                const pixel_grid grid{problem.src, problem.stride_h, problem.stride_w, y, x, problem.accumulate};
                if (down.taps && across.taps) phases_.push_back(create(down, across, grid));
                else if (!problem.accumulate) empty_.push_back(grid);
            }
    }

    void run(thread_pool& pool, const address* operands, std::byte* scratch) const override {
        for (const auto& phase : phases_) phase->run(pool, operands, scratch);
        if (empty_.empty()) return;
        std::byte* const diff_src = operands[2].as<std::byte>();
        const int64_t blocks = channel_blocks(dst), bytes = element_bytes(dst), pixel = block_of(dst) * bytes;
        pool.parallel_for(dst.n * blocks, [&](int64_t task, int) {
            std::byte* const plane = diff_src + bytes * (task / blocks * image_pitch(dst) + task % blocks * plane_pitch(dst) +
                                                         origin(dst));
            for (const pixel_grid& grid : empty_)
                for (int y = grid.first_y; y < dst.h; y += grid.step_h)
                    for (int x = grid.first_x; x < dst.w; x += grid.step_w)
                        std::fill_n(plane + y * row_pitch(dst) * bytes + x * pixel, pixel, std::byte{});
        });
    }

    int operand_count() const override { return 3; }
    int64_t scratch_bytes(int threads) const override {
        int64_t most = 0;
        for (const auto& phase : phases_) most = std::max(most, phase->scratch_bytes(threads));
        return most;
    }
    int64_t flops() const override { return conv2d_flops(problem_); }

  private:
    const problem problem_;
    std::vector<std::unique_ptr<op>> phases_;
    std::vector<pixel_grid> empty_;
};

template <class Format>
std::string direct_declines(const problem& a, const direct_kernels<Format>& kernels) {
    const std::string reason = sextant::direct_declines(convolution_of(a), kernels);
    // The convolution's src and dst are the other way round.
    if (reason.starts_with("src and dst")) return "diff_src and diff_dst" + reason.substr(11);
    return reason;
}

template <class Format>
std::unique_ptr<op> create_direct(const problem& a, const traits& device, const direct_kernels<Format>& kernels) {
    if (!has_stride(a)) {
        const conv2d_binding binding = bind(a, vertical(a, 0), horizontal(a, 0));
        return sextant::create_direct(convolution_of(a), conv2d_parameters{.binding = &binding}, device, kernels);
    }
    return std::make_unique<conv2d_backward_data_phases>(a, [&](const phase& down, const phase& across, const pixel_grid& grid) {
        conv2d_binding binding = bind(a, down, across);
        binding.grid = &grid;
        binding.residual = -1;
        sextant_conv2d b = convolution_of(a, down, across);
        b.has_residual = 0;
        b.dst.halo = 0;
        b.dst.dtype = SEXTANT_F32;  // tiles of sums, rounded on their way to the grid
        return sextant::create_direct(b, conv2d_parameters{.binding = &binding}, device, kernels);
    });
}

std::string winograd_declines(const problem& a, const winograd_kernels& kernels) {
    if (has_stride(a)) return "it has a stride";
    return sextant::winograd_declines(convolution_of(a), kernels);
}

template <int32_t Isa, const winograd_kernels& Kernels, int32_t Dtypes = f32_only>
constexpr conv2d_backward_data_implementation winograd(const char* name) {
    return {name,
            [](const problem& a, const traits& device) {
                const std::string reason = isa_declines<Isa>(device);
                return reason.empty() ? winograd_declines(a, Kernels) : reason;
            },
            [](const problem& a, const parameters&, const traits& device) {
                const conv2d_binding binding = bind(a, vertical(a, 0), horizontal(a, 0));
                return create_winograd(convolution_of(a), conv2d_parameters{.binding = &binding}, device, Kernels);
            },
            Dtypes, [](const problem& a, const traits&) { return winograd_yields(convolution_of(a), Kernels, true); }};
}

template <int32_t Isa, const auto& Kernels, int32_t Dtypes = f32_only>
constexpr conv2d_backward_data_implementation direct(const char* name) {
    return {name,
            [](const problem& a, const traits& device) {
                const std::string reason = isa_declines<Isa>(device);
                return reason.empty() ? direct_declines(a, Kernels) : reason;
            },
            [](const problem& a, const parameters&, const traits& device) { return create_direct(a, device, Kernels); },
            Dtypes};
}

inline constexpr int32_t bf16_only = 1 << SEXTANT_BF16;

constexpr conv2d_backward_data_implementation list[] = {
    {"f32_conv2d_backward_data_linear", conv2d_backward_data_linear_declines, create_conv2d_backward_data_linear},
#if defined(SEXTANT_X86_64)
    winograd<SEXTANT_ISA_AVX512_BF16, winograd4_avx512_bf16, bf16_only>("bf16_conv2d_backward_data_winograd4_avx512_bf16"),
    winograd<SEXTANT_ISA_AVX512_BF16, winograd2_avx512_bf16, bf16_only>("bf16_conv2d_backward_data_winograd2_avx512_bf16"),
    winograd<SEXTANT_ISA_AVX512_BF16, winograd2_5x5_avx512_bf16, bf16_only>("bf16_conv2d_backward_data_winograd2_5x5_avx512_bf16"),
    winograd<SEXTANT_ISA_AVX512, winograd4_avx512>("f32_conv2d_backward_data_winograd4_avx512"),
    winograd<SEXTANT_ISA_AVX512, winograd2_avx512>("f32_conv2d_backward_data_winograd2_avx512"),
    winograd<SEXTANT_ISA_AVX512, winograd2_5x5_avx512>("f32_conv2d_backward_data_winograd2_5x5_avx512"),
    direct<SEXTANT_ISA_AVX512_BF16, direct_bf16_avx512_bf16, f32_and_bf16>("bf16_conv2d_backward_data_direct_avx512_bf16"),
    direct<SEXTANT_ISA_AVX512, direct_avx512>("f32_conv2d_backward_data_direct_avx512"),
    winograd<SEXTANT_ISA_AVX2, winograd4_avx2>("f32_conv2d_backward_data_winograd4_avx2"),
    winograd<SEXTANT_ISA_AVX2, winograd2_5x5_avx2>("f32_conv2d_backward_data_winograd2_5x5_avx2"),
    direct<SEXTANT_ISA_AVX2, direct_avx2>("f32_conv2d_backward_data_direct_avx2"),
#endif
    direct<SEXTANT_ISA_PORTABLE, direct_portable>("f32_conv2d_backward_data_direct_portable"),
    {"conv2d_backward_data_reference", [](const problem&, const traits&) { return std::string(); },
     create_conv2d_backward_data_reference, f32_and_bf16},
};

}  // namespace

std::span<const conv2d_backward_data_implementation> conv2d_backward_data_implementations() { return list; }

}  // namespace sextant
