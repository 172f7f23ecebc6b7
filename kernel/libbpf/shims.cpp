// SPDX-License-Identifier: GPL-2.0-only
// What the redirected libbpf calls instead of the C library's functions (redirected_symbols.txt).
// Each has the C library's signature and contract, errno included, and works on the kernel of the
// thread's LibbpfScope.
#include <cerrno>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <zlib.h>

#include "kernel/api/host_kernel.hpp"
#include "kernel/libbpf/scope.hpp"

namespace {

using trapgate::kernel::HostKernel;
using trapgate::kernel::LibbpfScope;
using Place = trapgate::kernel::VirtualFiles::Place;

/// A system call's answer as the C library gives it.
long answer(long result) {
    if (result < 0) {
        errno = static_cast<int>(-result);
        return -1;
    }
    return result;
}

int refuse(int error) {
    errno = error;
    return -1;
}

/// Where a path leads; Nowhere without a kernel.
Place place_of(const char* path) {
    HostKernel* kernel = LibbpfScope::current();
    return kernel == nullptr ? Place::Nowhere : kernel->files().place(path);
}

int no_file() { return refuse(LibbpfScope::current() == nullptr ? ENOSYS : ENOENT); }

template <std::size_t N>
void put(char (&to)[N], const std::string& text) {
    std::strncpy(to, text.c_str(), N - 1);
    to[N - 1] = '\0';
}

}  // namespace

