/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Sextant: kernels, operations and plans for convolutional networks.
 *
 * This header is the library's whole interface. Java reaches it through classes that jextract generates from it; a C or C++
 * program includes it and links `sextant::sextant` (see the CMake package). It is plain C11.
 *
 * Life of a network:
 *   1. sextant_device_create_cpu      where to run, with how many threads; or sextant_device_create_cuda
 *   2. sextant_conv2d_create, ...     one operation per layer; its weights are repacked here, once
 *   3. sextant_plan_create, _add      the operations in order, with the places of their operands
 *   4. sextant_plan_run               the whole forward pass in one call
 *
 * Letters (those of the field): n images, c input channels, h x w input size, k output channels, r x s kernel size,
 * p x q output size.
 *
 * Conventions:
 *   - Every function that can fail returns a status (SEXTANT_OK is 0) and writes one sentence into the caller's
 *     `sextant_error`, which may be NULL. No state is kept per thread. No C++ exception leaves the library.
 *   - Handles are created by `_create` and given back by `_destroy`, which accepts NULL. A plan keeps the operations it was
 *     given; an operation keeps its device: handles may be destroyed in any order.
 *   - Devices, operations and plans are immutable after creation (a plan: after sextant_plan_finish) and may be used from many
 *     threads at once. What one run changes, the buffers, belongs to the caller.
 *   - Pointers to weights are read during `_create` only. All float arrays are row-major and dense.
 *
 * A training step is a plan too: forward operations whose weights are operands, a loss, backward operations, an optimizer.
 */
#ifndef SEXTANT_H
#define SEXTANT_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(SEXTANT_BUILDING_LIBRARY)
#define SEXTANT_API __attribute__((visibility("default")))
#else
#define SEXTANT_API
#endif

/* ------------------------------------------------------------------------------------------------ status */

/** What a function returns. */
enum {
    SEXTANT_OK = 0,
    SEXTANT_INVALID_ARGUMENT = 1, /**< the caller asked for something that has no meaning; the message says what */
    SEXTANT_UNSUPPORTED = 2,      /**< meaningful, but not on this device or in this version */
    SEXTANT_OUT_OF_MEMORY = 3,
    SEXTANT_INTERNAL = 4          /**< a fault of the library; please report the message */
};

enum { SEXTANT_ERROR_CAPACITY = 1024 };

/** One sentence about what went wrong, UTF-8, zero-terminated; owned by the caller, written only on failure. */
typedef struct sextant_error {
    char message[1024];
} sextant_error;

/* ------------------------------------------------------------------------------------------------ tensors */

/** Element types. Every operation takes every mix of them; which mixes have fast kernels the ordered lists say. */
enum {
    SEXTANT_F32 = 0,
    SEXTANT_BF16 = 1, /**< the upper half of a float32, rounded to nearest even */
    SEXTANT_U8 = 2,   /**< quantised: real = scale * (stored - zero_point), rounded to nearest even and clamped to 0 ... 255 */
    SEXTANT_F16 = 3,  /**< IEEE 754 half precision; CUDA devices only */
    SEXTANT_TF32 = 4  /**< a float32 whose products may be taken of factors rounded to 10 bits after the point; CUDA devices only */
};

/**
 * How a tensor lies in memory. In a blocked layout the channels are cut into blocks of 8 or 16; one pixel's block is
 * contiguous: [n][c / block][halo + h + halo][halo + w + halo][block]. Lanes past the last channel hold finite values that no
 * operation lets reach a result.
 */
enum {
    SEXTANT_NCHW = 1,    /**< [n][c][h][w]; halo is 0 */
    SEXTANT_NHWC = 2,    /**< [n][h][w][c_total rounded up to 8]; halo is 0: CUDA devices. Lanes past the last channel are 0 */
    SEXTANT_NCHW8C = 8,  /**< blocks of 8 channels: the AVX2 and portable paths */
    SEXTANT_NCHW16C = 16 /**< blocks of 16 channels: the AVX-512 path */
};

/**
 * Shape and layout of an activation. An address in a blocked layout is a multiple of one pixel's block: 64 bytes for float32 in
 * blocks of 16, at least 16 for the narrower types.
 * A tensor may be a slice of a wider one (a concatenation written in place): then `c_total` is the channel count of the wider
 * tensor, which fixes the distance between two images, and the slice's address is that of its first block. In a blocked layout
 * a slice begins at a whole block, in SEXTANT_NHWC at a channel that 8 divides.
 * A dimension may be at most 2^28, a halo 2^20, a tensor 2^40 bytes.
 */
