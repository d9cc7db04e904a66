// SPDX-License-Identifier: Apache-2.0
package dev.sextant.onnx;

import java.util.HashSet;
import java.util.Set;

/** What layers are called: as in the framework that wrote the file where the names of the weights still tell, else as the node. */
final class Naming {
    private final Set<String> taken = new HashSet<>();

    /**
     * The common part of the names of a node's inputs from the second on, where each is {@code part.suffix} in the order of
     * {@code suffixes}; otherwise the node's own name.
     */
    String of(Call call, String... suffixes) {
        var inputs = call.node().inputs();
        String common = null;
        for (int i = 0; i < suffixes.length && i + 1 < inputs.size(); i++) {
            var name = inputs.get(i + 1);
            if (name.isEmpty()) continue;
            int dot = name.length() - suffixes[i].length() - 1;
            if (dot < 1 || !name.endsWith("." + suffixes[i]) || common != null && !common.equals(name.substring(0, dot))) {
                return call.name();
            }
            common = name.substring(0, dot);
        }
        if (common == null) return call.name();
        while (common.startsWith(Wiring.PARALLEL)) common = common.substring(Wiring.PARALLEL.length());
        return common.isEmpty() || !taken.add(common) ? call.name() : common;
    }
}
