// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <map>

#include "bpf/storage.hpp"
#include "emu/machine.hpp"

namespace trapgate::bpf {

/// Map storage in the probe window's data area, mapped for the guest as soon as it is handed out.
/// The machine must outlive it, and it must outlive the maps made with it.
class GuestStorage : public Storage {
public:
    explicit GuestStorage(emu::Machine& machine) : machine_(machine) {}

    Result<StorageBlock> allocate(std::uint64_t bytes, std::uint64_t mirrored_tail) override;
    void release(const StorageBlock& block) override;

private:
    emu::Machine& machine_;
    std::map<std::uint64_t, emu::WindowBlock> blocks_;  ///< By guest address.
};

}  // namespace trapgate::bpf
