// SPDX-License-Identifier: Apache-2.0
// Which elements a dropout keeps: element i, counted n c h w, is dropped when word i % 4 of Philox's block i / 4 is less than
// probability * 2^32. The key is the seed; the counter's words are the block's lower 32 bits, the stream, the step's lower 32
// bits, and the step's next 24 bits above the block's upper 8. Constexpr, so that a CUDA device may call it too.
#pragma once
#include "dropout/dropout_kernels.h"
#include "dropout/philox.h"
#include "sextant/sextant.h"

namespace sextant {

class dropout_mask {
  public:
    constexpr dropout_mask(const sextant_dropout& problem, const sextant_training_state& state)
        : threshold_(static_cast<uint32_t>(double{problem.probability} * 0x1p32)), scale_(1 / (1 - problem.probability)),
          stream_(problem.stream), step_(state.step),
          key_{static_cast<uint32_t>(state.seed), static_cast<uint32_t>(state.seed >> 32)} {}

    /// 1 / (1 - probability) or 0 for elements 4 * block ... 4 * block + 3.
    constexpr std::array<float, 4> factors(int64_t block) const {
        const philox_counter words = philox4x32({static_cast<uint32_t>(block), stream_, static_cast<uint32_t>(step_),
                                                 static_cast<uint32_t>(step_ >> 32) << 8 | static_cast<uint32_t>(block >> 32)},
                                                key_);
        std::array<float, 4> kept;
        for (int i = 0; i < 4; ++i) kept[i] = words[i] < threshold_ ? 0 : scale_;
        return kept;
    }

    /// The same for kernels, without operands.
    dropout_run run() const {
        return {nullptr, nullptr, 0, 0, threshold_, scale_, stream_, static_cast<uint32_t>(step_),
                static_cast<uint32_t>(step_ >> 32) << 8, {key_[0], key_[1]}};
    }

  private:
    uint32_t threshold_;
    float scale_;
    uint32_t stream_;
    uint64_t step_;
    philox_key key_;
};

}  // namespace sextant
