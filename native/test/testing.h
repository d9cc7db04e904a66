// SPDX-License-Identifier: Apache-2.0
// What every operation's test needs: operands in any layout whose surroundings catch a read or write out of place, and the
// comparison of every entry of an ordered list with its last, the plain-loop reference.
//
//   const operand src(shaped(SEXTANT_NCHW16C, 1, 24, 7, 5, /*halo*/ 1));         or stored_as(SEXTANT_BF16, shaped(...))
//   src.fill(seed);
//   compare_entries(pool2d_implementations(), problem, {}, {&src}, problem.dst, 0, tolerance(r * s));
#pragma once
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/cpu.h"
#include "runtime/element.h"
#include "runtime/op.h"
#include "runtime/tensor.h"
#include "runtime/thread_pool.h"
#include "sextant/sextant.h"

namespace sextant::test {

/// Memory that ends (up to the 64-byte alignment of its start) at a page that may not be touched: a read past the end is a
/// crash in every build. Filled, with the 256 bytes before it and the rest up to that page, with the bytes of a mark: for floats
/// and halves of floats a quiet NaN that no arithmetic makes.
class guarded_memory {
  public:
    static constexpr uint32_t float_mark = 0x7fc5a5a5, bf16_mark = 0x7fc57fc5, u8_mark = 0xa5a5a5a5;

    guarded_memory(int64_t bytes, bool aligned, uint32_t mark) : bytes_(bytes), mark_(mark) {
        const int64_t page = sysconf(_SC_PAGESIZE);
        const int64_t used = (bytes + guard_bytes + 64 + page - 1) / page * page;
        mapped_ = used + page;
        base_ = static_cast<std::byte*>(mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
        if (base_ == MAP_FAILED) throw std::bad_alloc();
        end_ = base_ + used;
        mprotect(end_, page, PROT_NONE);
        int64_t start = used - bytes;
        if (aligned) start &= ~int64_t{63};
        data_ = base_ + start;
        std::fill(reinterpret_cast<uint32_t*>(base_), reinterpret_cast<uint32_t*>(end_), mark);
    }
    guarded_memory(const guarded_memory&) = delete;
    guarded_memory& operator=(const guarded_memory&) = delete;
    guarded_memory(guarded_memory&& other) noexcept
        : base_(std::exchange(other.base_, nullptr)), end_(other.end_), data_(other.data_), mapped_(other.mapped_),
          bytes_(other.bytes_), mark_(other.mark_) {}
    ~guarded_memory() {
        if (base_) munmap(base_, mapped_);
    }

    std::byte* data() const { return data_; }
    int64_t size() const { return bytes_; }

    /// Whether these bytes still are as they were made.
    bool is_marked(int64_t offset, int64_t count) const { return is_marked(data_ + offset, data_ + offset + count); }

    /// Whether the memory around it still is as it was made.
    bool surroundings_untouched() const { return is_marked(base_, data_) && is_marked(data_ + bytes_, end_); }

  private:
    bool is_marked(const std::byte* from, const std::byte* to) const {
        for (; from < to; ++from)
            if (*from != std::byte(mark_ >> (from - base_) % 4 * 8)) return false;
        return true;
    }

    static constexpr int64_t guard_bytes = 256;
    std::byte* base_ = nullptr;
    std::byte* end_ = nullptr;
    std::byte* data_ = nullptr;
    int64_t mapped_ = 0;
    int64_t bytes_ = 0;
    uint32_t mark_;
};

class guarded_floats {
  public:
    explicit guarded_floats(int64_t count, bool aligned = true)
        : memory_(count * int64_t{sizeof(float)}, aligned, guarded_memory::float_mark) {}

    float* data() const { return reinterpret_cast<float*>(memory_.data()); }
    float& operator[](int64_t i) const { return data()[i]; }
    bool surroundings_untouched() const { return memory_.surroundings_untouched(); }