typedef struct sextant_tensor {
    int32_t dtype;   /**< SEXTANT_F32, ... */
    int32_t layout;  /**< SEXTANT_NCHW or the device's own */
    int32_t n, c, h, w;
    int32_t halo;    /**< pixels that mean zero on all four sides of each plane, so that padded kernels need no border code */
    int32_t c_total; /**< channels of the tensor this is a slice of; c when it is whole */
    float scale;         /**< SEXTANT_U8 only, positive: what one step of the stored number is worth */
    int32_t zero_point;  /**< SEXTANT_U8 only, 0 to 255: the stored number that means zero */
} sextant_tensor;

/* ------------------------------------------------------------------------------------------------ devices */

/**
 * Instruction sets, in ascending order. The environment variable SEXTANT_ISA (portable, avx2, avx512, avx512_bf16) lowers the
 * choice. AVX512_BF16 stands for AVX-512 with both of its dot products, AVX512_BF16 and AVX512_VNNI: the bf16 and int8 kernels.
 */
enum { SEXTANT_ISA_PORTABLE = 0, SEXTANT_ISA_AVX2 = 1, SEXTANT_ISA_AVX512 = 2, SEXTANT_ISA_AVX512_BF16 = 3 };

/** Kinds of devices. */
enum { SEXTANT_CPU = 0, SEXTANT_CUDA = 1 };

typedef struct sextant_device sextant_device;

typedef struct sextant_device_info {
    int32_t isa;     /**< the instruction set in use, SEXTANT_ISA_...; of a CUDA device its compute capability, 90 for 9.0 */
    int32_t block;   /**< slices begin at multiples of so many channels, which are a block of a blocked layout: 8 or 16 */
    int32_t threads; /**< threads a run uses, the caller's own among them */
    int32_t cores;   /**< cores this process may use: affinity mask and container limit; of a CUDA device its multiprocessors */
    char isa_name[16];  /**< "avx512", "sm_90" */
    char processor[64]; /**< the processor's own name */
    int32_t kind;       /**< SEXTANT_CPU or SEXTANT_CUDA */
    int32_t layout;     /**< what activations have between input and output: SEXTANT_NCHW8C, SEXTANT_NCHW16C or SEXTANT_NHWC */
    int64_t memory;     /**< bytes of memory of its own; 0 for a CPU */
} sextant_device_info;

/** The library's version, MAJOR.MINOR.PATCH. */
SEXTANT_API const char *sextant_version(void);

/**
 * Opens the CPU.
 * @param threads threads per run; 1 runs on the caller's thread alone, 0 takes as many as the process may use cores
 * @param device receives the handle, to be given back with sextant_device_destroy
 */
SEXTANT_API int32_t sextant_device_create_cpu(int32_t threads, sextant_device **device, sextant_error *error);

/**
 * How many CUDA devices there are.
 * @param library path of libsextant_cuda, which holds the kernels; NULL looks beside this library, then where the system does.
 *        Loaded once, by whichever call comes first
 * @return SEXTANT_UNSUPPORTED, with the reason: no such library, no driver, too old a driver, no device
 */
SEXTANT_API int32_t sextant_cuda_count(const char *library, int32_t *count, sextant_error *error);

/**
 * Opens a CUDA device. Its operations take operands in SEXTANT_NHWC or SEXTANT_NCHW, its plans buffers that the device reaches:
 * those of sextant_device_allocate.
 * @param library as in sextant_cuda_count
 * @param ordinal which device, from 0
 */
SEXTANT_API int32_t sextant_device_create_cuda(const char *library, int32_t ordinal, sextant_device **device,
                                               sextant_error *error);
SEXTANT_API int32_t sextant_device_get_info(const sextant_device *device, sextant_device_info *info, sextant_error *error);

/** What a device reaches at best with all its threads: the roofs to hold an operation's figures against. */
typedef struct sextant_device_peak {
    double fp32;      /**< 10^9 flops a second of float32 multiply-adds in registers, each counted as 2 */
    double bf16;      /**< the same of bfloat16 dot products summed in float32; 0 without such instructions */
    double int8;      /**< 10^9 operations a second of 8-bit dot products summed in int32; 0 without such instructions */
    double bandwidth; /**< 10^9 bytes a second read from memory */
} sextant_device_peak;

