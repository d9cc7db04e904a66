// SPDX-License-Identifier: Apache-2.0
// Concatenation in NCHW: each image of each source is one run of floats.
#include <cstring>

#include "concat/concat_lists.h"
#include "runtime/ranges.h"

namespace sextant {
namespace {

class concat_planar final : public op {
  public:
    explicit concat_planar(const concat_problem& problem) : op(problem.dst), sources_(problem.sources) {
        for (const sextant_tensor& source : sources_) {
            first_channels_.push_back(channels_);
            channels_ += source.c;
        }
    }

    int operand_count() const override { return static_cast<int>(sources_.size()) + 1; }

    void run(thread_pool& pool, const address* operands, std::byte*) const override {
        const int64_t count = static_cast<int64_t>(sources_.size());
        const int64_t unit_bytes = 2 * channels_ * plane_pitch(dst) * int64_t{sizeof(float)} / count;
        parallel_ranges(pool, dst.n * count, unit_bytes, [&](int64_t first, int64_t last, int) {
            for (int64_t unit = first; unit < last; unit++) {
                const int64_t n = unit / count, i = unit % count;
                const sextant_tensor& source = sources_[i];
                std::memcpy(operands[count].as<float>() + n * image_pitch(dst) + first_channels_[i] * plane_pitch(dst),
                            operands[i].as<float>() + n * image_pitch(source), source.c * plane_pitch(source) * sizeof(float));
            }
        });
    }

  private:
    const std::vector<sextant_tensor> sources_;
    std::vector<int64_t> first_channels_;
    int64_t channels_ = 0;
};

}  // namespace

std::unique_ptr<op> create_concat_planar(const concat_problem& problem, const concat_parameters&, const device_traits&) {
    return std::make_unique<concat_planar>(problem);
}

}  // namespace sextant
