# SPDX-License-Identifier: Apache-2.0
# Sourced by the scripts that need a JDK. find_jdk sets JDK to the home of a JDK 25 or newer and JDK_VERSION to its
# version, or fails. It starts no JVM and hardly ever a process: every JDK tells its version in a file of its own. The places
# are those in which Maven's toolchains plugin looks, so that the two agree.

is_jdk_25() {
    [ -x "$1/bin/javac" ] && [ -r "$1/release" ] || return 1
    while IFS='=' read -r key value; do
        [ "$key" = JAVA_VERSION ] || continue
        JDK_VERSION=${value#\"}
        JDK_VERSION=${JDK_VERSION%\"}
        major=${JDK_VERSION%%[!0-9]*}
        [ "${major:-0}" -ge 25 ]
        return
    done < "$1/release"
    return 1
}

find_jdk() {
    JDK=${JAVA_HOME:-}
    is_jdk_25 "$JDK" && return 0
    if JDK=$(command -v java); then
        JDK=$(readlink -f "$JDK")
        JDK=${JDK%/bin/java}
        is_jdk_25 "$JDK" && return 0
    fi
    for JDK in /usr/lib/jvm/* /opt/java/* /usr/java/* /usr/jdk/* "$HOME"/.sdkman/candidates/java/* "$HOME"/.jdks/* \
        "$HOME"/.m2/jdks/* "$HOME"/.gradle/jdks/* "$HOME"/.jbang/cache/jdks/*; do
        is_jdk_25 "$JDK" && return 0
    done
    JDK=
    return 1
}