/** Measures what the device reaches, in about a fifth of a second, on a buffer of 64 to 512 MiB for the time. */
SEXTANT_API int32_t sextant_device_measure(sextant_device *device, sextant_device_peak *peak, sextant_error *error);
SEXTANT_API void sextant_device_destroy(sextant_device *device);

/** Zeroed memory aligned to 64 bytes (2 MiB when large, advised to huge pages); NULL when there is none. */
SEXTANT_API void *sextant_memory_allocate(int64_t bytes);
SEXTANT_API void sextant_memory_free(void *memory, int64_t bytes);

/** Zeroed memory for a device's buffers. */
typedef struct sextant_memory {
    void *address;  /**< a multiple of 256, or of 64 on a CPU */
    int64_t bytes;
    int32_t kind;   /**< SEXTANT_CPU or SEXTANT_CUDA: what it is to be given back to */
    int32_t shared; /**< as it was asked for */
} sextant_memory;

/**
 * Memory that the device's plans may use as buffers; to be given back with sextant_memory_release, also after the device.
 * @param shared 1: the caller may read and write it too, between runs (page-locked memory of the host); 0: only the device may,
 *        fast, and sextant_device_copy. On a CPU there is no difference
 */
SEXTANT_API int32_t sextant_device_allocate(sextant_device *device, int64_t bytes, int32_t shared, sextant_memory *memory,
                                            sextant_error *error);
SEXTANT_API void sextant_memory_release(const sextant_memory *memory);

/** Copies bytes from anywhere that caller or device reach to anywhere else such; returns when they are there. */
SEXTANT_API int32_t sextant_device_copy(sextant_device *device, void *dst, const void *src, int64_t bytes,
                                        sextant_error *error);

/* ------------------------------------------------------------------------------------------------ operations */

typedef struct sextant_op sextant_op;

/** What an operation turned out to be. */
typedef struct sextant_op_info {
    char implementation[64]; /**< e.g. f32_conv2d_direct_avx512 */
    int64_t flops;           /**< of the arithmetic asked for: a multiply-add counts 2 */
    int64_t weight_bytes;    /**< repacked weights held by the operation */
    int64_t scratch_bytes;   /**< working memory that a plan adds to its workspace */
} sextant_op_info;

SEXTANT_API int32_t sextant_op_get_info(const sextant_op *op, sextant_op_info *info, sextant_error *error);
SEXTANT_API void sextant_op_destroy(sextant_op *op);

/** Activation functions. */
enum { SEXTANT_IDENTITY = 0, SEXTANT_RELU = 1, SEXTANT_TANH = 2, SEXTANT_SIGMOID = 3 };

/**
 * Every `_create` takes `implementation`: NULL takes the first implementation in the operation's ordered list that accepts the
 * problem; a name takes that one or fails with its reason. SEXTANT_LOG=dispatch prints the choice and each refusal to stderr.
 */

/**
 * Convolution (cross-correlation, as the field means it):
 *   dst[n][k][p][q] = act(bias[k] + sum over c, r, s of weights[k][c][r][s] * pre(src[n][c][p*stride_h - pad_top + r*dilation_h]
 *                     [q*stride_w - pad_left + s*dilation_w]) + residual[n][k][p][q]),
 *   pre(x) = pre_activation ? max(0, x * pre_scale[c] + pre_shift[c]) : x    (padding stays 0)
 * Operands in a plan: src, [residual,] dst. Weights: k x (c / groups) x r x s.
 * A quantised src multiplies weights that were rounded to 255 levels of -max ... max of their output channel, a bf16 src weights
 * rounded to bf16 (Winograd: not rounded); sums are int32 and float32.
 */
