# SPDX-License-Identifier: Apache-2.0
# cmake -DBUILD=... -DEXAMPLE=... -DSCRATCH=... -DGENERATOR=... -DC_COMPILER=... -DC_FLAGS=... -P CheckPackage.cmake:
# installs the library into a prefix of its own, then builds and runs the example against what was installed.
file(REMOVE_RECURSE ${SCRATCH})
function(run)
    execute_process(COMMAND ${ARGN} RESULT_VARIABLE failed OUTPUT_VARIABLE output ERROR_VARIABLE output)
    if(failed)
        message(FATAL_ERROR "${ARGN} failed:\n${output}")
    endif()
    set(output "${output}" PARENT_SCOPE)
endfunction()

run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${SCRATCH}/prefix)
run(${CMAKE_COMMAND} -S ${EXAMPLE} -B ${SCRATCH}/build -G ${GENERATOR} -DCMAKE_PREFIX_PATH=${SCRATCH}/prefix
    -DCMAKE_C_COMPILER=${C_COMPILER} -DCMAKE_C_FLAGS=${C_FLAGS})
run(${CMAKE_COMMAND} --build ${SCRATCH}/build)
run(${SCRATCH}/build/edges)
if(NOT output MATCHES "0 0 4 4 0 0\n")
    message(FATAL_ERROR "the example printed:\n${output}")
endif()
