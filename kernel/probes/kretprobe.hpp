// SPDX-License-Identifier: GPL-2.0-only
// Return probes: a handler at a function's entry, one at its return.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/address.hpp"
#include "kernel/probes/probe_regs.hpp"

namespace trapgate::kernel {

class Kprobe;
class Kprobes;
class Kretprobe;
class KretprobeHandle;
class Kretprobes;

/// One call of a probed function that has not returned yet.
class KretprobeInstance {
public:
    KretprobeInstance(Kretprobe& probe, GuestVa return_address, std::span<std::byte> data)
        : probe_(probe), return_address_(return_address), data_(data) {}

    [[nodiscard]] Kretprobe& probe() const { return probe_; }
    /// Where the function returns to: the guest's own address, whatever stands on its stack.
    [[nodiscard]] GuestVa return_address() const { return return_address_; }
    /// KretprobeSpec::data_bytes of the caller's own: zero when the entry handler gets them, kept
    /// until the return handler.
    [[nodiscard]] std::span<std::byte> data() const { return data_; }

private:
    Kretprobe& probe_;
    GuestVa return_address_;
    std::span<std::byte> data_;
};

/// At the function's entry. Non-zero: this call is of no interest, its return is not caught.
using EntryHandler = std::function<int(KretprobeInstance&, ProbeRegs&)>;
/// Behind the function's RET; RIP is where the guest goes on.
using ReturnHandler = std::function<void(KretprobeInstance&, ProbeRegs&)>;
/// The same for work on the guest CPU; the contract of GuestHandler.
using GuestReturnHandler = std::function<void(KretprobeInstance&, ProbeRegs&,
                                              std::function<void()> done)>;

/// What to probe: a function by its symbol or by its address.
struct KretprobeSpec {
    // The initialiser lets a designated one leave the member out without a warning of GCC.
    std::string symbol{};  // NOLINT(readability-redundant-member-init)
    std::uint64_t offset = 0;
    std::optional<GuestVa> address = std::nullopt;
    EntryHandler entry_handler = nullptr;
    ReturnHandler handler = nullptr;
    GuestReturnHandler guest_handler = nullptr;
    /// How many calls may be under way at once; 0 for Linux's default, max(10, 2 * CPUs).
    std::uint32_t maxactive = 0;
    std::uint32_t data_bytes = 0;
    bool disabled = false;
};

/// One registered return probe.
class Kretprobe {
public:
    [[nodiscard]] GuestVa address() const;
    /// "symbol+0xoffset".
    [[nodiscard]] const std::string& where() const;
    [[nodiscard]] bool enabled() const;
    [[nodiscard]] std::uint32_t maxactive() const { return spec_.maxactive; }
    /// Returns whose handlers ran.
    [[nodiscard]] std::uint64_t hits() const { return hits_; }
    /// Calls whose return is not seen: because maxactive were under way, or the entry itself was
    /// missed.
    [[nodiscard]] std::uint64_t nmissed() const;
    /// Of these, the ones that found no free instance.
    [[nodiscard]] std::uint64_t exhausted() const { return exhausted_; }
    /// Calls that are under way, as far as is known.
    [[nodiscard]] std::size_t active() const;
    /// For a guest handler that could not do its work: the hit becomes a miss.
    void count_missed() { ++missed_; }
    /// The probe at the function's entry.
    [[nodiscard]] Kprobe& entry() const { return *entry_; }

private:
    friend class Kretprobes;
    friend class KretprobeHandle;
    struct Pool;
    KretprobeSpec spec_;
    std::shared_ptr<Kprobe> entry_;
    std::shared_ptr<Pool> pool_;
    std::uint64_t hits_ = 0;
    std::uint64_t missed_ = 0;
    std::uint64_t exhausted_ = 0;
};

/// Owns one registration: destruction unregisters, and puts back every return address that the
/// probe has changed. Movable; an empty handle owns nothing.
class KretprobeHandle {
public:
    KretprobeHandle() = default;
    KretprobeHandle(Kretprobes& owner, std::shared_ptr<Kretprobe> probe)
        : owner_(&owner), probe_(std::move(probe)) {}
    KretprobeHandle(KretprobeHandle&& other) noexcept;
    KretprobeHandle& operator=(KretprobeHandle&& other) noexcept;
    KretprobeHandle(const KretprobeHandle&) = delete;
    KretprobeHandle& operator=(const KretprobeHandle&) = delete;
    ~KretprobeHandle() { reset(); }

    explicit operator bool() const { return probe_ != nullptr; }
    [[nodiscard]] Kretprobe& operator*() const { return *probe_; }
    [[nodiscard]] Kretprobe* operator->() const { return probe_.get(); }
    /// Unregisters now.
    void reset();

private:
    Kretprobes* owner_ = nullptr;
    std::shared_ptr<Kretprobe> probe_;
};

}  // namespace trapgate::kernel