typedef struct sextant_conv2d {
    sextant_tensor src; /**< n c h w */
    sextant_tensor dst; /**< n k p q */
    int32_t r, s;
    int32_t stride_h, stride_w;
    int32_t pad_top, pad_left, pad_bottom, pad_right;
    int32_t dilation_h, dilation_w;
    int32_t groups;
    int32_t activation;      /**< SEXTANT_IDENTITY, SEXTANT_RELU, ... applied last */
    int32_t pre_activation;  /**< 1: scale, shift and ReLU on load (DenseNet's batch norm before the convolution) */
    int32_t has_residual;    /**< 1: a tensor of dst's shape is added before the activation (ResNet's skip connection) */
    sextant_tensor residual; /**< its layout, when has_residual */
    int32_t strict;          /**< 1: only implementations that sum products directly (no Winograd) */
} sextant_conv2d;

/** @param bias k values or NULL; @param pre_scale, pre_shift c values each, NULL unless problem->pre_activation */
SEXTANT_API int32_t sextant_conv2d_create(sextant_device *device, const sextant_conv2d *problem, const float *weights,
                                          const float *bias, const float *pre_scale, const float *pre_shift,
                                          const char *implementation, sextant_op **op, sextant_error *error);

/**
 * The implementations that accept a problem, best first, for a caller who wants to time them.
 * @param names receives their names, each followed by a newline, zero-terminated; `capacity` bytes, or too few is an error
 */
SEXTANT_API int32_t sextant_conv2d_candidates(const sextant_device *device, const sextant_conv2d *problem, char *names,
                                              int64_t capacity, sextant_error *error);

/**
 * Fully connected: dst[n][k] = act(bias[k] + sum over i of weights[k][i] * src[n][i]), where i runs over c, h, w in that order
 * whatever the layout of src: flattening costs nothing. dst has h = w = 1. Operands: src, dst. Weights: k x (c*h*w).
 */
typedef struct sextant_linear {
    sextant_tensor src;
    sextant_tensor dst;
    int32_t activation;
} sextant_linear;

SEXTANT_API int32_t sextant_linear_create(sextant_device *device, const sextant_linear *problem, const float *weights,
                                          const float *bias, const char *implementation, sextant_op **op,
                                          sextant_error *error);

/** Kinds of pooling. */
enum {
    SEXTANT_POOL_MAX = 0,
    SEXTANT_POOL_AVERAGE = 1,           /**< divides by the pixels of the window that lie in the image */
    SEXTANT_POOL_AVERAGE_WITH_PAD = 2,  /**< divides by the pixels of the window in the padded image (count_include_pad) */
    SEXTANT_POOL_AVERAGE_ADAPTIVE = 3   /**< window of output i: floor(i*h/p) to ceil((i+1)*h/p); r s stride pad are ignored */
};

/**
 * Pooling; ceil mode is a matter of dst's size. A global pool has r = h, s = w. With a pre-activation it pools
 * max(0, src * pre_scale[c] + pre_shift[c]). Operands: src, dst.
 */
typedef struct sextant_pool2d {
    sextant_tensor src;
    sextant_tensor dst;
    int32_t kind;
    int32_t r, s;
    int32_t stride_h, stride_w;
    int32_t pad_top, pad_left, pad_bottom, pad_right;
    int32_t dilation_h, dilation_w;
    int32_t pre_activation; /**< 1: scale, shift and ReLU on load (the batch norm of a DenseNet transition) */
} sextant_pool2d;

/** @param pre_scale, pre_shift c values each, NULL unless problem->pre_activation */
SEXTANT_API int32_t sextant_pool2d_create(sextant_device *device, const sextant_pool2d *problem, const float *pre_scale,
                                          const float *pre_shift, const char *implementation, sextant_op **op,
                                          sextant_error *error);

/**
 * Local response normalisation across channels (Krizhevsky et al. 2012, sec. 3.3):
 *   dst = src / (bias + alpha * sum over the `size` channels around c of src^2) ^ beta
 * The window is c - size/2 ... c + (size-1)/2, cut at the ends; alpha is NOT divided by size. Operands: src, dst.
 */
typedef struct sextant_lrn {
    sextant_tensor src;
    sextant_tensor dst;
    int32_t size;
    float alpha, beta, bias;
} sextant_lrn;

SEXTANT_API int32_t sextant_lrn_create(sextant_device *device, const sextant_lrn *problem, const char *implementation,
                                       sextant_op **op, sextant_error *error);

/** Batch norm with given statistics (Ioffe & Szegedy, arXiv:1502.03167): dst = act(src * scale[c] + shift[c]). Operands: src, dst. */
typedef struct sextant_batch_norm {
    sextant_tensor src;
    sextant_tensor dst;
    int32_t activation;
} sextant_batch_norm;

