// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/api/virtual_files.hpp"

#include <unistd.h>

#include <gtest/gtest.h>

#include "tests/kernel/api/fake_guest.hpp"

namespace trapgate::kernel {
namespace {

using Place = VirtualFiles::Place;

TEST(VirtualFiles, ShowTheGuestsKernel) {
    FakeGuest guest;
    VirtualFiles& files = guest.kernel.files();
    EXPECT_EQ(files.read("/sys/bus/event_source/devices/kprobe/type"), "6\n");
    EXPECT_EQ(files.read("/proc/kallsyms"),
              "ffffffff81000000 T start_kernel\nffffffff81000100 T do_sys_openat2\n");
    EXPECT_EQ(files.read("/sys/devices/system/cpu/possible"), "0\n");
}

TEST(VirtualFiles, HideTheHostsKernelUnderAnySpelling) {
    FakeGuest guest;
    const VirtualFiles& files = guest.kernel.files();
    for (const char* path :
         {"/proc/version_signature", "/proc/config.gz", "/boot/vmlinux", "/sys", "/sys/fs/bpf/x",
          "/lib/modules/6.1/vmlinux", "//proc//config.gz", "/tmp/../proc/config.gz",
          "/./sys/kernel/btf", "/usr/lib/debug/boot/vmlinux-6.1"}) {
        EXPECT_EQ(files.place(path), Place::Nowhere) << path;
    }
    EXPECT_EQ(files.place("/proc/../proc/./kallsyms"), Place::Virtual);
}

TEST(VirtualFiles, LeaveOtherPathsToTheHost) {
    FakeGuest guest;
    const VirtualFiles& files = guest.kernel.files();
    for (const char* path :
         {"/home/me/a.bpf.o", "a.bpf.o", "../sys/x", "/procedures", "/proc/self/fd/3", "/"}) {
        EXPECT_EQ(files.place(path), Place::Host) << path;
    }
}

TEST(VirtualFiles, TypeInformationIsThereOnceTheGuestHasIt) {
    FakeGuest guest;
    const VirtualFiles& files = guest.kernel.files();
    EXPECT_EQ(files.place("/sys/kernel/btf/vmlinux"), Place::Nowhere);
    guest.btf = {std::byte{1}, std::byte{0}, std::byte{3}};
    EXPECT_EQ(files.place("/sys/kernel/btf/vmlinux"), Place::Virtual);
    const UniqueFd fd = files.open("/sys/kernel/btf/vmlinux");
    std::array<std::byte, 8> bytes{};
    ASSERT_EQ(::read(fd.get(), bytes.data(), bytes.size()), 3);
    EXPECT_EQ(bytes[2], std::byte{3});
}

}  // namespace
}  // namespace trapgate::kernel