  private:
    guarded_memory memory_;
};

/// A tensor's description in one line. `c_total` 0: not a slice.
inline sextant_tensor shaped(int layout, int n, int c, int h, int w, int halo = 0, int c_total = 0) {
    return {SEXTANT_F32, layout, n, c, h, w, layout == SEXTANT_NCHW ? 0 : halo, c_total ? c_total : c};
}

/// The same tensor with elements of another type; quantised, it holds -1.2 to 2.8.
inline sextant_tensor stored_as(int32_t dtype, sextant_tensor t, float scale = 1.0f / 64, int32_t zero_point = 77) {
    t.dtype = dtype;
    if (dtype == SEXTANT_U8) t.scale = scale, t.zero_point = zero_point;
    return t;
}

inline std::string text(const sextant_tensor& t) {
    std::string s = std::string(dtype_name(t.dtype)) + " nchw";
    s += is_blocked(t) ? std::to_string(t.layout) + "c " : " ";
    s += std::to_string(t.n) + "x" + std::to_string(t.c) + "x" + std::to_string(t.h) + "x" + std::to_string(t.w);
    if (t.halo) s += " halo " + std::to_string(t.halo);
    if (t.c_total != t.c) s += " of " + std::to_string(t.c_total) + " channels";
    return s;
}

/// Pseudo-random doubles in [-1, 1), from the SplitMix64 finaliser: the same on every machine.
inline double noise(uint64_t seed, uint64_t index) {
    uint64_t z = seed * 0xd1342543de82ef95 + (index + 1) * 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    z ^= z >> 31;
    return static_cast<double>(z >> 40) * 0x1p-23 - 1;
}

/// `count` values in [-scale, scale) around `centre`: weights, biases and their like.
inline std::vector<float> noise_vector(int64_t count, uint64_t seed, double scale = 1, double centre = 0) {
    std::vector<float> values(count);
    for (int64_t i = 0; i < count; i++) values[i] = static_cast<float>(centre + scale * noise(seed, i));
    return values;
}

/// A tensor of any element type with its storage. As made, all of it is a mark, for float32 and bf16 a NaN: pixels, halo, the
/// other channels of a wider tensor.
class operand {
  public:
    /// What unused lanes of a source hold: finite, and far from anything a right result could hide (quantised: 255).
    static constexpr float unused_lane = 4096;

    /// @param first_channel where the slice begins in the wider tensor of t.c_total channels; a whole block
    explicit operand(const sextant_tensor& t, int first_channel = 0)
        : shape(t), memory(t.n * image_pitch(t) * element_bytes(t), is_blocked(t), mark_of(t)),
          slice_(first_channel / block_of(t) * plane_pitch(t)) {
        EXPECT_EQ(first_channel % block_of(t), 0);
        EXPECT_LE(first_channel + t.c, t.c_total);
    }

    std::byte* data() const { return memory.data() + slice_ * element_bytes(shape); }
    double value(int n, int c, int y, int x) const { return element(shape, data(), offset_of(shape, n, c, y, x)); }
    void put(int n, int c, int y, int x, double value) const {
        put_element(shape, data(), offset_of(shape, n, c, y, x), value);
    }
    /// Of a float32 operand.
    float& at(int n, int c, int y, int x) const {
        return reinterpret_cast<float*>(data())[offset_of(shape, n, c, y, x)];
    }

    /// Makes it a source: pixels from `value(n, c, y, x)`, unused lanes finite, its own halo zero.
    const operand& fill_with(const std::function<double(int, int, int, int)>& value) const {
        const int block = block_of(shape), lanes_end = static_cast<int>(channel_blocks(shape)) * block, halo = shape.halo;
        for (int n = 0; n < shape.n; n++)
            for (int c = 0; c < lanes_end; c++)
                for (int y = -halo; y < shape.h + halo; y++)
                    for (int x = -halo; x < shape.w + halo; x++)
                        put(n, c, y, x, !is_pixel(y, x) ? 0 : c < shape.c ? value(n, c, y, x) : double{unused_lane});
        return *this;
    }

    /// The same from a seed; values do not depend on the layout.
    const operand& fill(uint64_t seed, double scale = 1, double centre = 0) const {
        return fill_with([&](int n, int c, int y, int x) {
            return centre + scale * noise(seed, ((uint64_t(n) * shape.c + c) * shape.h + y) * shape.w + x);
        });
    }

    /// From dense NCHW values.
    const operand& fill(const std::vector<double>& dense) const {
        EXPECT_EQ(int64_t(dense.size()), int64_t{shape.n} * shape.c * shape.h * shape.w);
        return fill_with([&](int n, int c, int y, int x) {
            return dense[((int64_t{n} * shape.c + c) * shape.h + y) * shape.w + x];
        });
    }

    /// For a reader that has no business in the halo: the mark there instead of zero.
    const operand& spoil_halo() const {
        const uint32_t mark = mark_of(shape);
        const int lanes_end = static_cast<int>(channel_blocks(shape)) * block_of(shape), halo = shape.halo;
        for (int n = 0; n < shape.n; n++)
            for (int c = 0; c < lanes_end; c++)
                for (int y = -halo; y < shape.h + halo; y++)
                    for (int x = -halo; x < shape.w + halo; x++)
                        if (!is_pixel(y, x))
                            std::memcpy(data() + offset_of(shape, n, c, y, x) * element_bytes(shape), &mark, element_bytes(shape));
        return *this;
    }

