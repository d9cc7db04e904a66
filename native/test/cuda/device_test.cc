// SPDX-License-Identifier: Apache-2.0
// A CUDA device, its memory and its plans: several steps replayed with other numbers, many threads, times, and what is refused.
#include <atomic>
#include <thread>

#include "compare.h"

namespace sextant::test {
namespace {

/// A call's status, and what the library says when it fails.
struct answer {
    int32_t status;
    std::string sentence;
};
template <class Call>
answer asked(Call&& call) {
    sextant_error error{};
    const int32_t status = call(&error);
    return {status, error.message};
}

void expect_refused(const answer& found, int32_t status, const char* part) {
    EXPECT_EQ(found.status, status) << found.sentence;
    EXPECT_NE(found.sentence.find(part), std::string::npos) << found.sentence;
}

sextant_tensor nhwc(int32_t dtype, int n, int c, int h, int w) { return on_device(dtype, SEXTANT_NHWC, n, c, h, w); }

/// Convolution, bias and ReLU; max pool; convolution with the pool as residual; global pool; linear; softmax. On the CPU all of
/// it in NCHW float32.
class network {
  public:
    static constexpr int n = 3, c = 3, size = 15, k = 24, classes = 10;

    network(sextant_device* device, int32_t dtype, int32_t layout) : device_(device) {
        const auto hidden = [&](int channels, int pixels) { return on_device(dtype, layout, n, channels, pixels, pixels); };
        const sextant_tensor input = on_device(SEXTANT_F32, SEXTANT_NCHW, n, c, size, size), first = hidden(k, 15),
                             pooled = hidden(k, 7), second = hidden(k, 7), mean = hidden(k, 1),
                             logits = on_device(SEXTANT_F32, SEXTANT_NCHW, n, classes, 1, 1);
        must([&](sextant_error* e) { return sextant_plan_create(device, &plan_, e); });
        sextant_conv2d conv{input, first, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, SEXTANT_RELU};
        const auto weights = noise_vector(k * k * 9, 1, 0.2), bias = noise_vector(k, 2);
        add({place(0, 1), next(first)}, [&](sextant_op** op, sextant_error* e) {
            return sextant_conv2d_create(device, &conv, weights.data(), bias.data(), nullptr, nullptr, nullptr, op, e);
        });
        const sextant_pool2d pool{first, pooled, SEXTANT_POOL_MAX, 3, 3, 2, 2, 0, 0, 0, 0, 1, 1, 0};
        const sextant_place from_first = last_;
        add({from_first, next(pooled)}, [&](sextant_op** op, sextant_error* e) {
            return sextant_pool2d_create(device, &pool, nullptr, nullptr, nullptr, op, e);
        });
        conv.src = pooled, conv.dst = conv.residual = second, conv.has_residual = 1;
        const sextant_place from_pool = last_;
        add({from_pool, from_pool, next(second)}, [&](sextant_op** op, sextant_error* e) {
            return sextant_conv2d_create(device, &conv, weights.data(), bias.data(), nullptr, nullptr, nullptr, op, e);
        });
        const sextant_pool2d global{second, mean, SEXTANT_POOL_AVERAGE, 7, 7, 1, 1, 0, 0, 0, 0, 1, 1, 0};
        const sextant_place from_second = last_;
        add({from_second, next(mean)}, [&](sextant_op** op, sextant_error* e) {
            return sextant_pool2d_create(device, &global, nullptr, nullptr, nullptr, op, e);
        });
        const sextant_linear linear{mean, logits, SEXTANT_IDENTITY};
        const auto matrix = noise_vector(classes * k, 3);
        const sextant_place from_mean = last_;
        add({from_mean, next(logits)}, [&](sextant_op** op, sextant_error* e) {
            return sextant_linear_create(device, &linear, matrix.data(), nullptr, nullptr, op, e);
        });
        const sextant_softmax softmax{logits, logits, 0};
        add({last_, place(0, 2)}, [&](sextant_op** op, sextant_error* e) {
            return sextant_softmax_create(device, &softmax, nullptr, op, e);
        });
        must([&](sextant_error* e) { return sextant_plan_finish(plan_, e); });
        must([&](sextant_error* e) { return sextant_plan_get_info(plan_, &info, e); });
    }
    network(const network&) = delete;
    ~network() { sextant_plan_destroy(plan_); }

