// SPDX-License-Identifier: Apache-2.0
// Hopper's own instructions (PTX ISA 8, sm_90a): barriers in shared memory, the bulk tensor copy engine, clusters, descriptors.
#pragma once
#include <cuda.h>

#include <cstdint>

namespace sextant::cuda {

__device__ inline uint32_t shared_address(const void* pointer) {
    return static_cast<uint32_t>(__cvta_generic_to_shared(pointer));
}

// ---------------------------------------------------------------------------------------------- barriers in shared memory

__device__ inline void barrier_create(uint32_t barrier, int arrivals) {
    asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(barrier), "r"(arrivals) : "memory");
}

/// Makes new barriers visible to the copy engine.
__device__ inline void barriers_created() { asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory"); }

__device__ inline void barrier_arrive(uint32_t barrier) {
    asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(barrier) : "memory");
}

/// Arrives, and has the phase end only after so many bytes have come, too.
__device__ inline void barrier_expect(uint32_t barrier, uint32_t bytes) {
    asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(barrier), "r"(bytes) : "memory");
}

__device__ inline void barrier_wait(uint32_t barrier, uint32_t parity) {
    asm volatile(
        "{\n.reg .pred done;\n"
        "again:\n"
        "mbarrier.try_wait.parity.shared::cta.b64 done, [%0], %1;\n"
        "@!done bra again;\n}" ::"r"(barrier),
        "r"(parity)
        : "memory");
}

// ---------------------------------------------------------------------------------------------- the bulk tensor copy engine

/// Consecutive pixels of an image to column-like rows: the engine walks the bounding box of a convolution's windows by itself.
/// (c, w, h, n) is the window's origin for the first pixel, (s, r) the tap's distance from it.
__device__ inline void copy_im2col(uint32_t to, const CUtensorMap* map, uint32_t barrier, int c, int w, int h, int n, int s, int r) {
    asm volatile(
        "cp.async.bulk.tensor.4d.shared::cluster.global.im2col.mbarrier::complete_tx::bytes"
        " [%0], [%1, {%2, %3, %4, %5}], [%6], {%7, %8};" ::"r"(to),
        "l"(map), "r"(c), "r"(w), "r"(h), "r"(n), "r"(barrier), "h"(static_cast<uint16_t>(s)), "h"(static_cast<uint16_t>(r))
        : "memory");
}

__device__ inline void copy_box(uint32_t to, const CUtensorMap* map, uint32_t barrier, int x0, int x1, int x2) {
    asm volatile(
        "cp.async.bulk.tensor.3d.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1, {%2, %3, %4}], [%5];" ::"r"(to),
        "l"(map), "r"(x0), "r"(x1), "r"(x2), "r"(barrier)
        : "memory");
}

__device__ inline void copy_box(uint32_t to, const CUtensorMap* map, uint32_t barrier, int x0, int x1, int x2, int x3, int x4) {
    asm volatile(
        "cp.async.bulk.tensor.5d.shared::cluster.global.mbarrier::complete_tx::bytes"
        " [%0], [%1, {%2, %3, %4, %5, %6}], [%7];" ::"r"(to),
        "l"(map), "r"(x0), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(barrier)
        : "memory");
}

__device__ inline void fetch_map(const CUtensorMap* map) {
    asm volatile("prefetch.tensormap [%0];" ::"l"(map) : "memory");
}

// ---------------------------------------------------------------------------------------------- the warpgroup's matrix product

/// Names rows of 32, 64 or 128 bytes of shared memory, swizzled by their own length and together from a multiple of 8 rows on; the
/// depth runs along a row. + 2 steps 32 bytes on.
__device__ inline uint64_t row_descriptor(uint32_t address, int row_bytes) {
    const uint64_t swizzle = row_bytes == 128 ? 1 : row_bytes == 64 ? 2 : 3;
    const uint64_t eight_rows = static_cast<uint64_t>(row_bytes) * 8 / 16;
    return (address & 0x3FFFF) >> 4 | uint64_t{1} << 16 | eight_rows << 32 | swizzle << 62;
}

__device__ inline void products_begin() { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); }
__device__ inline void products_commit() { asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory"); }
template <int Pending>
__device__ inline void products_wait() {
    asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(Pending) : "memory");
}

/// Four 8x8 matrices of 16-bit elements, lane i giving the address of row i % 8 of matrix i / 8.
__device__ inline void load_matrices(uint32_t (&to)[4], uint32_t from) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
                 : "r"(from)
                 : "memory");
}

// ---------------------------------------------------------------------------------------------- clusters and the next kernel

__device__ inline uint32_t cluster_rank() {
    uint32_t rank;
    asm volatile("mov.u32 %0, %%cluster_ctarank;" : "=r"(rank));
    return rank;
}

__device__ inline void cluster_sync() {
    asm volatile("barrier.cluster.arrive.release.aligned;\nbarrier.cluster.wait.acquire.aligned;" ::: "memory");
}

/// The address in another block of the cluster that corresponds to an own one.
__device__ inline uint32_t address_in(uint32_t address, uint32_t rank) {
    uint32_t result;
    asm volatile("mapa.shared::cluster.u32 %0, %1, %2;" : "=r"(result) : "r"(address), "r"(rank));
    return result;
}

__device__ inline float2 load_from_cluster(uint32_t address) {
    float2 v;
    asm volatile("ld.shared::cluster.v2.f32 {%0, %1}, [%2];" : "=f"(v.x), "=f"(v.y) : "r"(address) : "memory");
    return v;
}

/// For kernels launched while the one before still runs: waits until that one's results are there.
__device__ inline void await_previous_kernel() { asm volatile("griddepcontrol.wait;" ::: "memory"); }
__device__ inline void let_next_kernel_start() { asm volatile("griddepcontrol.launch_dependents;" ::: "memory"); }

}  // namespace sextant::cuda
