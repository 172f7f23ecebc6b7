// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/random.h"

#include "kernel/syscall.h"

// Nothing in this machine is random, on purpose: a run can be repeated. (splitmix64)

static u64 state = 0x54726170676174eULL;

static u64 next_random(void) {
    u64 z = __atomic_add_fetch(&state, 0x9e3779b97f4a7c15ULL, __ATOMIC_RELAXED);
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
    return z ^ z >> 31;
}

ssize_t get_random_bytes_user(void __user* to, size_t count) {
    for (size_t done = 0; done < count; done += sizeof(u64)) {
        u64 word = next_random();
        if (copy_to_user((char __user*)to + done, &word, min(sizeof(word), count - done)) != 0) {
            return -EFAULT;
        }
        if (signal_pending(current) && done > 4096) {
            return (ssize_t)done;
        }
    }
    return (ssize_t)count;
}

SYSCALL_DEFINE3(getrandom, char __user*, buf, size_t, count, unsigned int, flags) {
    return flags & ~7u ? -EINVAL : get_random_bytes_user(buf, min(count, 0x7fffffffUL));
}
