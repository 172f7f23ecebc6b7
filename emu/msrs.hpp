// SPDX-License-Identifier: GPL-2.0-only
#pragma once

/// Model-specific registers that the machine answers itself. Addresses: Intel SDM vol. 4, table
/// 2-2.

#include <cstdint>
#include <optional>

namespace trapgate::emu {

namespace msr {
inline constexpr std::uint32_t kTsc = 0x10;
inline constexpr std::uint32_t kPlatformId = 0x17;
inline constexpr std::uint32_t kApicBase = 0x1b;
inline constexpr std::uint32_t kTscAdjust = 0x3b;
inline constexpr std::uint32_t kPlatformInfo = 0xce;
inline constexpr std::uint32_t kTscDeadline = 0x6e0;
}  // namespace msr

/// Who answers for an MSR.
enum class MsrOwner : std::uint8_t {
    Engine,   ///< The CPU engine implements it.
    Machine,  ///< Time and platform facts.
    Nobody,   ///< #GP(0), as on hardware.
};

[[nodiscard]] MsrOwner msr_owner(std::uint32_t index);

/// The state behind the machine's MSRs, but for those of the local APIC.
class MachineMsrs {
public:
    /// `tsc`: cycles since reset.
    [[nodiscard]] std::uint64_t read(std::uint32_t index, std::uint64_t tsc) const;
    /// False for #GP(0).
    [[nodiscard]] bool write(std::uint32_t index, std::uint64_t value, std::uint64_t tsc);

    /// What RDTSC shows at `tsc` cycles.
    [[nodiscard]] std::uint64_t time_stamp(std::uint64_t tsc) const { return tsc + tsc_offset_; }

    /// The inverse: at how many cycles RDTSC will show `tsc`.
    [[nodiscard]] std::uint64_t cycles_at(std::uint64_t tsc) const { return tsc - tsc_offset_; }

    template <class Archive>
    void fields(Archive& archive) {
        archive("msrs", 1, tsc_offset_);
    }

private:
    std::uint64_t tsc_offset_ = 0;
};

}  // namespace trapgate::emu