    /// A workspace, an input and an output of its own.
    class session {
      public:
        explicit session(const network& net)
            : net_(net), memories_(), source_(on_device(SEXTANT_F32, SEXTANT_NCHW, n, c, size, size)),
              result_(on_device(SEXTANT_F32, SEXTANT_NCHW, n, classes, 1, 1)) {
            memories_.emplace_back(net.device_, net.info.workspace_bytes);
            memories_.emplace_back(net.device_, int64_t(source_.bytes.size()), true);
            memories_.emplace_back(net.device_, int64_t(result_.bytes.size()), true);
        }

        std::vector<float> run(uint64_t seed, int64_t* nanoseconds = nullptr) {
            source_.put(noise_vector(n * c * size * size, seed));
            memories_[1].write(source_.bytes);
            void* buffers[] = {memories_[0].address(), memories_[1].address(), memories_[2].address()};
            must([&](sextant_error* e) { return sextant_plan_run(net_.plan_, buffers, 3, nanoseconds, e); });
            result_.bytes = memories_[2].read();
            return result_.values();
        }

      private:
        const network& net_;
        std::vector<device_memory> memories_;
        image source_, result_;
    };

    sextant_plan_info info{};

  private:
    static sextant_place place(int64_t offset, int32_t buffer) { return {offset, buffer, 0}; }

    sextant_place next(const sextant_tensor& t) {
        last_ = place(used_, 0);
        used_ += (image_pitch(t) * t.n * element_bytes(t) + 255) / 256 * 256;
        return last_;
    }

    template <class Create>
    void add(const std::vector<sextant_place>& places, Create create) {
        sextant_op* op = nullptr;
        must([&](sextant_error* e) { return create(&op, e); });
        must([&](sextant_error* e) {
            return sextant_plan_add(plan_, op, places.data(), static_cast<int32_t>(places.size()), e);
        });
        sextant_op_destroy(op);
    }