extern "C" {

long trapgate_libbpf_syscall(long number, ...);
int trapgate_libbpf_ioctl(int fd, unsigned long request, ...);
void* trapgate_libbpf_mmap64(void* address, size_t bytes, int protection, int flags, int fd,
                             off64_t offset);
int trapgate_libbpf_munmap(void* address, size_t bytes);
int trapgate_libbpf_close(int fd);
int trapgate_libbpf_epoll_wait(int epoll, epoll_event* events, int count, int timeout);
int trapgate_libbpf_open64(const char* path, int flags, ...);
FILE* trapgate_libbpf_fopen64(const char* path, const char* mode);
gzFile trapgate_libbpf_gzopen64(const char* path, const char* mode);
int trapgate_libbpf_faccessat(int folder, const char* path, int mode, int flags);
int trapgate_libbpf_statfs64(const char* path, struct statfs64* status);
int trapgate_libbpf_mkdir(const char* path, mode_t mode);
int trapgate_libbpf_unlink(const char* path);
int trapgate_libbpf_uname(utsname* name);
uid_t trapgate_libbpf_geteuid();
int trapgate_libbpf_getrlimit64(int resource, struct rlimit64* limit);
int trapgate_libbpf_setrlimit64(int resource, const struct rlimit64* limit);
int trapgate_libbpf_socket(int domain, int type, int protocol);

// The kernel itself.

long trapgate_libbpf_syscall(long number, ...) {
    va_list list;
    va_start(list, number);
    std::uint64_t arguments[5];
    for (std::uint64_t& argument : arguments) {
        argument = va_arg(list, std::uint64_t);  // libbpf passes 6 words at most, the number
                                                 // included.
    }
    va_end(list);
    HostKernel* kernel = LibbpfScope::current();
    if (kernel == nullptr) {
        return refuse(ENOSYS);
    }
    const auto as_int = [](std::uint64_t word) {
        return static_cast<int>(static_cast<std::uint32_t>(word));
    };
    switch (number) {
        case SYS_bpf:
            return answer(kernel->bpf(kernel->own_process(), as_int(arguments[0]), arguments[1],
                                      static_cast<std::uint32_t>(arguments[2])));
        case SYS_perf_event_open:
            return answer(kernel->perf_event_open(kernel->own_process(), arguments[0],
                                                  as_int(arguments[1]), as_int(arguments[2]),
                                                  as_int(arguments[3]), arguments[4]));
        default: return refuse(ENOSYS);
    }
}

int trapgate_libbpf_ioctl(int fd, unsigned long request, ...) {
    va_list list;
    va_start(list, request);
    const auto argument = va_arg(list, std::uint64_t);
    va_end(list);
    HostKernel* kernel = LibbpfScope::current();
    if (kernel == nullptr) {
        return refuse(ENOSYS);
    }
    return static_cast<int>(answer(kernel->ioctl(kernel->own_process(), fd, request, argument)));
}

void* trapgate_libbpf_mmap64(void* address, size_t bytes, int protection, int flags, int fd,
                             off64_t offset) {
    HostKernel* kernel = LibbpfScope::current();
    if (fd < 0 || kernel == nullptr || !kernel->owns(fd)) {
        return ::mmap64(address, bytes, protection, flags, fd, offset);
    }
    return kernel->mmap(address, bytes, protection, flags, fd, static_cast<std::uint64_t>(offset));
}

int trapgate_libbpf_munmap(void* address, size_t bytes) {
    HostKernel* kernel = LibbpfScope::current();
    return kernel == nullptr ? ::munmap(address, bytes) : kernel->munmap(address, bytes);
}

int trapgate_libbpf_close(int fd) {
    const int result = ::close(fd);
    if (HostKernel* kernel = LibbpfScope::current(); kernel != nullptr) {
        const int error = errno;
        kernel->reap();
        errno = error;
    }
    return result;
}

int trapgate_libbpf_epoll_wait(int epoll, epoll_event* events, int count, int timeout) {
    if (HostKernel* kernel = LibbpfScope::current(); kernel != nullptr) {
        kernel->sync_readiness();
    }
    return ::epoll_wait(epoll, events, count, timeout);
}

// The kernel's files.

int trapgate_libbpf_open64(const char* path, int flags, ...) {
    switch (place_of(path)) {
        case Place::Host: {
            va_list list;
            va_start(list, flags);
            const int mode = (flags & O_CREAT) != 0 ? va_arg(list, int) : 0;
            va_end(list);
            return ::open64(path, flags, mode);
        }
        case Place::Virtual:
            if ((flags & O_ACCMODE) != O_RDONLY) {
                return refuse(EACCES);
            }
            return LibbpfScope::current()->files().open(path).release();
        case Place::Nowhere: break;
    }
    return no_file();
}

FILE* trapgate_libbpf_fopen64(const char* path, const char* mode) {
    switch (place_of(path)) {
        case Place::Host: return ::fopen64(path, mode);
        case Place::Virtual: {
            if (mode[0] != 'r' || std::string_view(mode).find('+') != std::string_view::npos) {
                errno = EACCES;
                return nullptr;
            }
            const int fd = LibbpfScope::current()->files().open(path).release();
            FILE* file = fd < 0 ? nullptr : ::fdopen(fd, mode);
            if (fd >= 0 && file == nullptr) {
                ::close(fd);
            }
            return file;
        }
        case Place::Nowhere: break;
    }
    no_file();
    return nullptr;
}

gzFile trapgate_libbpf_gzopen64(const char* path, const char* mode) {
    if (place_of(path) == Place::Host) {
        return ::gzopen64(path, mode);
    }
    const int fd = trapgate_libbpf_open64(path, O_RDONLY | O_CLOEXEC);
    return fd < 0 ? nullptr : ::gzdopen(fd, mode);
}

int trapgate_libbpf_faccessat(int folder, const char* path, int mode, int flags) {
    switch (place_of(path)) {
        case Place::Host: return ::faccessat(folder, path, mode, flags);
        case Place::Virtual: return (mode & (W_OK | X_OK)) == 0 ? 0 : refuse(EACCES);
        case Place::Nowhere: break;
    }
    return no_file();
}

int trapgate_libbpf_statfs64(const char* path, struct statfs64* status) {
    return place_of(path) == Place::Host ? ::statfs64(path, status) : no_file();
}

int trapgate_libbpf_mkdir(const char* path, mode_t mode) {
    return place_of(path) == Place::Host ? ::mkdir(path, mode) : no_file();
}

int trapgate_libbpf_unlink(const char* path) {
    return place_of(path) == Place::Host ? ::unlink(path) : no_file();
}

// Who and where we are.

int trapgate_libbpf_uname(utsname* name) {
    HostKernel* kernel = LibbpfScope::current();
    if (kernel == nullptr) {
        return refuse(ENOSYS);
    }
    *name = {};
    put(name->sysname, "Linux");
    put(name->nodename, "trapgate");
    put(name->release, kernel->guest().release);
    put(name->version, kernel->guest().version);
    put(name->machine, "x86_64");
    return 0;
}

uid_t trapgate_libbpf_geteuid() {
    return 0;  // Whoever owns the machine is its root.
}

int trapgate_libbpf_getrlimit64(int, struct rlimit64* limit) {
    *limit = {RLIM64_INFINITY, RLIM64_INFINITY};
    return 0;
}

int trapgate_libbpf_setrlimit64(int, const struct rlimit64*) { return 0; }

int trapgate_libbpf_socket(int, int, int) { return refuse(EAFNOSUPPORT); }

}  // extern "C"
