// SPDX-License-Identifier: GPL-2.0-only
// Jprobes: a handler with the probed function's own parameters. As in the first kprobes, there is
// one jprobe at an address at most; other probes may stand there too. The handler only looks: there
// is no jprobe_return to forget, and the guest's stack is never copied.
//
//     auto opens = register_jprobe(kprobes, "do_sys_openat2",
//         [&](std::int32_t dfd, GuestPointer<char> filename, GuestVa how) { ... });
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include "base/result.hpp"
#include "emu/machine.hpp"
#include "kernel/probes/kprobes.hpp"

namespace trapgate::kernel {

/// A parameter that points to a T in guest memory.
template <class T>
class GuestPointer {
public:
    GuestPointer() = default;
    GuestPointer(const emu::Machine& machine, GuestVa at) : machine_(&machine), at_(at) {}
    [[nodiscard]] GuestVa address() const { return at_; }
    /// The T there; nothing when it is not mapped.
    [[nodiscard]] std::optional<T> read(std::size_t index = 0) const {
        return emu::read_value<T>(*machine_, at_ + index * sizeof(T));
    }

private:
    const emu::Machine* machine_ = nullptr;
    GuestVa at_;
};

namespace jprobe_detail {

/// Integer parameter `index` by the System V ABI, 3.2.3: six in registers, the rest on the stack
/// behind the return address, eight bytes each.
[[nodiscard]] std::uint64_t parameter(const emu::Machine& machine, const ProbeRegs& regs,
                                      std::size_t index);

template <class T>
struct Parameter {
    static_assert(std::is_integral_v<T> || std::is_enum_v<T>,
                  "a parameter is an integer, an enumeration, a GuestVa or a GuestPointer");
    static T make(const emu::Machine&, std::uint64_t value) { return static_cast<T>(value); }
};
template <>
struct Parameter<GuestVa> {
    static GuestVa make(const emu::Machine&, std::uint64_t value) { return GuestVa{value}; }
};
template <class T>
struct Parameter<GuestPointer<T>> {
    static GuestPointer<T> make(const emu::Machine& machine, std::uint64_t value) {
        return GuestPointer<T>(machine, GuestVa{value});
    }
};

template <class F>
struct Signature : Signature<decltype(&F::operator())> {};
template <class C, class... A>
struct Signature<void (C::*)(A...) const> {
    using Parameters = std::tuple<std::remove_cvref_t<A>...>;
};
template <class C, class... A>
struct Signature<void (C::*)(A...)> : Signature<void (C::*)(A...) const> {};
template <class... A>
struct Signature<void (*)(A...)> {
    using Parameters = std::tuple<std::remove_cvref_t<A>...>;
};

template <class F, class... A, std::size_t... I>
void call(F& handler, const emu::Machine& machine, const ProbeRegs& regs, std::tuple<A...>*,
          std::index_sequence<I...>) {
    handler(Parameter<A>::make(machine, parameter(machine, regs, I))...);
}

}  // namespace jprobe_detail

/// Registers a jprobe at the entry of `symbol`. `handler` is a lambda or function that takes what
/// the probed function takes, from left to right and not necessarily all of it: integers,
/// enumerations, GuestVa, GuestPointer; and returns nothing. Errors: those of register_kprobe;
/// EINVAL not a function's entry; EEXIST another jprobe is there.
template <class F>
[[nodiscard]] Result<KprobeHandle> register_jprobe(Kprobes& kprobes, std::string symbol,
                                                   F handler) {
    using Parameters = typename jprobe_detail::Signature<F>::Parameters;
    const emu::Machine& machine = kprobes.machine();
    KprobeSpec spec{.symbol = std::move(symbol)};
    spec.pre_handler = [&machine, handler = std::move(handler)](Kprobe&, ProbeRegs& regs) mutable {
        jprobe_detail::call(handler, machine, regs, static_cast<Parameters*>(nullptr),
                            std::make_index_sequence<std::tuple_size_v<Parameters>>{});
        return 0;
    };
    spec.jprobe = true;
    return kprobes.register_kprobe(std::move(spec));
}

}  // namespace trapgate::kernel
