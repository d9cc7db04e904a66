// SPDX-License-Identifier: Apache-2.0
package dev.sextant.benchmarks;

import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;

/** What the project asks of itself: images per second over the best peer's in float32, at batch 1 and 16. A floor, not a ceiling. */
final class Targets {
    private record Ratios(double fp32One, double fp32Sixteen, double bf16One, double bf16Sixteen) {}

    private static final Map<String, Ratios> RATIOS = Map.of(
        "vgg16", new Ratios(2.4, 2.9, 3.0, 3.7),
        "resnet18", new Ratios(1.7, 2.0, 2.2, 2.4),
        "resnet50", new Ratios(1.3, 1.35, 2.1, 2.1),
        "googlenet", new Ratios(1.4, 1.5, 1.9, 2.0),
        "densenet121", new Ratios(1.5, 1.75, 2.2, 2.5),
        "alexnet", new Ratios(1.2, 1.45, 1.9, 2.0),
        "lenet5", new Ratios(1.5, 1.5, 0, 0));

    /** Training steps at their {@link Train#batch batch}. */
    private static final Map<String, Double> TRAINING = Map.of("vgg16", 2.5, "resnet18", 1.8, "resnet50", 1.4, "googlenet", 1.6,
        "densenet121", 1.5, "alexnet", 1.6, "lenet5", 2.0);

    private Targets() {}

    static List<String> networks() {
        return List.of("vgg16", "resnet18", "resnet50", "googlenet", "densenet121", "alexnet", "lenet5");
    }

    /** Empty where none was set: other networks, batches and precisions. */
    static OptionalDouble of(Case problem) {
        var ratios = RATIOS.get(problem.network().name());
        if (ratios == null || problem.batch() != 1 && problem.batch() != 16) return OptionalDouble.empty();
        boolean one = problem.batch() == 1;
        double target = switch (problem.precision().toString()) {
            case "fp32" -> one ? ratios.fp32One : ratios.fp32Sixteen;
            case "bf16" -> one ? ratios.bf16One : ratios.bf16Sixteen;
            default -> 0;
        };
        return target > 0 ? OptionalDouble.of(target) : OptionalDouble.empty();
    }

    /** Of images per second in training. */
    static OptionalDouble training(Case problem) {
        var target = TRAINING.get(problem.network().name());
        return target == null || problem.batch() != Train.batch(problem.network()) ? OptionalDouble.empty() : OptionalDouble.of(target);
    }
}