    std::vector<double> dense() const {
        std::vector<double> values;
        values.reserve(int64_t{shape.n} * shape.c * shape.h * shape.w);
        for (int n = 0; n < shape.n; n++)
            for (int c = 0; c < shape.c; c++)
                for (int y = 0; y < shape.h; y++)
                    for (int x = 0; x < shape.w; x++) values.push_back(value(n, c, y, x));
        return values;
    }

    /// After a run: every pixel written, unused lanes finite, nothing else touched. (A quantised pixel may rightly equal the
    /// mark, so that there the comparison of values has to find what was not written.)
    void expect_written_in_place() const {
        EXPECT_TRUE(memory.surroundings_untouched()) << "memory around dst was written";
        const int64_t bytes = element_bytes(shape), elements = memory.size() / bytes;
        std::vector<bool> own(elements, false);
        const int lanes_end = static_cast<int>(channel_blocks(shape)) * block_of(shape);
        int64_t unwritten = 0, infinite_lanes = 0, strays = 0;
        for (int n = 0; n < shape.n; n++)
            for (int c = 0; c < lanes_end; c++)
                for (int y = 0; y < shape.h; y++)
                    for (int x = 0; x < shape.w; x++) {
                        const int64_t i = slice_ + offset_of(shape, n, c, y, x);
                        own[i] = true;
                        unwritten += shape.dtype != SEXTANT_U8 && memory.is_marked(i * bytes, bytes);
                        infinite_lanes += c >= shape.c && !std::isfinite(value(n, c, y, x));
                    }
        for (int64_t i = 0; i < elements; i++) strays += !own[i] && !memory.is_marked(i * bytes, bytes);
        EXPECT_EQ(unwritten, 0) << "elements of dst were not written";
        EXPECT_EQ(infinite_lanes, 0) << "lanes past dst's last channel are not finite";
        EXPECT_EQ(strays, 0) << "elements outside dst's pixels were written";
    }

    const sextant_tensor shape;
    const guarded_memory memory;

