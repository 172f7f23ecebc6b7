#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# beside_qemu.sh [RUNS]: CPU time of a boot of Debian's kernel to a busybox shell that works a little and ends, in Trapgate
# and in Debian's qemu-system-x86_64 (TCG): the same kernel, initramfs and command line, runs in turn, the least of each.
# Needs ./dev build, ./dev fetch-linux, and the packages qemu-system-x86 and cpio.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

readonly runs=${1:-3}
readonly linux=build/deps/linux trapgate=build/release/bin/trapgate
readonly append='console=ttyS0 panic=-1'

for needed in "$trapgate" "$linux/vmlinuz" "$linux/busybox"; do
    [[ -e $needed ]] || { echo "beside_qemu: no $needed: ./dev build, ./dev fetch-linux" >&2; exit 2; }
done
for needed in qemu-system-x86_64 cpio; do
    command -v "$needed" >/dev/null || { echo "beside_qemu: no $needed here" >&2; exit 2; }
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

make_initramfs() {
    local root=$work/root
    mkdir -p "$root"/{bin,dev,proc,sys,tmp}
    cp "$linux/busybox" "$root/bin/busybox"
    ln -s busybox "$root/bin/sh"
    cat >"$root/init" <<'INIT'
#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin
mount -t devtmpfs dev /dev
mount -t proc proc /proc
for i in 1 2 3 4 5; do (for j in 1 2 3; do sh -c "echo $i.$j" & done; wait) | sort | tr '\n' ' '; done; echo
dd if=/dev/zero bs=1M count=8 2>/dev/null | gzip -1 | wc -c
sleep 1
printf '\0' | dd of=/dev/port bs=1 seek=244 2>/dev/null
INIT
    chmod +x "$root/init"
    (cd "$root" && find . | LC_ALL=C sort | cpio -o -H newc --quiet) >"$work/initramfs"
}

# Runs a command; its user and system seconds go to the variable `seconds`.
measure() {
    local TIMEFORMAT='%U %S' times status=0
    times=$({ time "$@" >"$work/console" 2>&1; } 2>&1) || status=$?
    grep -q '5.1 5.2 5.3' "$work/console" ||
        { echo "beside_qemu: this did not reach its end (status $status): $*" >&2; tail -n 5 "$work/console" >&2; exit 1; }
    seconds=$(awk '{ print $1 + $2 }' <<<"$times")
}

make_initramfs
ours=() theirs=()
for ((run = 0; run < runs; ++run)); do
    measure "$trapgate" run --kernel "$linux/vmlinuz" --initrd "$work/initramfs" --append "$append"
    ours+=("$seconds")
    measure qemu-system-x86_64 -accel tcg -m 256M -kernel "$linux/vmlinuz" -initrd "$work/initramfs" -append "$append" \
        -nographic -no-reboot -nic none -device isa-debug-exit,iobase=0xf4,iosize=1
    theirs+=("$seconds")
done
least() { printf '%s\n' "$@" | sort -n | head -n 1; }
awk -v ours="$(least "${ours[@]}")" -v theirs="$(least "${theirs[@]}")" -v version="$(cat "$linux/version")" \
    -v qemu="$(qemu-system-x86_64 --version | head -n 1)" 'BEGIN {
    printf "%s\n  trapgate   %.2f s CPU\n  %s   %.2f s CPU\n  ratio      %.2f\n", version, ours, qemu, theirs, ours / theirs }'
