// SPDX-License-Identifier: Apache-2.0
package dev.sextant.cli;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * Which of the page's colours stands for which algorithm: the same in every page for the common ones. There are {@value #COUNT};
 * what comes after them shares a grey.
 *
 * @param classes the style class of each algorithm, those that take most time first
 */
record AlgorithmColours(Map<String, String> classes) {
    private static final int COUNT = 8;
    private static final String GREY = "grey";
    private static final List<String> USUAL = List.of("conv2d direct", "winograd", "conv2d first", "linear", "pool2d");

    static AlgorithmColours of(StepTimes times) {
        var shares = times.rows().stream().collect(Collectors.groupingBy(StepTimes.Row::algorithm,
            Collectors.summingDouble(StepTimes.Row::share)));
        var sorted = shares.entrySet().stream().sorted(Map.Entry.<String, Double>comparingByValue().reversed())
            .map(Map.Entry::getKey).toList();
        var classes = new LinkedHashMap<String, String>();
        for (var algorithm : sorted) classes.put(algorithm, null);
        var free = new boolean[COUNT];
        Arrays.fill(free, true);
        for (var algorithm : sorted) {
            for (int i = 0; i < USUAL.size(); i++) {
                if (classes.get(algorithm) == null && free[i] && algorithm.contains(USUAL.get(i))) {
                    classes.put(algorithm, "c" + i);
                    free[i] = false;
                }
            }
        }
        int[] rest = {5, 6, 7, 4, 3, 2, 1, 0};
        for (var algorithm : sorted) {
            for (int i : rest) {
                if (classes.get(algorithm) == null && free[i]) {
                    classes.put(algorithm, "c" + i);
                    free[i] = false;
                }
            }
            classes.putIfAbsent(algorithm, GREY);
        }
        return new AlgorithmColours(classes);
    }

    String of(StepTimes.Row row) {
        return classes.get(row.algorithm());
    }
}
