// SPDX-License-Identifier: Apache-2.0
// The reverse of concatenation in NCHW: each image of each destination is one run of floats.
#include <cstring>

#include "concat/split_lists.h"
#include "runtime/ranges.h"

namespace sextant {
namespace {

class split_planar final : public op {
  public:
    explicit split_planar(const split_problem& problem) : op(problem.destinations.back()), problem_(problem) {
        int64_t channels = 0;
        for (const sextant_tensor& destination : problem.destinations) {
            first_channels_.push_back(channels);
            channels += destination.c;
        }
    }

    int operand_count() const override { return destinations() + 1; }
    int destinations() const override { return static_cast<int>(problem_.destinations.size()); }

    void run(thread_pool& pool, const address* operands, std::byte*) const override {
        const sextant_tensor& src = problem_.src;
        const int64_t count = destinations(), unit_bytes = 2 * src.c * plane_pitch(src) * int64_t{sizeof(float)} / count;
        parallel_ranges(pool, dst.n * count, unit_bytes, [&](int64_t first, int64_t last, int) {
            for (int64_t unit = first; unit < last; unit++) {
                const int64_t n = unit / count, i = unit % count;
                const sextant_tensor& destination = problem_.destinations[i];
                std::memcpy(operands[i + 1].as<float>() + n * image_pitch(destination),
                            operands[0].as<float>() + n * image_pitch(src) + first_channels_[i] * plane_pitch(src),
                            destination.c * plane_pitch(destination) * sizeof(float));
            }
        });
    }

  private:
    const split_problem problem_;
    std::vector<int64_t> first_channels_;
};

}  // namespace

std::unique_ptr<op> create_split_planar(const split_problem& problem, const split_parameters&, const device_traits&) {
    return std::make_unique<split_planar>(problem);
}

}  // namespace sextant
