#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# fetch_unicorn.sh FOLDER: unpacks Debian's binary packages of Unicorn 2.1.4 into FOLDER (usr/include, usr/lib/...).
#
# Debian 12's own Unicorn (2.0.1) cannot page x86 memory; forky's 2.1.4 needs no newer glibc than Debian 12 has. It is
# downloaded and unpacked, never installed: the package of the newer suite would break the older library. apt works here
# with a source list, state and cache of its own, made from the archive that this machine is configured with, so that
# its mirror, proxy and signing keys are the ones in use; nothing of the system's configuration is read later or changed.
#
# Exit status: 0 unpacked; 3 the archive does not offer 2.1.4 (the reason is on stderr); 2 wrong use.
set -euo pipefail

readonly wanted=2.1.4
readonly suites=(forky sid)
readonly packages=(libunicorn2t64 libunicorn-dev)
readonly here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# Tests name another configuration to read.
readonly apt_config=${TRAPGATE_APT_CONFIG:-/etc/apt}

say() { printf 'unicorn: %s\n' "$*" >&2; }
unavailable() { say "$*"; exit 3; }

# Prints one deb822 stanza for suite $1 from each configured entry that serves this release's main component.
stanzas_for_suite() {
    local suite=$1 codename=$2 file
    for file in "$apt_config"/sources.list.d/*.sources; do
        [[ -r $file ]] && awk -v suite="$suite" -v codename="$codename" '
            function flush() {
                if (types ~ /(^| )deb( |$)/ && (" " suites " ") ~ (" " codename " ") &&
                    (" " components " ") ~ / main / && enabled !~ /^(no|false)/) {
                    printf "Types: deb\nURIs: %s\nSuites: %s\nComponents: main\n%s\n", uris, suite, keep
                }
                types = uris = suites = components = keep = enabled = ""
            }
            /^[ \t]*$/ { flush(); field = ""; next }
            /^#/ { next }
            /^[ \t]/ { if (field == "signed-by") keep = keep $0 "\n"; next }
            {
                field = tolower($0); sub(/:.*/, "", field)
                value = $0; sub(/^[^:]*:[ \t]*/, "", value)
                if (field == "types") types = value
                else if (field == "uris") uris = value
                else if (field == "suites") suites = value
                else if (field == "components") components = value
                else if (field == "enabled") enabled = tolower(value)
                else if (field == "signed-by" || field == "trusted") keep = keep $0 "\n"
            }
            END { flush() }' "$file"
    done
    for file in "$apt_config"/sources.list "$apt_config"/sources.list.d/*.list; do
        [[ -r $file ]] && awk -v suite="$suite" -v codename="$codename" '
            $1 == "deb" {
                line = $0; sub(/[ \t]#.*/, "", line); options = ""
                if (match(line, /\[[^]]*\]/)) {
                    options = substr(line, RSTART + 1, RLENGTH - 2)
                    line = substr(line, 1, RSTART - 1) substr(line, RSTART + RLENGTH)
                }
                count = split(line, word)
                if (word[3] != codename) next
                has_main = 0
                for (i = 4; i <= count; ++i) if (word[i] == "main") has_main = 1
                if (!has_main) next
                printf "Types: deb\nURIs: %s\nSuites: %s\nComponents: main\n", word[2], suite
                count = split(options, option)
                for (i = 1; i <= count; ++i) {
                    value = option[i]; sub(/^[^=]*=/, "", value); gsub(/,/, " ", value)
                    if (option[i] ~ /^signed-by=/) printf "Signed-By: %s\n", value
                    if (option[i] ~ /^trusted=/) printf "Trusted: %s\n", value
                }
                print ""
            }' "$file"
    done
    return 0
}

# apt-get or apt-cache ($1) with nothing but our own source list in folder $apt. An index that is past its date will do, as
# on a mirror that stands still: one fixed version is wanted, and signatures are checked as ever.
private_apt() {
    local tool=$1
    shift
    "$tool" -q \
        -o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts="$apt/sources" \
        -o Dir::State="$apt/state" -o Dir::State::status=/dev/null -o Dir::Cache="$apt/cache" \
        -o APT::Architecture=amd64 -o APT::Architectures=amd64 -o APT::Sandbox::User="$(id -un)" \
        -o Acquire::Languages=none -o Acquire::Retries=3 -o Acquire::Check-Valid-Until=false -o APT::Get::List-Cleanup=true "$@"
}

# 2.1.4 as Debian writes it: 2.1.4-4, 2.1.4+dfsg-1, 2.1.4-4+b1, but no 2.1.4~rc1.
is_wanted_version() { [[ $1 == "$wanted" || $1 == "$wanted"[-+]* ]]; }

check_digest() {
    local file=$1 name digest
    name=$(basename "$file")
    digest=$(sha256sum "$file" | cut -d' ' -f1)
    if grep -q "^$digest " "$here/unicorn.sha256"; then
        say "$name is a build known by its SHA-256"
    else
        say "notice: $name (SHA-256 $digest) is a rebuild of $wanted not seen before."
        say "        Its signature is right; Trapgate's self-check at start proves the rest."
    fi
}

try_suite() {
    local suite=$1 package version file
    mkdir -p "$apt"/{sources,state/lists/partial,cache/archives/partial,debs}
    stanzas_for_suite "$suite" "$codename" >"$apt/sources/trapgate.sources"
    [[ -s $apt/sources/trapgate.sources ]] ||
        unavailable "no entry of $apt_config serves main of $codename, so there is no archive address to use"
    say "reading the package index of $suite (20 MB)"
    private_apt apt-get update >"$apt/log" 2>&1 || { tail -n 3 "$apt/log" >&2; return 1; }
    for package in "${packages[@]}"; do
        version=$(private_apt apt-cache show --no-all-versions "$package" 2>/dev/null | sed -n 's/^Version: //p') || true
        is_wanted_version "$version" || { say "$suite has $package ${version:-not at all}, not $wanted"; return 1; }
    done
    (cd "$apt/debs" && private_apt apt-get download "${packages[@]}") >"$apt/log" 2>&1 ||
        { tail -n 3 "$apt/log" >&2; return 1; }
    for file in "$apt"/debs/*.deb; do
        check_digest "$file"
        dpkg-deb -x "$file" "$unpacked"
    done
}

main() {
    [[ $# == 1 ]] || { echo "usage: fetch_unicorn.sh FOLDER" >&2; exit 2; }
    local target=$1 suite
    command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || unavailable "there is no apt on this machine"
    [[ $(dpkg --print-architecture) == amd64 ]] || unavailable "Debian's packages are used on amd64 only"
    codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
    mkdir -p "$(dirname "$target")"
    exec 9>"$target.lock"
    flock 9  # two build folders may be configured at once
    [[ -e $target/usr/include/unicorn/unicorn.h ]] && exit 0
    work=$(mktemp -d "$target.new.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    unpacked=$work/root
    for suite in "${suites[@]}"; do
        apt=$work/apt-$suite
        if try_suite "$suite"; then
            rm -rf "$target"
            mv "$unpacked" "$target"
            exit 0
        fi
    done
    unavailable "neither ${suites[*]} at the configured archive gave Unicorn $wanted"
}

[[ ${BASH_SOURCE[0]} != "$0" ]] || main "$@"
