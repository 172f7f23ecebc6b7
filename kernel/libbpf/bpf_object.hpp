// SPDX-License-Identifier: GPL-2.0-only
// A .bpf.o file, opened, loaded and attached by the real libbpf, as a C++ value with sentences for
// errors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "kernel/api/host_kernel.hpp"

namespace trapgate::kernel {

/// Calls are for the machine's own thread, but for poll() and consume(), which any one thread may
/// use at a time. The HostKernel must outlive it. Destruction detaches the programs and gives up
/// the maps.
class BpfObject {
public:
    /// Reads and parses the file. Errors: no such file, not an ELF file, an ELF file for something
    /// else, no programs, and what libbpf has against it (unknown sections...).
    [[nodiscard]] static Result<std::unique_ptr<BpfObject>> open(HostKernel& kernel,
                                                                 const std::filesystem::path& path);
    ~BpfObject();
    BpfObject(const BpfObject&) = delete;
    BpfObject& operator=(const BpfObject&) = delete;

    /// Relocates (CO-RE against the guest's BTF), makes the maps, verifies the programs and places
    /// them in the guest. Errors name the program or map and the reason's last line; log() has all
    /// of it, the verifier's log included.
    Result<void> load();

    /// One program, tied to its place.
    struct Attachment {
        std::string program;
        std::string section;                     ///< "kprobe/do_sys_openat2"
        std::shared_ptr<PerfEventObject> event;  ///< Counts and the armed probe.
    };
    /// Attaches each program where its section name says. All or nothing. Errors: unknown kernel
    /// function (nearest names as hint), a section without a place.
    Result<void> attach();
    [[nodiscard]] const std::vector<Attachment>& attachments() const { return attachments_; }
    /// Takes the programs from their places again.
    void detach();

    struct MapRef {
        std::string name;
        bool internal = false;              ///< .data, .rodata, .bss, .kconfig
        std::shared_ptr<MapObject> object;  ///< Null before load().
    };
    [[nodiscard]] std::vector<MapRef> maps() const;
    /// Null for an unknown name, and before load().
    [[nodiscard]] std::shared_ptr<MapObject> map(const std::string& name) const;

    struct ProgramRef {
        std::string name;
        std::string section;
        std::shared_ptr<ProgramObject> object;  ///< Null before load().
    };
    [[nodiscard]] std::vector<ProgramRef> programs() const;

    /// Gets each record of each ring buffer, in order, with the map's name. Once, after load().
    using RecordSink = std::function<void(const std::string& map,
                                          std::span<const std::byte> record)>;
    Result<void> read_rings(RecordSink sink);
    /// Waits up to `timeout_ms` (0: not at all) until a ring has records and hands them out; how
    /// many there were.
    Result<int> poll(int timeout_ms);
    /// Hands out what is there, without waiting or asking for readiness.
    Result<int> consume();

    /// The object's own BTF; empty when it has none.
    [[nodiscard]] std::span<const std::byte> btf() const;
    /// All that libbpf said so far.
    [[nodiscard]] const std::string& log() const { return log_; }

private:
    struct Handles;  // libbpf's pointers
    BpfObject(HostKernel& kernel, std::filesystem::path path);

    HostKernel& kernel_;
    std::filesystem::path path_;
    std::vector<std::byte> image_;
    std::string log_;
    RecordSink sink_;
    std::unique_ptr<Handles> handles_;
    std::vector<Attachment> attachments_;
};

}  // namespace trapgate::kernel