/** @param scale gamma / sqrt(variance + eps), c values; @param shift beta - mean * scale, c values */
SEXTANT_API int32_t sextant_batch_norm_create(sextant_device *device, const sextant_batch_norm *problem, const float *scale,
                                              const float *shift, const char *implementation, sextant_op **op,
                                              sextant_error *error);

/** dst = act(src), or with a second source dst = act(src + other). Operands: src, [other,] dst. */
typedef struct sextant_eltwise {
    sextant_tensor src;
    sextant_tensor dst;
    int32_t activation;
    int32_t has_other;    /**< 1: add a second tensor of the same shape first */
    sextant_tensor other; /**< its layout, when has_other */
} sextant_eltwise;

SEXTANT_API int32_t sextant_eltwise_create(sextant_device *device, const sextant_eltwise *problem, const char *implementation,
                                           sextant_op **op, sextant_error *error);

/** Softmax over c, or its logarithm; h = w = 1, layout NCHW. Operands: src, dst. */
typedef struct sextant_softmax {
    sextant_tensor src;
    sextant_tensor dst;
    int32_t log; /**< 1: log-softmax */
} sextant_softmax;

SEXTANT_API int32_t sextant_softmax_create(sextant_device *device, const sextant_softmax *problem, const char *implementation,
                                           sextant_op **op, sextant_error *error);

/** Concatenation over channels by copying, for tensors that cannot be written in place. Operands: the sources in order, dst. */
SEXTANT_API int32_t sextant_concat_create(sextant_device *device, const sextant_tensor *sources, int32_t count,
                                          const sextant_tensor *dst, const char *implementation, sextant_op **op,
                                          sextant_error *error);

/** Copies a tensor into another layout, halo or slice. Operands: src, dst. */
SEXTANT_API int32_t sextant_reorder_create(sextant_device *device, const sextant_tensor *src, const sextant_tensor *dst,
                                           const char *implementation, sextant_op **op, sextant_error *error);

/**
 * The parameter-free shortcut of CIFAR ResNets (He et al., arXiv:1512.03385, sec. 3.3, option A): every stride-th pixel,
 * channels padded with zeros, (k - c) / 2 of them before and the rest after. Operands: src, dst.
 */
typedef struct sextant_shortcut {
    sextant_tensor src;
    sextant_tensor dst;
    int32_t stride;
} sextant_shortcut;

SEXTANT_API int32_t sextant_shortcut_create(sextant_device *device, const sextant_shortcut *problem, const char *implementation,
                                            sextant_op **op, sextant_error *error);

/* ------------------------------------------------------------------------------------------------ training */

/**
 * Operations of a training step. In them parameters are operands like any other, for they change from run to run, and `diff_x`
 * is the gradient of the loss with respect to x, in x's shape and a layout of its own.
 *
 * A parameter and its gradient are float32, row-major, dense; as tensors SEXTANT_NCHW without halo:
 *   convolution weights   n c h w = k, c / groups, r, s
 *   linear weights        n c h w = k, c*h*w, 1, 1
 *   bias, gamma, beta, running mean and variance   n c h w = 1, k, 1, 1
 *
 * Where a value has several readers its gradient is their sum: `accumulate` = 1 adds to what the destination holds instead of
 * replacing it.
 */

/** What changes from step to step, in memory of the caller's (an operand of 64 bytes, as a tensor 1 x 16 float32). */
typedef struct sextant_training_state {
    uint64_t seed;          /**< of the random numbers */
    uint64_t step;          /**< which step this is, from 0: random numbers and AdamW's corrections depend on it */
    float learning_rate;
    float gradient_norm;    /**< written by sextant_gradient_norm, read by an optimizer that clips */
    uint8_t reserved[40];   /**< 0 */
} sextant_training_state;

/**
 * As sextant_conv2d_create, with weights that are read in each run. pre_activation must be 0.
 * Operands: src, weights, [bias,] [residual,] dst.
 */
SEXTANT_API int32_t sextant_conv2d_forward_create(sextant_device *device, const sextant_conv2d *problem, int32_t has_bias,
                                                  const char *implementation, sextant_op **op, sextant_error *error);

