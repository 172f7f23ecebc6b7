#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# fetch_linux.sh [FOLDER]: Debian's stock kernel and a static busybox, for tests and for trying out; FOLDER is
# build/deps/linux when not given. Downloaded and unpacked, never installed and never part of the tree. It leaves
#
#     vmlinuz config version    of the kernel package that linux-image-amd64 stands for
#     busybox                   the static one of busybox-static
#
# Exit status: 0 everything is there; 3 the archive does not offer it (the reason is on stderr); 2 wrong use.
set -euo pipefail

say() { printf 'linux: %s\n' "$*" >&2; }
unavailable() { say "$*"; exit 3; }

# Downloads package $1 and prints the path of its file.
download() {
    local folder=$work/$1
    mkdir -p "$folder"
    say "downloading $1"
    (cd "$folder" && apt-get -q -o APT::Sandbox::User="$(id -un)" download "$1") >"$work/log" 2>&1 ||
        { tail -n 3 "$work/log" >&2; unavailable "$1 could not be downloaded; is the package index there (apt-get update)?"; }
    echo "$folder"/*.deb
}

fetch_kernel() {
    local file
    file=$(download "$image")
    dpkg-deb -x "$file" "$work/root"
    cp "$work/root/boot/vmlinuz-${image#linux-image-}" "$target/vmlinuz.new"
    cp "$work/root/boot/config-${image#linux-image-}" "$target/config"
    echo "$image $(dpkg-deb -f "$file" Version)" >"$target/version"
    mv "$target/vmlinuz.new" "$target/vmlinuz"
}

fetch_busybox() {
    local file
    file=$(download busybox-static)
    dpkg-deb -x "$file" "$work/busybox"
    cp "$work/busybox/bin/busybox" "$target/busybox.new"
    mv "$target/busybox.new" "$target/busybox"
}

main() {
    (($# <= 1)) && [[ ${1:-} != -* ]] || { echo "usage: fetch_linux.sh [FOLDER]" >&2; exit 2; }
    target=${1:-$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)/build/deps/linux}
    command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || unavailable "there is no apt on this machine"
    [[ $(dpkg --print-architecture) == amd64 ]] || unavailable "Debian's kernel for amd64 is fetched on amd64 only"
    mkdir -p "$target"
    exec 9>"$target/.lock"
    flock 9
    work=$(mktemp -d "$target/new.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    if [[ -r $target/version ]]; then
        image=$(cut -d' ' -f1 "$target/version")
    else
        image=$(apt-cache depends linux-image-amd64 2>/dev/null | sed -n 's/^ *Depends: \(linux-image-.*-amd64\)$/\1/p' | head -n 1)
        [[ -n $image ]] || unavailable "apt knows no linux-image-amd64; is the package index there (apt-get update)?"
    fi
    [[ -e $target/vmlinuz ]] || fetch_kernel
    [[ -e $target/busybox ]] || fetch_busybox
    say "$(cat "$target/version") is in $target"
}

[[ ${BASH_SOURCE[0]} != "$0" ]] || main "$@"
