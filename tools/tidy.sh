#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# tidy.sh BUILD_FOLDER JOBS [FILE...]: clang-tidy over the sources of a compilation database, or over FILEs of it.
#
# A clean result is remembered under the hash of all that it depends on: the preprocessed source with its comments (they
# hold the NOLINTs), the compile flags, .clang-tidy and clang-tidy's version. A second run looks only at what changed.
set -euo pipefail

readonly tidy=clang-tidy-19
readonly build=$1 jobs=$2
shift 2
readonly clean=$build/clean
mkdir -p "$clean"

# "file<TAB>command" lines of our own sources; generated ones in the build folder are nobody's to tidy.
list_commands() {
    awk -v root="$PWD/" -v build="$(realpath "$build")/" '
        /^ *"command": / { command = $0; sub(/^ *"command": "/, "", command); sub(/",?$/, "", command)
                           gsub(/\\"/, "\"", command); gsub(/\\\\/, "\\", command) }
        /^ *"file": / { file = $0; sub(/^ *"file": "/, "", file); sub(/",?$/, "", file)
                        if (index(file, root) == 1 && index(file, build) != 1 && file ~ /\.cpp$/)
                            print substr(file, length(root) + 1) "\t" command }' "$build/compile_commands.json"
}

# Prints the hash for a file and its compile command.
key_of() {
    local file=$1 command=$2 preprocess
    preprocess=${command/ -o */}
    { $tidy --version; cat .clang-tidy; echo "$command"; eval "$preprocess -E -P -C -o - '$file'"; } | sha256sum | cut -d' ' -f1
}

check_one() {
    local file=${1%%$'\t'*} command=${1#*$'\t'} key log
    key=$(key_of "$file" "$command")
    if [[ -e $clean/$key ]]; then
        echo "unchanged $file"
        return
    fi
    log=$(mktemp)
    if $tidy -p "$build" --quiet --warnings-as-errors='*' --extra-arg=-Wno-unknown-warning-option \
        --extra-arg=-Wno-ignored-optimization-argument "$file" >"$log" 2>/dev/null; then
        touch "$clean/$key"
        echo "clean $file"
    else
        echo "findings $file"
        cat "$log"
    fi
    rm -f "$log"
}
export -f check_one key_of
export tidy build clean

wanted=$(printf '%s\n' "$@")
list_commands | while IFS= read -r line; do
    [[ -z $wanted ]] || grep -qxF "${line%%$'\t'*}" <<<"$wanted" || continue
    printf '%s\0' "$line"
done >"$build/tidy.list"

count=$(tr -dc '\0' <"$build/tidy.list" | wc -c)
((count > 0)) || { echo "tidy: none of these files is compiled: $*" >&2; exit 2; }
xargs -0 -r -n 1 -P "$jobs" bash -c 'check_one "$1"' _ <"$build/tidy.list" >"$build/tidy.out" &
worker=$!
if [[ -t 2 ]]; then
    while kill -0 $worker 2>/dev/null; do
        printf '\r\033[Ktidy: %d of %d' "$(grep -cE '^(unchanged|clean|findings) ' "$build/tidy.out" || true)" "$count" >&2
        sleep 1
    done
    printf '\r\033[K' >&2
fi
wait $worker || true
grep -vE '^(unchanged|clean) ' "$build/tidy.out" || true
bad=$(grep -c '^findings ' "$build/tidy.out" || true)
echo "tidy: $count files, $bad with findings, $(grep -c '^unchanged ' "$build/tidy.out" || true) unchanged since they were clean" >&2
((bad == 0))
