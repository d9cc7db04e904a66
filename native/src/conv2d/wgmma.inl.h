// SPDX-License-Identifier: Apache-2.0
// The warpgroup's matrix product of sm_90a (PTX ISA, "wgmma"): 64 rows by N columns, 32 bytes of depth, sums in float32.
//
// `multiply` takes rows of `a` and columns of `b` that lie along their depth; `multiply_across` (16-bit types) takes both across it,
// as channels of pixels lie when the depth runs over pixels.
//
// One macro for each N spells the N / 2 registers of a thread; wgmma<Element, N> picks type and form. Factors come from shared
// memory through descriptors, `a` also from registers.
#pragma once
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <cstdint>

namespace sextant::cuda {

/// Stands for float32 whose products are taken in tf32.
struct tf32 {
    float value;
};

template <class Element, int N>
struct wgmma;

// 32 columns: 16 registers.
#define SEXTANT_D32 \
    "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15"
#define SEXTANT_O32(d) \
    "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]), "+f"(d[4]), "+f"(d[5]), "+f"(d[6]), "+f"(d[7]), \
    "+f"(d[8]), "+f"(d[9]), "+f"(d[10]), "+f"(d[11]), "+f"(d[12]), "+f"(d[13]), "+f"(d[14]), "+f"(d[15])

// 64 columns: 32 registers.
#define SEXTANT_D64 \
    "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, " \
    "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31"
#define SEXTANT_O64(d) \
    "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]), "+f"(d[4]), "+f"(d[5]), "+f"(d[6]), "+f"(d[7]), \
    "+f"(d[8]), "+f"(d[9]), "+f"(d[10]), "+f"(d[11]), "+f"(d[12]), "+f"(d[13]), "+f"(d[14]), "+f"(d[15]), \
    "+f"(d[16]), "+f"(d[17]), "+f"(d[18]), "+f"(d[19]), "+f"(d[20]), "+f"(d[21]), "+f"(d[22]), "+f"(d[23]), \
    "+f"(d[24]), "+f"(d[25]), "+f"(d[26]), "+f"(d[27]), "+f"(d[28]), "+f"(d[29]), "+f"(d[30]), "+f"(d[31])

// 128 columns: 64 registers.
#define SEXTANT_D128 \
    "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, " \
    "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, " \
    "%32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, " \
    "%48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63"
#define SEXTANT_O128(d) \
    "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]), "+f"(d[4]), "+f"(d[5]), "+f"(d[6]), "+f"(d[7]), \
    "+f"(d[8]), "+f"(d[9]), "+f"(d[10]), "+f"(d[11]), "+f"(d[12]), "+f"(d[13]), "+f"(d[14]), "+f"(d[15]), \
    "+f"(d[16]), "+f"(d[17]), "+f"(d[18]), "+f"(d[19]), "+f"(d[20]), "+f"(d[21]), "+f"(d[22]), "+f"(d[23]), \
    "+f"(d[24]), "+f"(d[25]), "+f"(d[26]), "+f"(d[27]), "+f"(d[28]), "+f"(d[29]), "+f"(d[30]), "+f"(d[31]), \
    "+f"(d[32]), "+f"(d[33]), "+f"(d[34]), "+f"(d[35]), "+f"(d[36]), "+f"(d[37]), "+f"(d[38]), "+f"(d[39]), \
    "+f"(d[40]), "+f"(d[41]), "+f"(d[42]), "+f"(d[43]), "+f"(d[44]), "+f"(d[45]), "+f"(d[46]), "+f"(d[47]), \
    "+f"(d[48]), "+f"(d[49]), "+f"(d[50]), "+f"(d[51]), "+f"(d[52]), "+f"(d[53]), "+f"(d[54]), "+f"(d[55]), \
    "+f"(d[56]), "+f"(d[57]), "+f"(d[58]), "+f"(d[59]), "+f"(d[60]), "+f"(d[61]), "+f"(d[62]), "+f"(d[63])

// 256 columns: 128 registers.
#define SEXTANT_D256 \
    "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, " \
    "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, " \
    "%32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, " \
    "%48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63, " \
    "%64, %65, %66, %67, %68, %69, %70, %71, %72, %73, %74, %75, %76, %77, %78, %79, " \
    "%80, %81, %82, %83, %84, %85, %86, %87, %88, %89, %90, %91, %92, %93, %94, %95, " \
    "%96, %97, %98, %99, %100, %101, %102, %103, %104, %105, %106, %107, %108, %109, %110, %111, " \
    "%112, %113, %114, %115, %116, %117, %118, %119, %120, %121, %122, %123, %124, %125, %126, %127"
#define SEXTANT_O256(d) \
    "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]), "+f"(d[4]), "+f"(d[5]), "+f"(d[6]), "+f"(d[7]), \
    "+f"(d[8]), "+f"(d[9]), "+f"(d[10]), "+f"(d[11]), "+f"(d[12]), "+f"(d[13]), "+f"(d[14]), "+f"(d[15]), \
    "+f"(d[16]), "+f"(d[17]), "+f"(d[18]), "+f"(d[19]), "+f"(d[20]), "+f"(d[21]), "+f"(d[22]), "+f"(d[23]), \
    "+f"(d[24]), "+f"(d[25]), "+f"(d[26]), "+f"(d[27]), "+f"(d[28]), "+f"(d[29]), "+f"(d[30]), "+f"(d[31]), \
    "+f"(d[32]), "+f"(d[33]), "+f"(d[34]), "+f"(d[35]), "+f"(d[36]), "+f"(d[37]), "+f"(d[38]), "+f"(d[39]), \
    "+f"(d[40]), "+f"(d[41]), "+f"(d[42]), "+f"(d[43]), "+f"(d[44]), "+f"(d[45]), "+f"(d[46]), "+f"(d[47]), \
    "+f"(d[48]), "+f"(d[49]), "+f"(d[50]), "+f"(d[51]), "+f"(d[52]), "+f"(d[53]), "+f"(d[54]), "+f"(d[55]), \
    "+f"(d[56]), "+f"(d[57]), "+f"(d[58]), "+f"(d[59]), "+f"(d[60]), "+f"(d[61]), "+f"(d[62]), "+f"(d[63]), \
    "+f"(d[64]), "+f"(d[65]), "+f"(d[66]), "+f"(d[67]), "+f"(d[68]), "+f"(d[69]), "+f"(d[70]), "+f"(d[71]), \
    "+f"(d[72]), "+f"(d[73]), "+f"(d[74]), "+f"(d[75]), "+f"(d[76]), "+f"(d[77]), "+f"(d[78]), "+f"(d[79]), \
    "+f"(d[80]), "+f"(d[81]), "+f"(d[82]), "+f"(d[83]), "+f"(d[84]), "+f"(d[85]), "+f"(d[86]), "+f"(d[87]), \
    "+f"(d[88]), "+f"(d[89]), "+f"(d[90]), "+f"(d[91]), "+f"(d[92]), "+f"(d[93]), "+f"(d[94]), "+f"(d[95]), \
    "+f"(d[96]), "+f"(d[97]), "+f"(d[98]), "+f"(d[99]), "+f"(d[100]), "+f"(d[101]), "+f"(d[102]), "+f"(d[103]), \
    "+f"(d[104]), "+f"(d[105]), "+f"(d[106]), "+f"(d[107]), "+f"(d[108]), "+f"(d[109]), "+f"(d[110]), "+f"(d[111]), \
    "+f"(d[112]), "+f"(d[113]), "+f"(d[114]), "+f"(d[115]), "+f"(d[116]), "+f"(d[117]), "+f"(d[118]), "+f"(d[119]), \
    "+f"(d[120]), "+f"(d[121]), "+f"(d[122]), "+f"(d[123]), "+f"(d[124]), "+f"(d[125]), "+f"(d[126]), "+f"(d[127])

// d = a * b + (keep ? d : 0), with `a` in shared memory and in registers. DEPTH and TYPES name the instruction, TAIL ends it.
#define SEXTANT_WGMMA(ELEMENT, N, DEPTH, TYPES, TAIL, TAIL_A, TAIL_ACROSS, P0, P1, P2, P3, P4, P5) \
    template <> \
    struct wgmma<ELEMENT, N> { \
        __device__ static void multiply(float (&d)[N / 2], uint64_t a, uint64_t b, int keep) { \
            asm volatile("{\n.reg .pred p;\nsetp.ne.b32 p, %" P2 ", 0;\n" \
                         "wgmma.mma_async.sync.aligned.m64n" #N "k" DEPTH "." TYPES " {" SEXTANT_D##N "}, %" P0 ", %" P1 ", p" TAIL \
                         ";\n}" \
                         : SEXTANT_O##N(d) \
                         : "l"(a), "l"(b), "r"(keep)); \
        } \
        __device__ static void multiply(float (&d)[N / 2], const uint32_t (&a)[4], uint64_t b, int keep) { \
            asm volatile("{\n.reg .pred p;\nsetp.ne.b32 p, %" P5 ", 0;\n" \
                         "wgmma.mma_async.sync.aligned.m64n" #N "k" DEPTH "." TYPES " {" SEXTANT_D##N "}, {%" P0 ", %" P1 ", %" P2 \
                         ", %" P3 "}, %" P4 ", p" TAIL_A ";\n}" \
                         : SEXTANT_O##N(d) \
                         : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "r"(keep)); \
        } \
        __device__ static void multiply_across(float (&d)[N / 2], uint64_t a, uint64_t b, int keep) { \
            asm volatile("{\n.reg .pred p;\nsetp.ne.b32 p, %" P2 ", 0;\n" \
                         "wgmma.mma_async.sync.aligned.m64n" #N "k" DEPTH "." TYPES " {" SEXTANT_D##N "}, %" P0 ", %" P1 ", p" \
                         TAIL_ACROSS ";\n}" \
                         : SEXTANT_O##N(d) \
                         : "l"(a), "l"(b), "r"(keep)); \
        } \
    };

#define SEXTANT_WGMMAS(N, P0, P1, P2, P3, P4, P5) \
    SEXTANT_WGMMA(__nv_bfloat16, N, "16", "f32.bf16.bf16", ", 1, 1, 0, 0", ", 1, 1, 0", ", 1, 1, 1, 1", P0, P1, P2, P3, P4, P5) \
    SEXTANT_WGMMA(__half, N, "16", "f32.f16.f16", ", 1, 1, 0, 0", ", 1, 1, 0", ", 1, 1, 1, 1", P0, P1, P2, P3, P4, P5) \
    SEXTANT_WGMMA(tf32, N, "8", "f32.tf32.tf32", ", 1, 1", ", 1, 1", ", 1, 1", P0, P1, P2, P3, P4, P5)

SEXTANT_WGMMAS(32, "16", "17", "18", "19", "20", "21")
SEXTANT_WGMMAS(64, "32", "33", "34", "35", "36", "37")
SEXTANT_WGMMAS(128, "64", "65", "66", "67", "68", "69")
SEXTANT_WGMMAS(256, "128", "129", "130", "131", "132", "133")

#undef SEXTANT_D32
#undef SEXTANT_O32
#undef SEXTANT_D64
#undef SEXTANT_O64
#undef SEXTANT_D128
#undef SEXTANT_O128
#undef SEXTANT_D256
#undef SEXTANT_O256
#undef SEXTANT_WGMMA
#undef SEXTANT_WGMMAS

}  // namespace sextant::cuda
