// SPDX-License-Identifier: Apache-2.0
#include "compare.h"

#include <cstdio>
#include <cstdlib>
#include <map>
#include <optional>

namespace sextant::test {

sextant_device* cuda() {
    static sextant_device* const device = [] {
        sextant_device* opened = nullptr;
        must([&](sextant_error* error) {
            return sextant_device_create_cuda(std::getenv("SEXTANT_CUDA_LIBRARY"), 0, &opened, error);
        });
        return opened;
    }();
    return device;
}

sextant_device* cpu() {
    static sextant_device* const device = [] {
        sextant_device* opened = nullptr;
        must([&](sextant_error* error) { return sextant_device_create_cpu(1, &opened, error); });
        return opened;
    }();
    return device;
}

namespace {

constexpr std::byte nan_byte{0xff};

/// Behind each operand, to catch what is written there; none where a tool looks for accesses past an allocation's end.
int64_t guard_bytes() {
    static const int64_t bytes = std::getenv("SEXTANT_CUDA_TEST_TIGHT") ? 0 : 256;
    return bytes;
}

uint16_t f16_bits(float value) {
    const auto bits = std::bit_cast<uint32_t>(value), magnitude = bits & 0x7fffffff;
    const auto sign = static_cast<uint16_t>(bits >> 16 & 0x8000);
    if (std::isnan(value)) return sign | 0x7e00;
    if (std::abs(value) >= 65520) return sign | 0x7c00;
    if (std::abs(value) < 0x1p-14f) return sign | static_cast<uint16_t>(std::nearbyint(std::abs(value) * 0x1p24f));
    return sign | static_cast<uint16_t>((magnitude + 0xfff + (magnitude >> 13 & 1) - (112u << 23)) >> 13);
}

float f16_value(uint16_t bits) {
    const int exponent = bits >> 10 & 31, fraction = bits & 1023;
    float magnitude = std::ldexp(static_cast<float>(exponent ? 1024 + fraction : fraction), exponent ? exponent - 25 : -24);
    if (exponent == 31) magnitude = fraction ? std::numeric_limits<float>::quiet_NaN() : std::numeric_limits<float>::infinity();
    return bits & 0x8000 ? -magnitude : magnitude;
}

/// How far a result's own rounding may move it, relatively.
double unit_of(int32_t dtype) { return dtype == SEXTANT_BF16 ? 0x1.02p-8 : dtype == SEXTANT_F16 ? 0x1.02p-11 : 0; }

/// How far arithmetic in a type may be off, as a share of the largest result.
double tolerance_of(int32_t dtype) {
    switch (dtype) {
        case SEXTANT_TF32: return 2e-3;
        case SEXTANT_F16: return 3e-3;
        case SEXTANT_BF16: return 1.5e-2;
        default: return 1e-5;
    }
}

double tolerance_of(const operation& o, const std::string& implementation) {
    const bool transforms = implementation.find("winograd") != std::string::npos;
    if (o.exact && !transforms) return 1e-6;
    double tolerance = tolerance_of(SEXTANT_F32);
    for (const placed& operand : o.operands) tolerance = std::max(tolerance, tolerance_of(operand.shape.dtype));
    return tolerance == tolerance_of(SEXTANT_F32) ? tolerance * o.slack * (transforms ? 5 : 1) : tolerance;
}

std::string described(const sextant_tensor& t) {
    std::string s = std::string(dtype_name(t.dtype)) + (t.layout == SEXTANT_NHWC ? " nhwc " : " nchw ") + shape_text(t);
    return t.c_total == t.c ? s : s + " of " + std::to_string(t.c_total) + " channels";
}

std::string described(const operation& o) {
    std::string s;
    for (const placed& operand : o.operands) s += (operand.written ? " -> " : "  ") + described(operand.shape);
    return s;
}

template <class Handle>
using owner = std::unique_ptr<Handle, void (*)(Handle*)>;

/// An operation as a plan of one step, with buffers for its operands.
class prepared {
  public:
    prepared(sextant_device* device, const operation& o, const std::vector<sextant_tensor>& shapes, const char* implementation,
             bool sliced)
        : device_(device), operation_(o) {
        must([&](sextant_error* e) {
            sextant_op* made = nullptr;
            const int32_t status = o.create(device, shapes, implementation, &made, e);
            op_.reset(made);
            return status;
        });
        must([&](sextant_error* e) { return sextant_op_get_info(op_.get(), &info_, e); });
        for (size_t i = 0; i < shapes.size(); i++) {
            const placed& operand = o.operands[i];
            before.emplace_back(shapes[i], sliced ? operand.first_channel : 0);
            if (!operand.values.empty()) before.back().put(operand.values);
        }
        std::vector<sextant_place> places;
        for (size_t i = 0; i < shapes.size(); i++)
            places.push_back({before[i].begin(), static_cast<int32_t>(place(i)) + 1, 0});
        must([&](sextant_error* e) {
            sextant_plan* made = nullptr;
            const int32_t status = sextant_plan_create(device, &made, e);
            plan_.reset(made);
            return status;
        });
        must([&](sextant_error* e) {
            return sextant_plan_add(plan_.get(), op_.get(), places.data(), static_cast<int32_t>(places.size()), e);
        });
        must([&](sextant_error* e) { return sextant_plan_finish(plan_.get(), e); });
        sextant_plan_info info{};
        must([&](sextant_error* e) { return sextant_plan_get_info(plan_.get(), &info, e); });
        memories_.emplace_back(device, std::max<int64_t>(info.workspace_bytes, 64));
        for (size_t i = 0; i < shapes.size(); i++)
            memories_.emplace_back(device, static_cast<int64_t>(before[i].bytes.size()), o.operands[i].shared);
    }

