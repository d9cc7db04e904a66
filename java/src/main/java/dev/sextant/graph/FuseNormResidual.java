// SPDX-License-Identifier: Apache-2.0
package dev.sextant.graph;

/**
 * In training, lets a batch norm add the other term of a sum to what it writes: ResNet's skip connection then costs a load, and its
 * gradient nothing. Moves norms as {@link FuseResidual} moves convolutions.
 */
final class FuseNormResidual implements Pass {

    @Override
    public Graph apply(Graph graph) {
        return FuseResidual.sumsTaken(graph, (node, other, sum) -> node instanceof Node.TrainingNorm norm && norm.residual() == null
            && norm.tail() == Function.IDENTITY && (sum.tail() == Function.IDENTITY || norm.takes(sum.tail()))
            ? norm.withResidual(other, sum.tail(), sum.dst()) : null);
    }
}