/**
 * The gradient of a convolution with respect to its source:
 *   diff_src[n][c][y][x] = sum over k and those p, q, r, s with p*stride_h - pad_top + r*dilation_h = y and
 *                          q*stride_w - pad_left + s*dilation_w = x of weights[k][c][r][s] * diff_dst[n][k][p][q]
 * @param problem the forward convolution's, with the layout of diff_src as `src` and of diff_dst as `dst`; activation,
 *        pre_activation and has_residual must be 0
 * Operands: diff_dst, weights, diff_src.
 */
SEXTANT_API int32_t sextant_conv2d_backward_data_create(sextant_device *device, const sextant_conv2d *problem,
                                                        int32_t accumulate, const char *implementation, sextant_op **op,
                                                        sextant_error *error);

/**
 * The gradients of a convolution with respect to its parameters:
 *   diff_weights[k][c][r][s] = sum over n, p, q of diff_dst[n][k][p][q] * src[n][c][p*stride_h - pad_top + r*dilation_h][...]
 *   diff_bias[k] = sum over n, p, q of diff_dst[n][k][p][q]
 * The operands src and diff_dst may be bf16, or diff_dst alone beside a float32 NCHW src; sums are float32 then, too.
 * @param problem as for sextant_conv2d_backward_data_create, with the layout of src as `src` and of diff_dst as `dst`
 * Operands: src, diff_dst, [diff_bias,] diff_weights.
 */
SEXTANT_API int32_t sextant_conv2d_backward_weights_create(sextant_device *device, const sextant_conv2d *problem,
                                                           int32_t has_bias, const char *implementation, sextant_op **op,
                                                           sextant_error *error);

/** As sextant_linear_create, with weights that are read in each run. Operands: src, weights, [bias,] dst. */
SEXTANT_API int32_t sextant_linear_forward_create(sextant_device *device, const sextant_linear *problem, int32_t has_bias,
                                                  const char *implementation, sextant_op **op, sextant_error *error);

/**
 * diff_src[n][i] = sum over k of weights[k][i] * diff_dst[n][k]; problem as for convolutions.
 * Operands: diff_dst, weights, diff_src.
 */
SEXTANT_API int32_t sextant_linear_backward_data_create(sextant_device *device, const sextant_linear *problem,
                                                        int32_t accumulate, const char *implementation, sextant_op **op,
                                                        sextant_error *error);

/** diff_weights[k][i] = sum over n of diff_dst[n][k] * src[n][i]. Operands: src, diff_dst, [diff_bias,] diff_weights. */
SEXTANT_API int32_t sextant_linear_backward_weights_create(sextant_device *device, const sextant_linear *problem,
                                                           int32_t has_bias, const char *implementation, sextant_op **op,
                                                           sextant_error *error);

/**
 * The gradient of a pool. A maximum's goes to the first of its window's largest pixels, in the order of rows and columns; an
 * average's to all its pixels in equal parts. Operands: [src, when the pool is a maximum,] diff_dst, diff_src.
 */
typedef struct sextant_pool2d_backward {
    sextant_pool2d forward;  /**< without pre_activation */
    sextant_tensor diff_dst;
    sextant_tensor diff_src;
    int32_t accumulate;
} sextant_pool2d_backward;

SEXTANT_API int32_t sextant_pool2d_backward_create(sextant_device *device, const sextant_pool2d_backward *problem,
                                                   const char *implementation, sextant_op **op, sextant_error *error);

/** The gradient of a local response normalisation. Operands: src, diff_dst, diff_src. */
typedef struct sextant_lrn_backward {
    sextant_lrn forward;
    sextant_tensor diff_dst;
    sextant_tensor diff_src;
    int32_t accumulate;
} sextant_lrn_backward;

SEXTANT_API int32_t sextant_lrn_backward_create(sextant_device *device, const sextant_lrn_backward *problem,
                                                const char *implementation, sextant_op **op, sextant_error *error);

/**
 * Batch norm with the batch's own statistics (Ioffe & Szegedy, arXiv:1502.03167, algorithm 1):
 *   dst = act(gamma[c] * (src - mean[c]) / sqrt(variance[c] + eps) + beta[c] [+ residual]),
 * mean and (biased) variance over n, h, w; the running statistics move towards them, the variance unbiased:
 *   running = (1 - momentum) * running + momentum * batch.
 * Operands: src, [residual,] gamma, beta, running_mean, running_var, saved, dst; `saved` receives for the backward pass c means,
 * then c values of 1 / sqrt(variance + eps) (a tensor 1 x 2c).
 */