    std::string implementation() const { return info_.implementation; }

    /// One run on operands as they are before it: what they hold afterwards.
    std::vector<image> run() const {
        for (size_t i = 0; i < before.size(); i++)
            if (place(i) == i) memories_[i + 1].write(before[i].bytes);
        std::vector<void*> buffers;
        for (const device_memory& memory : memories_) buffers.push_back(memory.address());
        must([&](sextant_error* e) {
            return sextant_plan_run(plan_.get(), buffers.data(), buffers_used(buffers), nullptr, e);
        });
        std::vector<image> after;
        for (size_t i = 0; i < before.size(); i++) {
            after.push_back(before[i]);
            after.back().bytes = memories_[place(i) + 1].read();
        }
        return after;
    }

    /// The operand whose memory operand i has.
    size_t place(size_t i) const {
        const int other = operation_.operands[i].same_place_as;
        return other < 0 ? i : static_cast<size_t>(other);
    }

    std::vector<image> before;

  private:
    /// A plan counts buffers up to the last that it uses.
    int32_t buffers_used(const std::vector<void*>& buffers) const {
        sextant_plan_info info{};
        must([&](sextant_error* e) { return sextant_plan_get_info(plan_.get(), &info, e); });
        EXPECT_LE(info.buffers, int(buffers.size()));
        return info.buffers;
    }

