// SPDX-License-Identifier: GPL-2.0-only
#include "tests/kernel/api/fake_guest.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <sys/syscall.h>
#include <unistd.h>

namespace trapgate::kernel {
namespace {

class FakeCode final : public PlacedProgram {
public:
    explicit FakeCode(int& count) : count_(count) { ++count_; }
    ~FakeCode() override { --count_; }
    [[nodiscard]] std::span<const std::uint8_t> code() const override { return code_; }
    [[nodiscard]] GuestVa entry() const override { return GuestVa{0xffffffffc0000000}; }
    [[nodiscard]] std::uint64_t runs() const override { return 0; }

private:
    int& count_;
    std::array<std::uint8_t, 3> code_{0x31, 0xc0, 0xc3};
};

class FakeArmed final : public ArmedProbe {
public:
    FakeArmed(std::vector<std::shared_ptr<FakeProbes::Armed>>& all,
              std::shared_ptr<FakeProbes::Armed> mine)
        : all_(all), mine_(std::move(mine)) {
        all_.push_back(mine_);
    }
    ~FakeArmed() override { std::erase(all_, mine_); }
    [[nodiscard]] std::uint64_t hits() const override { return 0; }
    [[nodiscard]] std::uint64_t missed() const override { return 0; }

private:
    std::vector<std::shared_ptr<FakeProbes::Armed>>& all_;
    std::shared_ptr<FakeProbes::Armed> mine_;
};

}  // namespace

Result<std::unique_ptr<PlacedProgram>> FakeProbes::place(const std::string&,
                                                         const bpf::VerifiedProgram&,
                                                         std::vector<std::shared_ptr<bpf::Map>>) {
    return std::make_unique<FakeCode>(placed);
}

Result<std::unique_ptr<ArmedProbe>> FakeProbes::arm(const ProbeTarget& target,
                                                    std::weak_ptr<ProbeClient> client) {
    if (target.symbol != known_symbol) {
        return fail("no such symbol", target.symbol, "did you mean " + known_symbol + "?", ENOENT);
    }
    return std::make_unique<FakeArmed>(armed, std::make_shared<Armed>(Armed{target, client}));
}

FakeGuest::FakeGuest(std::vector<std::byte> kernel_btf)
    : symbols({{"do_sys_openat2", GuestVa{0xffffffff81000100}, 64, 'T'},
               {"start_kernel", GuestVa{0xffffffff81000000}, 16, 'T'}}),
      btf(std::move(kernel_btf)),
      kernel(GuestFacts{.symbols = [this]() -> const emu::SymbolTable& { return symbols; },
                        .btf = [this] { return std::span<const std::byte>(btf); },
                        .now_ns = [] { return std::uint64_t{42}; }},
             storage, probes) {}

long linux_bpf(int cmd, union bpf_attr* attr, unsigned size) {
    const long result = ::syscall(SYS_bpf, cmd, attr, size);
    return result < 0 ? -errno : result;
}

bool linux_answers_bpf() {
    union bpf_attr attr = map_attr(BPF_MAP_TYPE_ARRAY, 4, 4, 1);
    const long fd = linux_bpf(BPF_MAP_CREATE, &attr, sizeof(attr));
    if (fd >= 0) {
        ::close(static_cast<int>(fd));
    }
    return fd >= 0;
}

union bpf_attr map_attr(std::uint32_t type, std::uint32_t key, std::uint32_t value,
                        std::uint32_t entries, std::uint32_t flags) {
    union bpf_attr attr;
    std::memset(&attr, 0, sizeof(attr));
    attr.map_type = type;
    attr.key_size = key;
    attr.value_size = value;
    attr.max_entries = entries;
    attr.map_flags = flags;
    return attr;
}

union bpf_attr program_attr(std::uint32_t type, std::span<const bpf::Insn> insns) {
    union bpf_attr attr;
    std::memset(&attr, 0, sizeof(attr));
    attr.prog_type = type;
    attr.insns = reinterpret_cast<std::uint64_t>(insns.data());
    attr.insn_cnt = static_cast<std::uint32_t>(insns.size());
    attr.license = reinterpret_cast<std::uint64_t>("GPL");
    return attr;
}

}  // namespace trapgate::kernel