typedef struct sextant_batch_norm_forward {
    sextant_tensor src;
    sextant_tensor dst;
    int32_t activation;      /**< SEXTANT_IDENTITY or SEXTANT_RELU */
    int32_t has_residual;    /**< 1: a tensor of dst's shape is added before the activation (ResNet's skip connection) */
    sextant_tensor residual;
    float eps;
    float momentum;
} sextant_batch_norm_forward;

SEXTANT_API int32_t sextant_batch_norm_forward_create(sextant_device *device, const sextant_batch_norm_forward *problem,
                                                      const char *implementation, sextant_op **op, sextant_error *error);

/**
 * Its gradient. With an activation diff_dst is masked by dst first; with a residual the masked gradient is also the residual's.
 * diff_residual may lie where diff_dst does, and is then masked in place.
 * Operands: src, [dst, when there is an activation,] diff_dst, gamma, saved, diff_gamma, diff_beta, [diff_residual,] diff_src.
 */
typedef struct sextant_batch_norm_backward {
    sextant_batch_norm_forward forward;
    sextant_tensor diff_dst;
    sextant_tensor diff_src;
    sextant_tensor diff_residual;   /**< when forward.has_residual; of diff_dst's layout */
    int32_t accumulate;             /**< of diff_src; diff_residual is always replaced */
} sextant_batch_norm_backward;

SEXTANT_API int32_t sextant_batch_norm_backward_create(sextant_device *device, const sextant_batch_norm_backward *problem,
                                                       const char *implementation, sextant_op **op, sextant_error *error);

/**
 * The gradient of an activation function, told by its result: diff_src = diff_dst * act'(dst), or with SEXTANT_IDENTITY
 * diff_src = diff_dst. diff_src may lie where diff_dst does. Operands: [dst, unless the identity,] diff_dst, diff_src.
 */
typedef struct sextant_activation_backward {
    sextant_tensor dst;
    sextant_tensor diff_dst;
    sextant_tensor diff_src;
    int32_t activation;
    int32_t accumulate;
} sextant_activation_backward;

SEXTANT_API int32_t sextant_activation_backward_create(sextant_device *device, const sextant_activation_backward *problem,
                                                       const char *implementation, sextant_op **op, sextant_error *error);

/** The reverse of concatenation: copies channels to several tensors in order. Operands: src, the destinations in order. */
SEXTANT_API int32_t sextant_split_create(sextant_device *device, const sextant_tensor *src, const sextant_tensor *destinations,
                                         int32_t count, const char *implementation, sextant_op **op, sextant_error *error);

/**
 * The gradient of a shortcut; problem has the layout of diff_src as `src`, of diff_dst as `dst`.
 * Operands: diff_dst, diff_src.
 */
SEXTANT_API int32_t sextant_shortcut_backward_create(sextant_device *device, const sextant_shortcut *problem, int32_t accumulate,
                                                     const char *implementation, sextant_op **op, sextant_error *error);

/**
 * Dropout (Srivastava et al., JMLR 15, 2014): dst = src / (1 - probability) or, with that probability, 0. Which elements are
 * dropped depends on the state's seed and step, on `stream` and on the element's place n c h w alone (counter-based random
 * numbers: Salmon et al., SC11), so that the same operation on the gradient is the backward pass. Operands: src, state, dst.
 */
typedef struct sextant_dropout {
    sextant_tensor src;
    sextant_tensor dst;
    float probability;  /**< 0 <= probability < 1 */
    uint32_t stream;    /**< tells the layers of a network apart */
} sextant_dropout;

SEXTANT_API int32_t sextant_dropout_create(sextant_device *device, const sextant_dropout *problem, const char *implementation,
                                           sextant_op **op, sextant_error *error);

/**
 * The loss and its gradient in one: cross-entropy between softmax(src) and the targets, a distribution for each image,
 *   losses[n] = - weight * sum over c of t[n][c] * log softmax(src[n])[c],   t = (1 - smoothing) * targets + smoothing / c,
 *   diff_src = the gradient of the mean of the losses.
 * Operands: src, targets (n x c), losses (n), diff_src; all plain (NCHW, h = w = 1), losses as a tensor 1 x n.
 */
