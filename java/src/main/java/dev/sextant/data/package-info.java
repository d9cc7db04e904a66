// SPDX-License-Identifier: Apache-2.0
/**
 * Labelled pictures to train and evaluate on: {@link dev.sextant.data.Dataset} opens MNIST, CIFAR-10 and folders of pictures,
 * {@link dev.sextant.data.Augmentation} says how training varies them, and {@link dev.sextant.data.Batches} brings them to a
 * network's input on other threads, the same numbers on however many.
 */
package dev.sextant.data;
