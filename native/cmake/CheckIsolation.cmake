# SPDX-License-Identifier: Apache-2.0
# cmake -DNM=... -DOBJECTS=... -P CheckIsolation.cmake: no processor can meet code compiled for another.
#
# An inline function that several objects carry is merged by the linker into the first copy. The library lists baseline objects
# first, so a copy compiled for AVX could win only where no baseline object has one. Such a function must live in the namespace
# of its instruction set (mangled as 4avx2, 6avx512 or 11avx512_bf16), where nothing else can call it.
set(baseline_symbols "")
set(foreign_symbols "")
foreach(object ${OBJECTS})
    execute_process(COMMAND ${NM} --defined-only ${object} OUTPUT_VARIABLE symbols COMMAND_ERROR_IS_FATAL ANY)
    string(REGEX MATCHALL " [WVu] [^\n]+" weak "${symbols}")
    list(TRANSFORM weak REPLACE "^ [WVu] " "")
    if(object MATCHES "_avx(2|512|512_bf16)\\.cc")
        list(FILTER weak EXCLUDE REGEX "4avx2|6avx512|11avx512_bf16")
        list(APPEND foreign_symbols ${weak})
    else()
        list(APPEND baseline_symbols ${weak})
    endif()
endforeach()
list(REMOVE_DUPLICATES foreign_symbols)
list(REMOVE_ITEM foreign_symbols ${baseline_symbols} "")
if(foreign_symbols)
    message(FATAL_ERROR "only files compiled for AVX define ${foreign_symbols}")
endif()