typedef struct sextant_cross_entropy {
    sextant_tensor src;
    float smoothing;  /**< 0 <= smoothing < 1: label smoothing (Szegedy et al., arXiv:1512.00567, sec. 7) */
    float weight;     /**< of this loss in a sum of several: 0.3 for GoogLeNet's auxiliary heads */
} sextant_cross_entropy;

SEXTANT_API int32_t sextant_cross_entropy_create(sextant_device *device, const sextant_cross_entropy *problem,
                                                 const char *implementation, sextant_op **op, sextant_error *error);

/** Writes the Euclidean norm of `count` gradients to the state. Operands: gradients (1 x count), state. */
SEXTANT_API int32_t sextant_gradient_norm_create(sextant_device *device, int64_t count, const char *implementation,
                                                 sextant_op **op, sextant_error *error);

/** Kinds of optimizers. */
enum {
    SEXTANT_SGD = 0,   /**< m = momentum * m + g + decay * w;  w -= rate * (nesterov ? g + decay * w + momentum * m : m) */
    SEXTANT_ADAMW = 1  /**< Loshchilov & Hutter, arXiv:1711.05101, algorithm 2:
                            w -= rate * (decay * w + m / (1 - b1^t) / (sqrt(v / (1 - b2^t)) + eps)) */
};

/**
 * One step for all parameters at once, which lie in one array. t is the state's step + 1.
 * Operands: gradients, state, [second moments, for AdamW,] moments, parameters; all but the state 1 x count.
 */
typedef struct sextant_optimizer {
    int64_t count;
    int32_t kind;
    int32_t nesterov;
    float momentum;      /**< AdamW's beta1 */
    float beta2, eps;    /**< AdamW only */
    float weight_decay;
    float largest_norm;  /**< gradients are scaled by min(1, largest_norm / the state's gradient_norm); 0: as they are */
} sextant_optimizer;

/**
 * @param undecayed `ranges` pairs of first index and end, ascending and apart, of parameters that weight decay leaves alone
 */
SEXTANT_API int32_t sextant_optimizer_create(sextant_device *device, const sextant_optimizer *problem, const int64_t *undecayed,
                                             int32_t ranges, const char *implementation, sextant_op **op, sextant_error *error);

/* ------------------------------------------------------------------------------------------------ plans */

typedef struct sextant_plan sextant_plan;

/** Where an operand lies: `offset` bytes into buffer number `buffer`. Buffer 0 is the workspace, 1, 2, ... are the caller's. */
typedef struct sextant_place {
    int64_t offset;
    int32_t buffer;
    int32_t reserved; /**< 0 */
} sextant_place;

typedef struct sextant_plan_info {
    int32_t steps;
    int32_t buffers;         /**< buffers a run expects, the workspace among them */
    int64_t workspace_bytes; /**< what buffer 0 must hold: activations and scratch */
    int64_t weight_bytes;    /**< repacked weights held by the plan's operations */
    int64_t flops;
} sextant_plan_info;

SEXTANT_API int32_t sextant_plan_create(sextant_device *device, sextant_plan **plan, sextant_error *error);

/**
 * Appends a step. `places` are the operation's operands in the order its description gives, `count` of them. The operation must
 * have been created on the plan's own device handle.
 */
SEXTANT_API int32_t sextant_plan_add(sextant_plan *plan, sextant_op *op, const sextant_place *places, int32_t count,
                                     sextant_error *error);

/** Ends the construction: after this the plan may be run, by many threads, each with a workspace of its own. */
SEXTANT_API int32_t sextant_plan_finish(sextant_plan *plan, sextant_error *error);
SEXTANT_API int32_t sextant_plan_get_info(const sextant_plan *plan, sextant_plan_info *info, sextant_error *error);

/**
 * Runs all steps.
 * @param buffers `count` addresses: buffers[0] the workspace (64-byte aligned, workspace_bytes long), then the caller's, each
 *        as long as the steps that use it need
 * @param nanoseconds NULL, or room for one time per step
 */
SEXTANT_API int32_t sextant_plan_run(const sextant_plan *plan, void *const *buffers, int32_t count, int64_t *nanoseconds,
                                     sextant_error *error);
SEXTANT_API void sextant_plan_destroy(sextant_plan *plan);

#ifdef __cplusplus
}
#endif
#endif