    sextant_device* const device_;
    const operation& operation_;
    owner<sextant_op> op_{nullptr, sextant_op_destroy};
    owner<sextant_plan> plan_{nullptr, sextant_plan_destroy};
    sextant_op_info info_{};
    std::vector<device_memory> memories_;
};

struct use {
    int64_t comparisons = 0;
    double share = 0;
};
std::map<std::string, use> coverage;

/// "" or how results differ from what is expected.
std::string difference(const sextant_tensor& t, const std::vector<float>& found, const std::vector<float>& expected,
                       double tolerance, double unit, use& used) {
    double largest = 0, worst = 0;
    for (const float value : expected) largest = std::max(largest, double{std::abs(value)});
    int64_t wrong = 0, worst_at = 0;
    for (size_t i = 0; i < found.size(); i++) {
        const double bound = std::max(tolerance * largest + unit * std::abs(double{expected[i]}), 1e-37);
        double share = std::abs(double{found[i]} - expected[i]) / bound;
        if (!std::isfinite(found[i])) share = std::numeric_limits<double>::infinity();
        wrong += !(share <= 1);
        if (share > worst) worst = share, worst_at = static_cast<int64_t>(i);
    }
    used.share = std::max(used.share, worst);
    if (wrong == 0) return "";
    const int64_t plane = int64_t{t.h} * t.w, image = plane * t.c;
    char text[400];
    std::snprintf(text, sizeof text,
                  "%lld of %zu elements are off, most at n %lld c %lld y %lld x %lld: %.9g, expected %.9g (largest %.4g, "
                  "tolerance %.2g exceeded %.3g times)",
                  static_cast<long long>(wrong), found.size(), static_cast<long long>(worst_at / image),
                  static_cast<long long>(worst_at % image / plane), static_cast<long long>(worst_at % plane / t.w),
                  static_cast<long long>(worst_at % t.w), found[worst_at], expected[worst_at], largest, tolerance, worst);
    return text;
}

/// Whether the device still answers: after a kernel's illegal access nothing runs in this process any more.
bool is_lost(sextant_device* device) {
    sextant_memory memory{};
    sextant_error error{};
    const int32_t status = sextant_device_allocate(device, 64, 0, &memory, &error);
    sextant_memory_release(&memory);
    return status != SEXTANT_OK;
}

using results = std::vector<std::vector<float>>;

std::vector<sextant_tensor> shapes_of(const operation& o) {
    std::vector<sextant_tensor> shapes;
    for (const placed& operand : o.operands) shapes.push_back(operand.shape);
    return shapes;
}

results expected_of(const operation& o) {
    std::vector<sextant_tensor> shapes;
    for (const sextant_tensor& t : shapes_of(o)) shapes.push_back(shaped(SEXTANT_NCHW, t.n, t.c, t.h, t.w));
    const prepared on_cpu(cpu(), o, shapes, o.reference.c_str(), false);
    results all;
    for (const image& after : on_cpu.run()) all.push_back(after.values());
    return all;
}

/// @param implementation null: the device's own choice
/// @return its name, or none when it declines
std::string compare_one(const operation& o, const results& expected, const char* implementation) {
    std::optional<prepared> made;
    try {
        made.emplace(cuda(), o, shapes_of(o), implementation, true);
    } catch (const refusal& reason) {
        if (implementation && std::string(reason.what()).find("declines") != std::string::npos) return "";
        throw;
    }
    const std::string name = made->implementation(), who = name + ":" + described(o) + ": ";
    const std::vector<image> first = made->run(), second = made->run();
    use& used = coverage[name];
    used.comparisons++;
    for (size_t i = 0; i < o.operands.size(); i++) {
        const std::string where = who + "operand " + std::to_string(i) + ": ";
        bool written = false;
        for (size_t j = 0; j < o.operands.size(); j++) written |= o.operands[j].written && made->place(j) == made->place(i);
        if (!written) {
            if (first[i].bytes != made->before[i].bytes) ADD_FAILURE() << where << "a source was changed";
            continue;
        }
        if (first[i].bytes != second[i].bytes) ADD_FAILURE() << where << "a second run gives other bits";
        if (!o.operands[i].written) continue;
        const sextant_tensor& t = first[i].shape;
        const std::string differs =
            difference(t, first[i].values(), expected[i], tolerance_of(o, name), o.exact ? unit_of(t.dtype) : 0, used);
        if (!differs.empty()) ADD_FAILURE() << where << differs;
        const std::string strays = first[i].strays(made->before[made->place(i)]);
        if (!strays.empty()) ADD_FAILURE() << where << strays;
    }
    return name;
}

bool same_numbers(const operation& a, const operation& b) {
    if (a.reference != b.reference || a.operands.size() != b.operands.size()) return false;
    for (size_t i = 0; i < a.operands.size(); i++)
        if (a.operands[i].values != b.operands[i].values) return false;
    return true;
}

/// With the numbers that the operands' types can hold.
operation rounded(operation o) {
    for (placed& operand : o.operands)
        for (float& value : operand.values) value = rounded_to(operand.shape.dtype, value);
    return o;
}

class comparison : public ::testing::Test {
  public:
    explicit comparison(std::function<std::vector<operation>()> operations) : operations_(std::move(operations)) {}
    void TestBody() override { compare(operations_()); }

