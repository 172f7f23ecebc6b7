// SPDX-License-Identifier: GPL-2.0-only
#include "labs/measure.hpp"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>

#include "kernel/probes/kprobes.hpp"

namespace trapgate::labs {
namespace {

constexpr std::size_t kMaxString = 256;

// What a guest address points to, when that is printable text.
std::string text_at(const emu::Machine& machine, GuestVa va) {
    std::string text;
    while (text.size() < kMaxString) {
        const auto byte = emu::read_value<std::uint8_t>(machine, va + text.size());
        if (byte && *byte == 0) {
            break;
        }
        if (!byte || std::isprint(*byte) == 0) {
            text.clear();
            break;
        }
        text += static_cast<char>(*byte);
    }
    return text;
}

}  // namespace

Result<std::unique_ptr<kernel::Session>> Bench::boot(
    const std::string& append, std::vector<std::string> probes,
    std::vector<std::filesystem::path> objects) const {
    kernel::SessionConfig config;
    config.image = {image, append};
    config.probes = std::move(probes);
    config.objects = std::move(objects);
    return kernel::Session::create(config);
}

Result<void> Bench::finish(kernel::Session& session) const {
    emu::RunLimits limits;
    limits.max_instructions = max_instructions;
    limits.max_host_seconds = max_seconds;
    const emu::StopEvent stop = session.run(limits);
    if (stop.reason == emu::StopReason::GuestExit && stop.status == 0) {
        return {};
    }
    return fail(
        fmt::format("the guest did not come to a good end: {}", kernel::reason_name(stop.reason)),
        {}, "trapgate run shows its console");
}

Result<const Measurements::Observation*> Measurements::observe(const std::string& symbol,
                                                               const std::string& append) {
    const auto key = std::make_pair(symbol, append);
    if (const auto known = observations_.find(key); known != observations_.end()) {
        return &known->second;
    }
    Result<std::unique_ptr<kernel::Session>> session = bench_.boot(append);
    if (!session) {
        return tl::unexpected(session.error());
    }
    emu::Machine& machine = (*session)->machine();
    Observation seen;
    kernel::KprobeSpec spec;
    spec.symbol = symbol;
    spec.pre_handler = [&](kernel::Kprobe&, kernel::ProbeRegs& regs) {
        for (std::size_t i = 0; i < cpu::kGprCount; ++i) {
            const auto gpr = static_cast<cpu::Gpr>(i);
            const std::string name(cpu::gpr_name(gpr));
            seen.sum[name] += regs[gpr];
            if (seen.hits == 0) {
                seen.first[name] = regs[gpr];
                seen.strings[name] = text_at(machine, GuestVa{regs[gpr]});
            }
        }
        ++seen.hits;
        return 0;
    };
    Result<kernel::KprobeHandle> probe = (*session)->probes().register_kprobe(std::move(spec));
    if (!probe) {
        return tl::unexpected(probe.error());
    }
    return bench_.finish(**session).map([&] { return &(observations_[key] = std::move(seen)); });
}

Result<Value> Measurements::measure(const Quantity& quantity, const std::string& append) {
    using Kind = Quantity::Kind;
    if (quantity.kind == Kind::Constant) {
        return Value(quantity.constant);
    }
    if (quantity.kind == Kind::SymbolAddress) {
        return bench_.boot(append)
            .and_then([&](const std::unique_ptr<kernel::Session>& session) {
                return session->machine().symbols().find(quantity.symbol);
            })
            .map([](const emu::Symbol& symbol) { return Value(symbol.address.value); });
    }
    return observe(quantity.symbol, append).and_then([&](const Observation* seen) -> Result<Value> {
        if (quantity.kind == Kind::Hits) {
            return Value(seen->hits);
        }
        if (!seen->first.contains(quantity.reg)) {
            return fail(
                fmt::format("no call of {}, or no register {}", quantity.symbol, quantity.reg),
                "lab.json");
        }
        switch (quantity.kind) {
            case Kind::RegisterSum: return Value(seen->sum.at(quantity.reg));
            case Kind::FirstString: return Value(seen->strings.at(quantity.reg));
            default: return Value(seen->first.at(quantity.reg));
        }
    });
}

std::string value_text(const Value& value) {
    if (const auto* number = std::get_if<std::uint64_t>(&value)) {
        constexpr std::uint64_t kLooksLikeAnAddress = 1ULL << 32;
        return *number >= kLooksLikeAnAddress ? fmt::format("{:#x}", *number)
                                              : fmt::format("{}", *number);
    }
    return fmt::format("\"{}\"", std::get<std::string>(value));
}

}  // namespace trapgate::labs
