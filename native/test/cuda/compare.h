// SPDX-License-Identifier: Apache-2.0
// What the tests of CUDA devices share: an operation made by the same call on the CPU, where its list's last entry is the
// meaning, and on the device, by each of its implementations; and the comparison of the two. All of it through sextant.h.
//
//   add_comparison("Pool2d", "global", [] { return std::vector<operation>{...}; });
#pragma once
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "../testing.h"

namespace sextant::test {

/// Opened by the first call; throws a refusal with the library's own sentence where there is none.
sextant_device* cuda();
sextant_device* cpu();

/// A call of the interface that failed.
struct refusal : std::runtime_error {
    int32_t status;
    refusal(int32_t status, const char* sentence) : std::runtime_error(sentence), status(status) {}
};

/// call(&error) must return SEXTANT_OK.
template <class Call>
void must(Call&& call) {
    sextant_error error{};
    if (const int32_t status = call(&error); status != SEXTANT_OK) throw refusal(status, error.message);
}

/// Memory for a device's buffers, filled with bytes that are a NaN in every type.
class device_memory {
  public:
    device_memory(sextant_device* device, int64_t bytes, bool shared = false);
    device_memory(device_memory&& other) noexcept : device_(other.device_), memory_(std::exchange(other.memory_, {})) {}
    ~device_memory() { sextant_memory_release(&memory_); }

    void* address() const { return memory_.address; }
    void write(const std::vector<std::byte>& bytes) const;
    std::vector<std::byte> read() const;

  private:
    sextant_device* device_;
    sextant_memory memory_{};
};

/// What one operand's memory holds: a tensor, which may be a slice of a wider one, and a guard behind. All is NaN until put.
class image {
  public:
    explicit image(const sextant_tensor& shape, int first_channel = 0);

    /// Dense n c h w; lanes that pad the last unit of NHWC become 0.
    void put(const std::vector<float>& values);
    std::vector<float> values() const;
    /// Where the slice begins, in bytes.
    int64_t begin() const { return begin_ * element_bytes(shape); }
    /// "" or what is wrong with the memory around the elements, after a run that found `before`.
    std::string strays(const image& before) const;

    const sextant_tensor shape;
    std::vector<std::byte> bytes;

  private:
    float get(int64_t element) const;
    void set(int64_t element, float value);
    int64_t lanes() const;

    const int64_t begin_;
};

/// A number as the type holds it.
float rounded_to(int32_t dtype, float value);

/// An operand of an operation, in the layout and type that it has on the CUDA device.
struct placed {
    sextant_tensor shape;
    std::vector<float> values;  // before the run, dense n c h w; none: a destination that is replaced
    bool written = false;
    int first_channel = 0;
    bool shared = false;        // in memory that the host reaches too
    int same_place_as = -1;     // the operand whose memory it shares
};

using creation =
    std::function<int32_t(sextant_device*, const std::vector<sextant_tensor>&, const char*, sextant_op**, sextant_error*)>;

struct operation {
    std::string reference;         // the CPU's plain loops
    creation create;               // from the operands' tensors
    std::vector<placed> operands;  // in the header's order
    /// Implementations of the device beside the one that it chooses itself.
    std::function<std::vector<std::string>(const std::vector<sextant_tensor>&)> candidates = nullptr;
    bool exact = false;            // numbers whose sums have no rounding: results may differ by their own rounding alone
    double slack = 1;              // how much more float32 sums may differ: long ones
};

/// Runs each operation on the device by each implementation, twice, and compares the results with the CPU's. Consecutive
/// operations of the same numbers share one run of the CPU's.
void compare(const std::vector<operation>& operations);

void add_comparison(const char* suite, std::string name, std::function<std::vector<operation>()> operations);

/// Prints for each implementation how often it was compared and which part of its tolerance it used at most.
void print_coverage();

/// Multiples of a quarter, at most `largest` of them: exact in every type, and so are sums of thousands of their products.
std::vector<float> quarters(int64_t count, uint64_t seed, int largest = 3);

/// A tensor on the device, whole or within a wider one of `before` channels ahead of it and `after` behind it.
struct slice {
    int before = 0, after = 0;
};
sextant_tensor on_device(int32_t dtype, int32_t layout, int n, int c, int h, int w, slice within = {});

inline placed source(const sextant_tensor& shape, std::vector<float> values, slice within = {}) {
    return {shape, std::move(values), false, within.before};
}
inline placed destination(const sextant_tensor& shape, slice within = {}) { return {shape, {}, true, within.before}; }
/// One that the operation reads, too: it accumulates or moves.
inline placed changed(const sextant_tensor& shape, std::vector<float> values, slice within = {}) {
    return {shape, std::move(values), true, within.before};
}
inline placed parameter(int n, int c, int h, int w, std::vector<float> values) {
    return source(on_device(SEXTANT_F32, SEXTANT_NCHW, n, c, h, w), std::move(values));
}
/// `values` or, without accumulation, nothing before.
inline placed gradient(bool accumulate, const sextant_tensor& shape, std::vector<float> values, slice within = {}) {
    return accumulate ? changed(shape, std::move(values), within) : destination(shape, within);
}
/// A training state, where the trainer has it: in memory that the host reaches.
placed state_of(const sextant_training_state& state, bool written = false);

/// Types and layouts of an operation's source and destination: what the networks use, and what they might.
struct mix {
    int32_t src, dst;
    int32_t src_layout = SEXTANT_NHWC, dst_layout = SEXTANT_NHWC;

    /// Whether products have float32 factors: only then random numbers tell how precise the sums are.
    bool is_f32() const { return src != SEXTANT_BF16 && src != SEXTANT_F16 && dst != SEXTANT_BF16 && dst != SEXTANT_F16; }
};
inline constexpr mix mixes[] = {
    {SEXTANT_F32, SEXTANT_F32},
    {SEXTANT_F32, SEXTANT_F32, SEXTANT_NCHW, SEXTANT_NHWC},
    {SEXTANT_F32, SEXTANT_F32, SEXTANT_NHWC, SEXTANT_NCHW},
    {SEXTANT_F32, SEXTANT_F32, SEXTANT_NCHW, SEXTANT_NCHW},
    {SEXTANT_TF32, SEXTANT_TF32},
    {SEXTANT_F32, SEXTANT_TF32, SEXTANT_NCHW, SEXTANT_NHWC},
    {SEXTANT_TF32, SEXTANT_F32, SEXTANT_NHWC, SEXTANT_NCHW},
    {SEXTANT_BF16, SEXTANT_BF16},
    {SEXTANT_F16, SEXTANT_F16},
    {SEXTANT_F32, SEXTANT_BF16, SEXTANT_NCHW, SEXTANT_NHWC},
    {SEXTANT_F32, SEXTANT_F16, SEXTANT_NCHW, SEXTANT_NHWC},
    {SEXTANT_BF16, SEXTANT_F32, SEXTANT_NHWC, SEXTANT_NCHW},
    {SEXTANT_F16, SEXTANT_F32, SEXTANT_NHWC, SEXTANT_NCHW},
    {SEXTANT_BF16, SEXTANT_F32},
    {SEXTANT_F32, SEXTANT_BF16},
};

/// Names that an operation's list on the device holds, for those that cannot be asked for their candidates.
std::vector<std::string> implementations_of(const std::string& operation);

inline const char* activation_name(int activation) {
    constexpr const char* names[] = {"identity", "relu", "tanh", "sigmoid"};
    return names[activation];
}

}  // namespace sextant::test