  private:
    static uint32_t mark_of(const sextant_tensor& t) {
        return t.dtype == SEXTANT_F32    ? guarded_memory::float_mark
               : t.dtype == SEXTANT_BF16 ? guarded_memory::bf16_mark
                                         : guarded_memory::u8_mark;
    }
    bool is_pixel(int y, int x) const { return y >= 0 && y < shape.h && x >= 0 && x < shape.w; }
    const int64_t slice_;
};

/// The largest error allowed for sums of `reduction` products: rounding errors of a sum add up like a random walk.
inline double tolerance(int64_t reduction) { return 0x1p-24 * (4 + 2 * std::sqrt(static_cast<double>(reduction))); }

/// Compares with a tolerance relative to the largest finite |expected|; NaN and infinities must agree exactly. Values read from
/// a `stored` tensor may besides be off by its rounding: bf16 half a unit in the last place, quantised one step of those there are.
inline void expect_close(const std::vector<double>& actual, const std::vector<double>& expected, double relative_tolerance,
                         const sextant_tensor& stored = {}) {
    ASSERT_EQ(actual.size(), expected.size());
    double largest = 0;
    for (double e : expected)
        if (std::isfinite(e)) largest = std::max(largest, std::abs(e));
    const double allowed = relative_tolerance * std::max(largest, 1e-30);
    size_t wrong = 0, worst = 0;
    double worst_error = -1;
    for (size_t i = 0; i < actual.size(); i++) {
        const double a = actual[i];
        double e = expected[i], error = 0, rounding = 0;
        if (stored.dtype == SEXTANT_BF16 && std::isfinite(e)) rounding = std::abs(e) * 0x1p-8;
        if (stored.dtype == SEXTANT_U8) {
            const double zero = stored.zero_point, scale = stored.scale;
            e = std::isnan(e) ? 0 : std::clamp(e, -zero * scale, (255 - zero) * scale);
            rounding = 1.0001 * scale;
        }
        if (std::isnan(e) || std::isnan(a)) error = std::isnan(e) && std::isnan(a) ? 0 : std::numeric_limits<double>::infinity();
        else if (a != e) error = std::isfinite(a - e) ? std::abs(a - e) : std::numeric_limits<double>::infinity();
        wrong += error > allowed + rounding;
        if (error - rounding > worst_error) worst_error = error - rounding, worst = i;
    }
    EXPECT_EQ(wrong, 0u) << "of " << actual.size() << " values; worst at dense index " << worst << ": " << actual[worst]
                         << ", expected " << expected[worst] << ", allowed error " << allowed
                         << (stored.dtype == SEXTANT_F32 ? "" : " besides the rounding");
}

/// The instruction sets of this processor, best first, from the one that SEXTANT_ISA asks for downwards.
inline std::vector<device_traits> devices() {
    std::vector<device_traits> all;
    for (int32_t isa = chosen_isa(); isa >= SEXTANT_ISA_PORTABLE; isa--) all.push_back(traits_of(isa, 1));
    return all;
}

/// Those with float32 kernels of their own: AVX512_BF16 shares AVX-512's.
inline std::vector<device_traits> f32_devices() {
    auto all = devices();
    std::erase_if(all, [&](const auto& device) { return device.isa == SEXTANT_ISA_AVX512_BF16; });
    return all;
}

/// A pool of 1 to 4 threads, made once for all tests.
inline thread_pool& pool_of(int threads) {
    static std::unique_ptr<thread_pool> pools[5];
    auto& pool = pools[threads];
    if (!pool) pool = std::make_unique<thread_pool>(threads);
    return *pool;
}

/// Runs an operation with scratch of the very size it asked for.
inline void run(const op& operation, thread_pool& pool, const std::vector<const operand*>& sources, const operand& dst) {
    std::vector<address> addresses;
    for (const operand* source : sources) addresses.emplace_back(source->data());
    addresses.emplace_back(dst.data());
    EXPECT_EQ(operation.operand_count(), int(addresses.size()));
    const int64_t scratch_bytes = operation.scratch_bytes(pool.threads());
    const guarded_floats scratch((scratch_bytes + 3) / 4);
    operation.run(pool, addresses.data(), reinterpret_cast<std::byte*>(scratch.data()));
    EXPECT_TRUE(scratch.surroundings_untouched()) << "memory around the scratch was written";
}

/// The results of the list's last entry, which any problem must suit.
template <class Problem, class Parameters>
std::vector<double> reference_of(std::span<const implementation<Problem, Parameters>> list, const Problem& problem,
                                 const std::type_identity_t<Parameters>& parameters,
                                 const std::vector<const operand*>& sources, const sextant_tensor& dst_shape) {
    const device_traits device = devices().back();
    const auto& reference = list.back();
    EXPECT_EQ(reference.refuses(problem, device), "") << reference.name << " must accept everything";
    const operand dst(dst_shape);
    run(*reference.create(problem, parameters, device), pool_of(1), sources, dst);
    dst.expect_written_in_place();
    return dst.dense();
}

/// Runs every entry that accepts the problem, each on the best instruction set it accepts it for, with 1 and 3 threads, and
/// compares it with the reference, whose dst is float32 whatever the problem's is. `first_channel` is where dst begins in a
/// wider tensor; `relative_tolerance` is for the arithmetic, the rounding of dst's elements comes on top; `slack` says how many
/// times that tolerance an entry may use.
/// @return the names of the entries that took part, the reference's left out
template <class Problem, class Parameters>
std::vector<std::string> compare_entries(std::span<const implementation<Problem, Parameters>> list, const Problem& problem,
                                         const std::type_identity_t<Parameters>& parameters,
                                         const std::vector<const operand*>& sources, const sextant_tensor& dst_shape,
                                         int first_channel, double relative_tolerance,
                                         double (*slack)(std::string_view) = nullptr) {
    std::string shapes;
    for (const operand* source : sources) shapes += text(source->shape) + ", ";
    SCOPED_TRACE(shapes + "-> " + text(dst_shape));
    sextant_tensor whole = stored_as(SEXTANT_F32, dst_shape);
    whole.c_total = whole.c;
    Problem reference_problem = problem;
    reference_problem.dst = whole;
    const auto expected = reference_of(list, reference_problem, parameters, sources, whole);
    std::vector<std::string> took_part;
    for (const auto& entry : list) {
        for (device_traits device : devices()) {
            if (!entry.refuses(problem, device).empty()) continue;
            for (int threads : {1, 3}) {
                SCOPED_TRACE(std::string(entry.name) + ", threads " + std::to_string(threads));
                device.threads = threads;
                const operand dst(dst_shape, first_channel);
                run(*entry.create(problem, parameters, device), pool_of(threads), sources, dst);
                dst.expect_written_in_place();
                expect_close(dst.dense(), expected, (slack ? slack(entry.name) : 1) * relative_tolerance, dst_shape);
            }
            if (&entry != &list.back()) took_part.push_back(entry.name);
            break;
        }
    }
    return took_part;
}

/// Whether this processor, as SEXTANT_ISA lets it, has kernels for bf16 and uint8.
inline bool has_narrow_kernels() { return devices().front().isa == SEXTANT_ISA_AVX512_BF16; }

/// The layouts that have fast kernels, and the plain one.
inline constexpr int layouts[] = {SEXTANT_NCHW, SEXTANT_NCHW8C, SEXTANT_NCHW16C};

}  // namespace sextant::test
