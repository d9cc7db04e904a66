// SPDX-License-Identifier: Apache-2.0
// Philox4x32-10: random numbers that are a function of a counter and a key (Salmon, Moraes, Dror & Shaw, Parallel random numbers:
// as easy as 1, 2, 3, SC11), so that any of them can be had at any time by any thread.
#pragma once
#include <array>
#include <cstdint>

namespace sextant {

using philox_counter = std::array<uint32_t, 4>;
using philox_key = std::array<uint32_t, 2>;

constexpr philox_counter philox4x32(philox_counter counter, philox_key key) {
    for (int round = 0; round < 10; ++round) {
        const uint64_t first = uint64_t{0xD2511F53} * counter[0], second = uint64_t{0xCD9E8D57} * counter[2];
        counter = {static_cast<uint32_t>(second >> 32) ^ counter[1] ^ key[0], static_cast<uint32_t>(second),
                   static_cast<uint32_t>(first >> 32) ^ counter[3] ^ key[1], static_cast<uint32_t>(first)};
        key[0] += 0x9E3779B9;
        key[1] += 0xBB67AE85;
    }
    return counter;
}

}  // namespace sextant
