// SPDX-License-Identifier: Apache-2.0
#include "simd_functions.h"
#include "testing.h"

namespace sextant::test {
namespace {

constexpr int most_lanes = 16;
constexpr float infinity = std::numeric_limits<float>::infinity();
const float not_a_number = std::nanf("");

std::vector<const simd_functions*> instruction_sets() {
    std::vector<const simd_functions*> all{&simd_portable};
#if defined(SEXTANT_X86_64)
    if (chosen_isa() >= SEXTANT_ISA_AVX2) all.push_back(&simd_avx2);
    if (chosen_isa() >= SEXTANT_ISA_AVX512) all.push_back(&simd_avx512);
#endif
    return all;
}

/// Error in units of the last place of the right result; infinite when only one of the two is finite.
double ulps(float actual, double expected) {
    const float rounded = static_cast<float>(expected);
    if (std::isnan(expected)) return std::isnan(actual) ? 0 : infinity;
    if (std::isinf(rounded) || !std::isfinite(actual)) return actual == rounded ? 0 : infinity;
    const double unit = std::nextafter(std::abs(rounded), infinity) - std::abs(rounded);
    return std::abs(actual - expected) / unit;
}

using vector_function = void (*)(const float*, float*);
using exact_function = double (*)(double);

/// Walks through all floats from `first` to `last` by their bits, about a million of them, and both signs if wanted.
template <class Function>
void expect_accurate(const char* what, const simd_functions& isa, Function function, exact_function exact, float first, float last,
                     double allowed) {
    alignas(64) float x[most_lanes], y[most_lanes];
    double worst = -1;
    float worst_x = 0;
    const uint32_t begin = std::bit_cast<uint32_t>(first), end = std::bit_cast<uint32_t>(last);
    const uint32_t step = std::max<uint32_t>(1, (end - begin) / 1000003);
    for (uint32_t i = begin; i < end; i += step * isa.lanes) {
        for (int lane = 0; lane < isa.lanes; lane++) x[lane] = std::bit_cast<float>(std::min(end, i + lane * step));
        function(x, y);
        for (int lane = 0; lane < isa.lanes; lane++)
            if (const double error = ulps(y[lane], exact(x[lane])); error > worst) worst = error, worst_x = x[lane];
    }
    EXPECT_LE(worst, allowed) << what << " of " << worst_x << ", " << isa.name;
}

double exact_exp(double x) { return std::exp(x); }
double exact_log(double x) { return std::log(x); }
double exact_tanh(double x) { return std::tanh(x); }
double exact_sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
double exact_square_root(double x) { return std::sqrt(x); }
double exact_three_quarters(double x) { return std::pow(x, -0.75); }
double exact_power(double x) { return std::pow(x, -1.25); }
double exact_half_power(double x) { return std::pow(x, -0.5); }

TEST(simd, functions_are_accurate_everywhere) {
    constexpr float tiny = 1e-45f, huge = std::numeric_limits<float>::max();
    for (const simd_functions* isa : instruction_sets()) {
        expect_accurate("exp", *isa, isa->exp, exact_exp, tiny, infinity, 1.1);
        expect_accurate("exp", *isa, isa->exp, exact_exp, -tiny, -infinity, 1.1);
        expect_accurate("log", *isa, isa->log, exact_log, tiny, infinity, 1);
        expect_accurate("log", *isa, isa->log, exact_log, -tiny, -infinity, 0);
        expect_accurate("tanh", *isa, isa->tanh, exact_tanh, tiny, infinity, 2.5);
        expect_accurate("tanh", *isa, isa->tanh, exact_tanh, -tiny, -infinity, 2.5);
        expect_accurate("sigmoid", *isa, isa->sigmoid, exact_sigmoid, tiny, infinity, 2.5);
        expect_accurate("sigmoid", *isa, isa->sigmoid, exact_sigmoid, -tiny, -infinity, 2.5);
        expect_accurate("square root", *isa, isa->square_root, exact_square_root, tiny, infinity, 0.5);
        expect_accurate("x^-0.75", *isa, isa->negative_three_quarter_power, exact_three_quarters, 1e-30f, huge, 4);
        const auto power = [&](const float* x, float* y) { isa->negative_power(x, 1.25f, y); };
        expect_accurate("x^-1.25", *isa, power, exact_power, 1e-30f, 1e30f, 2);
        const auto half_power = [&](const float* x, float* y) { isa->negative_power(x, 0.5f, y); };
        expect_accurate("x^-0.5", *isa, half_power, exact_half_power, tiny, huge, 2);
    }
}

TEST(simd, functions_know_infinities_zeros_and_not_a_number) {
    for (const simd_functions* isa : instruction_sets())
        for (float special : {0.0f, -0.0f, infinity, -infinity, not_a_number}) {
            alignas(64) float x[most_lanes], y[most_lanes];
            std::fill_n(x, most_lanes, special);
            const std::pair<vector_function, exact_function> functions[] = {
                {isa->exp, exact_exp}, {isa->log, exact_log}, {isa->tanh, exact_tanh}, {isa->sigmoid, exact_sigmoid},
                {isa->square_root, exact_square_root}};
            for (const auto& [function, exact] : functions) {
                function(x, y);
                EXPECT_EQ(ulps(y[0], exact(special)), 0) << isa->name << ", " << special << " became " << y[0];
            }
            isa->tanh(x, y);
            EXPECT_TRUE(special != 0 || std::signbit(y[0]) == std::signbit(special)) << isa->name;
        }
}

TEST(simd, comparisons_treat_not_a_number_as_documented) {
    const float values[] = {-infinity, -1, -0.0f, 0.0f, 2, infinity, not_a_number};
    const auto same = [](float a, float b) { return std::isnan(a) ? std::isnan(b) : a == b; };
    for (const simd_functions* isa : instruction_sets())
        for (float a : values)
            for (float b : values) {
                alignas(64) float x[most_lanes], y[most_lanes], result[most_lanes];
                std::fill_n(x, most_lanes, a);
                std::fill_n(y, most_lanes, b);
                isa->max(x, y, result);
                EXPECT_TRUE(same(result[0], a > b ? a : b)) << isa->name << " max " << a << ' ' << b << ": " << result[0];
                isa->min(x, y, result);
                EXPECT_TRUE(same(result[0], a < b ? a : b)) << isa->name << " min " << a << ' ' << b << ": " << result[0];
                isa->max_or_nan(x, y, result);
                EXPECT_TRUE(same(result[isa->lanes - 1], std::isnan(a) ? a : std::isnan(b) || b > a ? b : a))
                    << isa->name << " max_or_nan " << a << ' ' << b << ": " << result[isa->lanes - 1];
                isa->relu(x, result);
                EXPECT_TRUE(same(result[0], a < 0 ? 0 : a)) << isa->name << " relu " << a << ": " << result[0];
            }
}

TEST(simd, lanes_go_where_they_should) {
    for (const simd_functions* isa : instruction_sets()) {
        const int lanes = isa->lanes;
        alignas(64) float square[most_lanes * most_lanes], result[most_lanes * most_lanes];
        for (int i = 0; i < lanes * lanes; i++) square[i] = static_cast<float>(i);
        isa->transpose(square, result);
        for (int i = 0; i < lanes * lanes; i++) EXPECT_EQ(result[i], i % lanes * lanes + i / lanes) << isa->name;
        isa->even_lanes(square, square + lanes, result);
        for (int i = 0; i < lanes; i++) EXPECT_EQ(result[i], 2 * i) << isa->name;
        isa->odd_lanes(square, square + lanes, result);
        for (int i = 0; i < lanes; i++) EXPECT_EQ(result[i], 2 * i + 1) << isa->name;
        isa->broadcast_pair(square + 5, result);
        for (int i = 0; i < lanes; i++) EXPECT_EQ(result[i], 5 + i % 2) << isa->name;
        for (int count = 0; count <= lanes + 1; count++) {
            std::fill_n(square, lanes, not_a_number);
            std::fill_n(square, std::min(count, lanes), 1.0f);
            isa->first_lanes(square, count, result);
            for (int i = 0; i < lanes; i++) EXPECT_EQ(result[i], i < count ? 1 : 0) << isa->name;
        }
    }
}

TEST(simd, masks_touch_the_memory_of_their_lanes_only) {
    for (const simd_functions* isa : instruction_sets())
        for (int count = 1; count <= isa->lanes; count++) {
            // Both end at a page that may not be touched.
            const guarded_floats source(count, false), target(count, false);
            for (int i = 0; i < count; i++) source[i] = static_cast<float>(i);
            for (int first = 0; first < count; first++) {
                isa->copy_lanes(source.data(), first, count, target.data());
                for (int i = first; i < count; i++) EXPECT_EQ(target[i], i) << isa->name;
                EXPECT_TRUE(target.surroundings_untouched()) << isa->name;
            }
        }
}

#if defined(SEXTANT_X86_64)

TEST(simd, narrow_elements_are_rounded_like_single_ones) {
    if (chosen_isa() < SEXTANT_ISA_AVX512_BF16) GTEST_SKIP() << "the processor has no AVX512_BF16";
    const narrow_functions& isa = narrow_avx512_bf16;
    const sextant_tensor quantised = stored_as(SEXTANT_U8, shaped(SEXTANT_NCHW, 1, 1, 1, 16), 1, 0);
    alignas(64) float x[16], back[16];
    uint16_t bf16[16];
    uint8_t u8[16];
    const float specials[16] = {0,     -0.0f, infinity,  -infinity, 0.5f,        1.5f,          2.5f, 254.5f,
                                255.5f, 1e30f, -1e30f, -0.4f,     not_a_number, 0x1.01p0f, 0x1.03p0f, 3e38f};
    for (uint64_t seed = 0; seed < 2000; seed++) {
        for (int i = 0; i < 16; i++)
            x[i] = seed ? static_cast<float>(noise(seed, i) * (seed % 2 ? 300 : std::pow(2.0, noise(seed, 99) * 120))) : specials[i];
        isa.store_bf16(x, bf16);
        isa.load_bf16(bf16, back);
        for (int i = 0; i < 16; i++) {
            EXPECT_TRUE(bf16[i] == bf16_bits(x[i]) || (std::isnan(x[i]) && std::isnan(back[i]))) << x[i];
            EXPECT_TRUE(back[i] == bf16_value(bf16[i]) || std::isnan(x[i])) << x[i];
        }
        isa.store_u8(x, u8);
        isa.load_u8(u8, back);
        for (int i = 0; i < 16; i++) {
            EXPECT_EQ(u8[i], sextant::quantised(quantised, x[i])) << x[i];
            EXPECT_EQ(back[i], u8[i]);
        }
    }
}

#endif

}  // namespace
}  // namespace sextant::test
