// SPDX-License-Identifier: Apache-2.0
package dev.sextant.io;

import dev.sextant.DType;
import dev.sextant.io.Pickled.Dict;
import dev.sextant.io.Pickled.Global;
import dev.sextant.io.Pickled.Other;
import dev.sextant.io.Pickled.Sequence;
import dev.sextant.io.Pickled.Storage;
import dev.sextant.io.Pickled.View;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The names that PyTorch's checkpoints call tensors and containers by (torch/_utils.py, torch/storage.py), and what they make. */
final class TorchNames {
    /** An untyped storage's elements are bytes, whose type the tensor says. */
    private static final Map<String, DType> STORAGES = Map.ofEntries(
        Map.entry("FloatStorage", DType.F32), Map.entry("HalfStorage", DType.F16), Map.entry("BFloat16Storage", DType.BF16),
        Map.entry("DoubleStorage", DType.F64), Map.entry("CharStorage", DType.I8), Map.entry("ByteStorage", DType.U8),
        Map.entry("ShortStorage", DType.I16), Map.entry("IntStorage", DType.I32), Map.entry("LongStorage", DType.I64),
        Map.entry("BoolStorage", DType.BOOL), Map.entry("storage.UntypedStorage", DType.U8));

    private static final Map<String, DType> DTYPES = Map.ofEntries(
        Map.entry("torch.float32", DType.F32), Map.entry("torch.float16", DType.F16), Map.entry("torch.bfloat16", DType.BF16),
        Map.entry("torch.float64", DType.F64), Map.entry("torch.int8", DType.I8), Map.entry("torch.uint8", DType.U8),
        Map.entry("torch.int16", DType.I16), Map.entry("torch.int32", DType.I32), Map.entry("torch.int64", DType.I64),
        Map.entry("torch.bool", DType.BOOL));

    private static final Set<String> DICTS = Set.of("collections.OrderedDict", "collections.defaultdict", "collections.Counter",
        "builtins.dict", "__builtin__.dict");
    private static final Set<String> SEQUENCES = Set.of("builtins.list", "__builtin__.list", "builtins.set", "__builtin__.set",
        "builtins.frozenset", "__builtin__.frozenset", "builtins.tuple", "__builtin__.tuple");
    private static final Set<String> OTHERS = Set.of("torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2",
        "torch._utils._rebuild_tensor_v3", "torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state",
        "torch._tensor._rebuild_from_type_v2", "torch.Tensor", "torch.nn.parameter.Parameter", "torch.Size", "torch.device",
        "_codecs.encode");

    private TorchNames() {}

    static boolean isKnown(String name) {
        return OTHERS.contains(name) || DICTS.contains(name) || SEQUENCES.contains(name) || DTYPES.containsKey(name)
            || storageType(name) != null;
    }

    /** {@code torch.FloatStorage}, or {@code torch.cuda.FloatStorage}: where it was does not matter. */
    private static DType storageType(String name) {
        return name.startsWith("torch.") ? STORAGES.get(name.substring("torch.".length()).replaceFirst("^cuda\\.", "")) : null;
    }

    /** What a known name makes of its arguments, or null if they are not such as it takes. */
    static Object call(String name, List<Object> arguments) {
        if (DICTS.contains(name)) return dict(arguments);
        if (SEQUENCES.contains(name)) return sequence(arguments);
        return switch (name) {
            case "torch.Size" -> sequence(arguments);
            case "torch.device" -> new Other("a device");
            case "_codecs.encode" -> !arguments.isEmpty() && arguments.getFirst() instanceof String text
                ? text.getBytes(StandardCharsets.ISO_8859_1) : null;
            case "torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2" -> arguments.size() < 4 ? null
                : view(arguments, null);
            case "torch._utils._rebuild_tensor_v3" -> arguments.size() < 7 || !(arguments.get(6) instanceof Global type)
                || DTYPES.get(type.name()) == null ? null : view(arguments, DTYPES.get(type.name()));
            case "torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state" ->
                !arguments.isEmpty() && arguments.getFirst() instanceof View view ? view : null;
            // A tensor of a class of its own, or with attributes: (function, class, arguments, attributes).
            case "torch._tensor._rebuild_from_type_v2" -> arguments.size() == 4 && arguments.get(0) instanceof Global function
                && function.name().startsWith("torch._utils._rebuild_") && arguments.get(2) instanceof Sequence inner
                ? call(function.name(), inner.values()) : null;
            default -> null;
        };
    }

    /** Empty, with its values' type, or a copy of another. */
    private static Dict dict(List<Object> arguments) {
        if (arguments.isEmpty() || arguments.size() == 1 && (arguments.getFirst() == null || arguments.getFirst() instanceof Global)) {
            return new Dict();
        }
        return arguments.size() == 1 && arguments.getFirst() instanceof Dict other ? other : null;
    }

    private static Sequence sequence(List<Object> arguments) {
        if (arguments.isEmpty()) return new Sequence(new ArrayList<>(0));
        return arguments.size() == 1 && arguments.getFirst() instanceof Sequence other ? other : null;
    }

    /** (storage, offset, sizes, strides, ...). @param type the elements', or null if it is the storage's */
    private static View view(List<Object> arguments, DType type) {
        if (!(arguments.get(0) instanceof Storage storage) || !(arguments.get(1) instanceof Long offset) || offset < 0) return null;
        var sizes = counts(arguments.get(2));
        var strides = counts(arguments.get(3));
        if (sizes == null || strides == null || sizes.length != strides.length) return null;
        return new View(storage, type == null ? storage.dtype() : type, offset, sizes, strides);
    }

    /** Null unless {@code values} are integers from 0. */
    private static long[] counts(Object values) {
        if (!(values instanceof Sequence sequence)) return null;
        var counts = new long[sequence.values().size()];
        for (int i = 0; i < counts.length; i++) {
            if (!(sequence.values().get(i) instanceof Long count) || count < 0) return null;
            counts[i] = count;
        }
        return counts;
    }

    /** ('storage', type, key, device, elements, and in old files a view: None or (key, first element, elements)); null if it is not. */
    static Storage storage(List<Object> id) {
        if (id.size() < 5 || !"storage".equals(id.get(0)) || !(id.get(1) instanceof Global type) || !(id.get(2) instanceof String key)
            || !(id.get(4) instanceof Long count) || count < 0) return null;
        var dtype = storageType(type.name());
        if (dtype == null) return null;
        if (id.size() == 5 || id.get(5) == null) return new Storage(dtype, key, count, 0);
        return id.get(5) instanceof Sequence view && view.values().size() == 3 && view.values().get(1) instanceof Long first
            && view.values().get(2) instanceof Long part && first >= 0 && part >= 0 && first <= count && part <= count - first
            ? new Storage(dtype, key, part, first) : null;
    }
}
