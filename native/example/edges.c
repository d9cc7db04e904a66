/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds the left edge of a bright stripe in a small picture: one 3x3 convolution with ReLU, run through a plan.
 * The convolution leaves its result in the device's blocked layout in the workspace; a second step brings it into plain NCHW.
 */
#include <sextant/sextant.h>
#include <stdio.h>
#include <stdlib.h>

enum { HEIGHT = 4, WIDTH = 6 };

static sextant_error error;

/* Ends the program with the library's sentence if a call failed. */
static void check(int32_t status) {
    if (status == SEXTANT_OK) return;
    fprintf(stderr, "%s\n", error.message);
    exit(1);
}

int main(void) {
    const float picture[HEIGHT][WIDTH] = {
        {0, 0, 0, 1, 1, 0},
        {0, 0, 0, 1, 1, 0},
        {0, 0, 0, 1, 1, 0},
        {0, 0, 0, 1, 1, 0},
    };
    /* Sobel's filter: brighter on the right than on the left. */
    const float weights[3][3] = {{-1, 0, 1}, {-2, 0, 2}, {-1, 0, 1}};
    float edges[HEIGHT][WIDTH];

    sextant_device *device;
    sextant_device_info cpu;
    check(sextant_device_create_cpu(0, &device, &error));
    check(sextant_device_get_info(device, &cpu, &error));
    printf("Sextant %s on %s: %s, %d threads\n", sextant_version(), cpu.processor, cpu.isa_name, (int)cpu.threads);

    const sextant_tensor plain = {
        .dtype = SEXTANT_F32, .layout = SEXTANT_NCHW, .n = 1, .c = 1, .h = HEIGHT, .w = WIDTH, .c_total = 1};
    sextant_tensor blocked = plain;
    blocked.layout = cpu.block;

    const sextant_conv2d convolution = {
        .src = plain, .dst = blocked,
        .r = 3, .s = 3, .stride_h = 1, .stride_w = 1, .dilation_h = 1, .dilation_w = 1, .groups = 1,
        .pad_top = 1, .pad_left = 1, .pad_bottom = 1, .pad_right = 1,
        .activation = SEXTANT_RELU,
    };
    sextant_op *sobel, *unblock;
    check(sextant_conv2d_create(device, &convolution, &weights[0][0], NULL, NULL, NULL, NULL, &sobel, &error));
    check(sextant_reorder_create(device, &blocked, &plain, NULL, &unblock, &error));

    /* Buffer 0 is the workspace; 1 and 2 are ours: the picture and the edges. */
    const sextant_place from_picture = {.buffer = 1}, in_workspace = {.buffer = 0}, to_edges = {.buffer = 2};
    sextant_plan *plan;
    sextant_plan_info info;
    check(sextant_plan_create(device, &plan, &error));
    check(sextant_plan_add(plan, sobel, (sextant_place[]){from_picture, in_workspace}, 2, &error));
    check(sextant_plan_add(plan, unblock, (sextant_place[]){in_workspace, to_edges}, 2, &error));
    check(sextant_plan_finish(plan, &error));
    check(sextant_plan_get_info(plan, &info, &error));

    void *workspace = sextant_memory_allocate(info.workspace_bytes);
    if (!workspace) {
        fprintf(stderr, "no memory for a workspace of %lld bytes\n", (long long)info.workspace_bytes);
        return 1;
    }
    void *const buffers[] = {workspace, (void *)picture, edges};
    check(sextant_plan_run(plan, buffers, 3, NULL, &error));

    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++) printf("%g%c", (double)edges[y][x], x + 1 < WIDTH ? ' ' : '\n');

    sextant_memory_free(workspace, info.workspace_bytes);
    sextant_plan_destroy(plan);
    sextant_op_destroy(sobel);
    sextant_op_destroy(unblock);
    sextant_device_destroy(device);
    return 0;
}
