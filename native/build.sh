#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What Maven asks of the native side. CMake does the work; this script says what is missing and carries the result to the jar.
#
#   native/build.sh check                 is everything here that a build needs? One sentence if not.
#   native/build.sh check-jdk             the same for a build of the Java side alone
#   native/build.sh build WORK RESOURCES CUDA  builds in the folder WORK, puts libsextant.so into RESOURCES/<os>-<arch>/
#                                         and, where there is an NVIDIA GPU and nvcc, libsextant_cuda.so into CUDA/<os>-<arch>/
#   native/build.sh build-all WORK RESOURCES CUDA  the same with the tests, and for GPUs wherever there is nvcc
#   native/build.sh test WORK             runs the tests built in WORK
#
# SEXTANT_CUDA_ARCHITECTURES, if set, is what libsextant_cuda has code for.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/.mvn/jdk.sh"

fail() {
    echo "Sextant needs $*"
    exit 1
}

check_jdk() {
    find_jdk || fail "a JDK 25 or newer: install the package temurin-25-jdk or openjdk-25-jdk, or set JAVA_HOME to one."
}

check_native() {
    command -v "${CXX:-c++}" > /dev/null || command -v g++ > /dev/null || command -v clang++ > /dev/null ||
        fail "a C++20 compiler to build its kernels: install the package g++ or clang."
    command -v "${CC:-cc}" > /dev/null || command -v gcc > /dev/null || command -v clang > /dev/null ||
        fail "a C compiler to build its kernels: install the package gcc or clang."
    cmake=$(cmake --version 2> /dev/null) || fail "CMake 3.22 or newer to build its kernels: install the package cmake."
    cmake=${cmake#cmake version }
    cmake=${cmake%%[!0-9.]*}
    minor=${cmake#*.}
    [ "${cmake%%.*}" -gt 3 ] || [ "${minor%%.*}" -ge 22 ] ||
        fail "CMake 3.22 or newer to build its kernels, found $cmake: install a newer package cmake."
    command -v ninja > /dev/null || command -v make > /dev/null ||
        fail "Ninja or Make to build its kernels: install the package ninja-build or make."
}

platform() {
    machine=$(uname -m)
    [ "$machine" != arm64 ] || machine=aarch64
    echo "linux-$machine"
}

# The kernels for GPUs take minutes to compile: who only wants to see a network run does not wait for those of a GPU that is not there.
has_gpu() { [ -e /dev/nvidiactl ] || [ -e /dev/dxg ]; }
has_nvcc() {
    release=$("${CUDACXX:-nvcc}" --version 2> /dev/null | sed -n 's/.*release \([0-9]*\).*/\1/p')
    [ "${release:-0}" -ge 13 ]
}

# A library into a folder of resources.
carry() {
    library=$1 target=$2/$(platform) name=${1##*/}
    mkdir -p "$target"
    # Left alone when equal, so that its time stamp does not make the jar and all that follows look outdated.
    cmp -s "$library" "$target/$name" || cp "$library" "$target/$name"
    # What the loader names its cache folder after, and how it tells a whole file from a damaged one.
    echo "$(sha256sum "$target/$name" | cut -d ' ' -f 1) $(wc -c < "$target/$name")" > "$target/$name.sha256"
}

build() {
    work=$1 resources=$2 cuda=$3 tests=$4 gpu=OFF
    if has_nvcc && { [ "$tests" = ON ] || has_gpu; }; then gpu=ON; fi
    generator=$(command -v ninja > /dev/null && echo Ninja || echo "Unix Makefiles")
    # A folder keeps the generator that it was first configured with.
    [ ! -f "$work/CMakeCache.txt" ] || generator=$(sed -n 's/^CMAKE_GENERATOR:INTERNAL=//p' "$work/CMakeCache.txt")
    cmake -S "$root" -B "$work" -G "$generator" -DCMAKE_BUILD_TYPE=Release -DSEXTANT_TESTS="$tests" \
        -DSEXTANT_CUDA=$gpu ${SEXTANT_CUDA_ARCHITECTURES:+-DSEXTANT_CUDA_ARCHITECTURES="$SEXTANT_CUDA_ARCHITECTURES"} > "$work.log" 2>&1 ||
        { cat "$work.log"; exit 1; }
    cmake --build "$work" --parallel "$(nproc)"
    carry "$work/native/libsextant.so" "$resources"
    # In a jar of its own, which is made of this folder if there is one.
    rm -rf "$cuda"
    [ $gpu = OFF ] || carry "$work/native/libsextant_cuda.so" "$cuda"
}

case ${1:-} in
    check-jdk) check_jdk ;;
    check) check_jdk; check_native ;;
    build) mkdir -p "$2"; build "$2" "$3" "$4" OFF ;;
    build-all) mkdir -p "$2"; build "$2" "$3" "$4" ON ;;
    test) ctest --test-dir "$2" --parallel "$(nproc)" --output-on-failure --no-tests=error ;;
    *) echo "usage: native/build.sh check | check-jdk | build WORK RESOURCES CUDA | build-all WORK RESOURCES CUDA | test WORK" >&2; exit 2 ;;
esac