  private:
    std::function<std::vector<operation>()> operations_;
};

}  // namespace

device_memory::device_memory(sextant_device* device, int64_t bytes, bool shared) : device_(device) {
    must([&](sextant_error* e) { return sextant_device_allocate(device, bytes, shared, &memory_, e); });
    write(std::vector(bytes, nan_byte));
}

void device_memory::write(const std::vector<std::byte>& bytes) const {
    must([&](sextant_error* e) {
        return sextant_device_copy(device_, memory_.address, bytes.data(), static_cast<int64_t>(bytes.size()), e);
    });
}

std::vector<std::byte> device_memory::read() const {
    std::vector<std::byte> bytes(memory_.bytes);
    must([&](sextant_error* e) { return sextant_device_copy(device_, bytes.data(), memory_.address, memory_.bytes, e); });
    return bytes;
}

image::image(const sextant_tensor& shape, int first_channel)
    : shape(shape), bytes(shape.n * image_pitch(shape) * element_bytes(shape) + guard_bytes(), nan_byte),
      begin_(shape.layout == SEXTANT_NHWC ? first_channel : int64_t{first_channel} * shape.h * shape.w) {}

int64_t image::lanes() const {
    return shape.layout == SEXTANT_NHWC ? (shape.c + nhwc_unit - 1) / nhwc_unit * nhwc_unit : shape.c;
}

float image::get(int64_t i) const {
    if (shape.dtype != SEXTANT_BF16 && shape.dtype != SEXTANT_F16) {
        float value;
        std::memcpy(&value, bytes.data() + (begin_ + i) * 4, 4);
        return value;
    }
    uint16_t bits;
    std::memcpy(&bits, bytes.data() + (begin_ + i) * 2, 2);
    return shape.dtype == SEXTANT_BF16 ? bf16_value(bits) : f16_value(bits);
}

void image::set(int64_t i, float value) {
    if (shape.dtype != SEXTANT_BF16 && shape.dtype != SEXTANT_F16) {
        std::memcpy(bytes.data() + (begin_ + i) * 4, &value, 4);
        return;
    }
    const uint16_t bits = shape.dtype == SEXTANT_BF16 ? bf16_bits(value) : f16_bits(value);
    std::memcpy(bytes.data() + (begin_ + i) * 2, &bits, 2);
}

void image::put(const std::vector<float>& values) {
    if (int64_t(values.size()) != int64_t{shape.n} * shape.c * shape.h * shape.w)
        throw std::logic_error("a test gives " + std::to_string(values.size()) + " numbers for " + described(shape));
    const float* next = values.data();
    for (int n = 0; n < shape.n; n++)
        for (int c = 0; c < lanes(); c++)
            for (int y = 0; y < shape.h; y++)
                for (int x = 0; x < shape.w; x++) set(offset_of(shape, n, c, y, x), c < shape.c ? *next++ : 0);
}

std::vector<float> image::values() const {
    std::vector<float> all;
    for (int n = 0; n < shape.n; n++)
        for (int c = 0; c < shape.c; c++)
            for (int y = 0; y < shape.h; y++)
                for (int x = 0; x < shape.w; x++) all.push_back(get(offset_of(shape, n, c, y, x)));
    return all;
}

std::string image::strays(const image& before) const {
    const int64_t size = element_bytes(shape);
    std::vector<bool> own(bytes.size() / size, false);
    int64_t padding = 0, strays = 0;
    for (int n = 0; n < shape.n; n++)
        for (int c = 0; c < lanes(); c++)
            for (int y = 0; y < shape.h; y++)
                for (int x = 0; x < shape.w; x++) {
                    const int64_t i = offset_of(shape, n, c, y, x);
                    own[begin_ + i] = true;
                    padding += c >= shape.c && get(i) != 0;
                }
    for (size_t i = 0; i < own.size(); i++)
        strays += !own[i] && std::memcmp(bytes.data() + i * size, before.bytes.data() + i * size, size) != 0;
    std::string wrong;
    if (padding) wrong = std::to_string(padding) + " lanes past the last channel are not 0";
    if (strays) wrong += (wrong.empty() ? "" : ", ") + std::to_string(strays) + " elements outside the tensor were written";
    return wrong;
}

float rounded_to(int32_t dtype, float value) {
    if (dtype == SEXTANT_BF16) return bf16_value(bf16_bits(value));
    return dtype == SEXTANT_F16 ? f16_value(f16_bits(value)) : value;
}

std::vector<float> quarters(int64_t count, uint64_t seed, int largest) {
    std::vector<float> values(count);
    for (int64_t i = 0; i < count; i++)
        values[i] = 0.25f * static_cast<float>(std::floor((noise(seed, i) + 1) / 2 * (2 * largest + 1)) - largest);
    return values;
}

sextant_tensor on_device(int32_t dtype, int32_t layout, int n, int c, int h, int w, slice within) {
    return {dtype, layout, n, c, h, w, 0, within.before + c + within.after};
}

placed state_of(const sextant_training_state& state, bool written) {
    std::vector<float> words(sizeof state / sizeof(float));
    std::memcpy(words.data(), &state, sizeof state);
    return {on_device(SEXTANT_F32, SEXTANT_NCHW, 1, static_cast<int>(words.size()), 1, 1), words, written, 0, true};
}

void compare(const std::vector<operation>& operations) {
    results expected;
    operation last;
    for (const operation& asked : operations) {
        const operation o = rounded(asked);
        try {
            if (expected.empty() || !same_numbers(o, last)) expected = expected_of(o);
            last = o;
            std::vector<std::string> done{compare_one(o, expected, nullptr)};
            if (!o.candidates) continue;
            for (const std::string& name : o.candidates(shapes_of(o)))
                if (std::find(done.begin(), done.end(), name) == done.end())
                    done.push_back(compare_one(o, expected, name.c_str()));
        } catch (const refusal& reason) {
            ADD_FAILURE() << reason.what() << ":" << described(o);
            if (!is_lost(cuda())) continue;
            std::printf("the device is lost\n");
            std::fflush(stdout);
            std::_Exit(3);
        }
    }
}

void add_comparison(const char* suite, std::string name, std::function<std::vector<operation>()> operations) {
    for (char& letter : name)
        if (!std::isalnum(static_cast<unsigned char>(letter))) letter = '_';
    ::testing::RegisterTest(suite, name.c_str(), nullptr, nullptr, __FILE__, __LINE__,
                            [operations = std::move(operations)] { return new comparison(operations); });
}

void print_coverage() {
    for (const auto& [name, used] : coverage)
        std::printf("compared %-48s %6lld times, at most %.3f of the tolerance\n", name.c_str(),
                    static_cast<long long>(used.comparisons), used.share);
}

}  // namespace sextant::test
