# SPDX-License-Identifier: Apache-2.0
# cmake -DREADELF=... -DLIBRARY=... -P CheckDependencies.cmake: the library needs nothing but the C library and its parts.
execute_process(COMMAND ${READELF} -d ${LIBRARY} OUTPUT_VARIABLE dynamic COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL "\\(NEEDED\\)[^\n]*" needed "${dynamic}")
list(TRANSFORM needed REPLACE ".*\\[(.*)\\].*" "\\1")
list(FILTER needed EXCLUDE REGEX "^(libc|libm|libpthread|librt|libdl|ld-linux[-_a-z0-9]*)\\.so[.0-9]*$")
if(needed)
    message(FATAL_ERROR "${LIBRARY} needs ${needed}")
endif()