    sextant_device* device_;
    sextant_plan* plan_ = nullptr;
    sextant_place last_{};
    int64_t used_ = 0;
};

double furthest(const std::vector<float>& a, const std::vector<float>& b) {
    double most = 0;
    for (size_t i = 0; i < a.size(); i++) {
        const double apart = std::abs(double{a[i]} - b[i]);
        most = std::isfinite(apart) ? std::max(most, apart) : std::numeric_limits<double>::infinity();
    }
    return most;
}

TEST(CudaDevice, TellsWhatItIs) {
    int32_t count = 0;
    must([&](sextant_error* e) { return sextant_cuda_count(nullptr, &count, e); });
    EXPECT_GE(count, 1);
    sextant_device_info info{};
    must([&](sextant_error* e) { return sextant_device_get_info(cuda(), &info, e); });
    EXPECT_EQ(info.kind, SEXTANT_CUDA);
    EXPECT_EQ(info.layout, SEXTANT_NHWC);
    EXPECT_EQ(info.block, 8);
    EXPECT_GE(info.isa, 80);
    EXPECT_GE(info.cores, 1);
    EXPECT_GT(info.memory, int64_t{1} << 30);
    std::printf("%s, %s, %d multiprocessors\n", info.processor, info.isa_name, info.cores);
}

TEST(CudaDevice, MeasuresItsRoofs) {
    sextant_device_peak peak{};
    must([&](sextant_error* e) { return sextant_device_measure(cuda(), &peak, e); });
    EXPECT_GT(peak.fp32, 1000);
    EXPECT_GT(peak.bf16, 10'000);
    EXPECT_GT(peak.bandwidth, 100);
    std::printf("fp32 %.0f, bf16 %.0f GFLOP/s, %.0f GB/s\n", peak.fp32, peak.bf16, peak.bandwidth);
}

TEST(CudaDevice, CopiesBetweenAllKindsOfMemory) {
    std::vector<std::byte> bytes(100'003);
    for (size_t i = 0; i < bytes.size(); i++) bytes[i] = std::byte(i * 7);
    const device_memory fast(cuda(), int64_t(bytes.size())), shared(cuda(), int64_t(bytes.size()), true);
    fast.write(bytes);
    must([&](sextant_error* e) {
        return sextant_device_copy(cuda(), shared.address(), fast.address(), int64_t(bytes.size()), e);
    });
    EXPECT_EQ(std::memcmp(shared.address(), bytes.data(), bytes.size()), 0);
    EXPECT_TRUE(fast.read() == bytes);
}

TEST(CudaDevice, GivesZeroedMemory) {
    for (const int32_t shared : {0, 1}) {
        sextant_memory memory{};
        must([&](sextant_error* e) { return sextant_device_allocate(cuda(), 4096, shared, &memory, e); });
        EXPECT_EQ(memory.kind, SEXTANT_CUDA);
        EXPECT_EQ(reinterpret_cast<uintptr_t>(memory.address) % 256, 0u);
        std::vector<std::byte> bytes(4096, std::byte{1});
        must([&](sextant_error* e) { return sextant_device_copy(cuda(), bytes.data(), memory.address, 4096, e); });
        EXPECT_TRUE(bytes == std::vector<std::byte>(4096));
        sextant_memory_release(&memory);
    }
}

TEST(CudaDevice, SaysWhenMemoryIsFull) {
    sextant_memory memory{};
    expect_refused(asked([&](sextant_error* e) { return sextant_device_allocate(cuda(), int64_t{1} << 40, 0, &memory, e); }),
                   SEXTANT_OUT_OF_MEMORY, "memory");
    EXPECT_EQ(memory.address, nullptr);
    EXPECT_EQ(asked([&](sextant_error* e) { return sextant_device_allocate(cuda(), 64, 0, &memory, e); }).status, SEXTANT_OK);
    sextant_memory_release(&memory);
}

TEST(CudaDevice, RefusesWhatHasNoMeaning) {
    sextant_device* device = nullptr;
    expect_refused(asked([&](sextant_error* e) { return sextant_device_create_cuda(nullptr, 1000, &device, e); }),
                   SEXTANT_INVALID_ARGUMENT, "1000");
    sextant_op* op = nullptr;
    const auto reordered = [&](sextant_tensor src, sextant_tensor dst, const char* name = nullptr) {
        return asked([&](sextant_error* e) { return sextant_reorder_create(cuda(), &src, &dst, name, &op, e); });
    };
    const sextant_tensor good = nhwc(SEXTANT_F32, 1, 8, 3, 3);
    sextant_tensor bad = good;
    bad.layout = SEXTANT_NCHW16C;
    expect_refused(reordered(good, bad), SEXTANT_INVALID_ARGUMENT, "layout");
    bad = good, bad.halo = 1;
    expect_refused(reordered(bad, good), SEXTANT_INVALID_ARGUMENT, "halo");
    bad = good, bad.dtype = 9;
    expect_refused(reordered(bad, good), SEXTANT_INVALID_ARGUMENT, "dtype");
    expect_refused(reordered(good, good, "no_such_thing"), SEXTANT_UNSUPPORTED, "no_such_thing");
    bad = good, bad.dtype = SEXTANT_U8, bad.scale = 0.1f;
    expect_refused(reordered(bad, good), SEXTANT_UNSUPPORTED, "reorder");
    const sextant_conv2d conv{bad, good, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, SEXTANT_IDENTITY};
    const std::vector<float> weights(64, 1);
    expect_refused(asked([&](sextant_error* e) {
        return sextant_conv2d_create(cuda(), &conv, weights.data(), nullptr, nullptr, nullptr, nullptr, &op, e);
    }), SEXTANT_UNSUPPORTED, "conv2d");
    EXPECT_EQ(op, nullptr);
}

TEST(CudaDevice, RefusesWrongPlacesAndBuffers) {
    const sextant_tensor t = nhwc(SEXTANT_BF16, 1, 8, 3, 3);
    sextant_op* op = nullptr;
    must([&](sextant_error* e) { return sextant_reorder_create(cuda(), &t, &t, nullptr, &op, e); });
    sextant_plan* plan = nullptr;
    must([&](sextant_error* e) { return sextant_plan_create(cpu(), &plan, e); });
    sextant_place places[] = {{0, 1, 0}, {0, 2, 0}};
    expect_refused(asked([&](sextant_error* e) { return sextant_plan_add(plan, op, places, 2, e); }), SEXTANT_INVALID_ARGUMENT,
                   "another device");
    sextant_plan_destroy(plan);
    must([&](sextant_error* e) { return sextant_plan_create(cuda(), &plan, e); });
    places[0].offset = 8;
    expect_refused(asked([&](sextant_error* e) { return sextant_plan_add(plan, op, places, 2, e); }), SEXTANT_INVALID_ARGUMENT,
                   "multiple of 16");
    places[0].offset = 0;
    must([&](sextant_error* e) { return sextant_plan_add(plan, op, places, 2, e); });
    must([&](sextant_error* e) { return sextant_plan_finish(plan, e); });
    void* buffers[] = {nullptr, nullptr, nullptr};
    expect_refused(asked([&](sextant_error* e) { return sextant_plan_run(plan, buffers, 3, nullptr, e); }),
                   SEXTANT_INVALID_ARGUMENT, "null");
    sextant_plan_destroy(plan);
    sextant_op_destroy(op);
}

TEST(CudaPlan, RepeatsItsStepsWithOtherNumbers) {
    const network reference(cpu(), SEXTANT_F32, SEXTANT_NCHW);
    network::session expected(reference);
    constexpr struct {
        int32_t dtype, layout;
        double tolerance;
    } all[] = {{SEXTANT_F32, SEXTANT_NHWC, 1e-4}, {SEXTANT_F32, SEXTANT_NCHW, 1e-4}, {SEXTANT_TF32, SEXTANT_NHWC, 1e-2},
               {SEXTANT_F16, SEXTANT_NHWC, 1e-2}, {SEXTANT_BF16, SEXTANT_NHWC, 6e-2}};
    for (const auto& [dtype, layout, tolerance] : all) {
        SCOPED_TRACE(dtype_name(dtype));
        const network net(cuda(), dtype, layout);
        EXPECT_EQ(net.info.steps, 6);
        EXPECT_EQ(net.info.flops, reference.info.flops);
        network::session on_device(net), elsewhere(net);
        std::vector<std::vector<float>> found;
        for (const uint64_t seed : {11, 12, 13, 11}) {
            found.push_back(on_device.run(seed));
            EXPECT_LT(furthest(found.back(), expected.run(seed)), tolerance) << "seed " << seed;
            EXPECT_TRUE(elsewhere.run(seed) == found.back()) << "other buffers give other bits";
        }
        EXPECT_TRUE(found.front() == found.back()) << "a later run gives other bits";
    }
}

TEST(CudaPlan, TellsTheTimeOfEachStep) {
    const network net(cuda(), SEXTANT_BF16, SEXTANT_NHWC);
    network::session session(net);
    const auto untimed = session.run(5);
    std::vector<int64_t> nanoseconds(net.info.steps, -1);
    EXPECT_TRUE(session.run(5, nanoseconds.data()) == untimed);
    for (const int64_t each : nanoseconds) {
        EXPECT_GE(each, 0);
        EXPECT_LT(each, 1'000'000'000);
    }
}

TEST(CudaPlan, RunsInManyThreadsAtOnce) {
    const network net(cuda(), SEXTANT_BF16, SEXTANT_NHWC);
    std::vector<std::vector<float>> expected;
    {
        network::session alone(net);
        for (uint64_t seed = 0; seed < 8; seed++) expected.push_back(alone.run(seed));
    }
    std::atomic<int> wrong{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; i++)
        threads.emplace_back([&, i] {
            try {
                network::session own(net);
                for (int round = 0; round < 40; round++) {
                    const auto seed = static_cast<size_t>((round + i) % 8);
                    wrong += !(own.run(seed) == expected[seed]);
                }
            } catch (const refusal&) {
                wrong += 1000;
            }
        });
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace sextant::test
