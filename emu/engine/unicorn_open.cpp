// SPDX-License-Identifier: GPL-2.0-only
// Opening the library: version, state, memory map, hooks.
#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "emu/engine/unicorn_engine.hpp"
#include "emu/engine/unicorn_internals.hpp"

namespace trapgate::emu {
namespace {

constexpr std::uint64_t kPhysicalEnd = 1ULL << 40;  // of the CPU model
constexpr std::uint32_t kTranslationBuffer = 128U << 20;

// Ports and memory that nothing answers read as ones on a PC.
std::uint64_t open_bus_read(uc_engine*, std::uint64_t, unsigned bytes, void*) {
    return ~0ULL >> (64 - 8 * bytes);
}
void open_bus_write(uc_engine*, std::uint64_t, unsigned, std::uint64_t, void*) {}

Result<void> checked(uc_err error, const char* what) {
    if (error != UC_ERR_OK) {
        return fail(fmt::format("{}: {}", what, uc_strerror(error)), "libunicorn", {}, ENOTSUP);
    }
    return {};
}

}  // namespace

struct UnicornEngine::Callbacks {
    // With one block hook, translated code calls it directly, with what the hook held when the
    // block was translated.
    static void block(uc_engine*, std::uint64_t pc, std::uint32_t bytes, void* user) {
        UnicornEngine::enter_block(*static_cast<BlockInfo*>(user), pc, bytes);
    }
    static void exception(uc_engine*, std::uint32_t vector, void* user) {
        static_cast<UnicornEngine*>(user)->on_exception(static_cast<std::uint8_t>(vector));
    }
    // No memory answers there: the bus reads as ones, and ff ff is no instruction. Nor are a
    // device's registers.
    static bool fetch_from_nowhere(uc_engine*, uc_mem_type, std::uint64_t, int, std::int64_t,
                                   void* user) {
        auto& engine = *static_cast<UnicornEngine*>(user);
        raise_exception_err_ra_x86_64(engine.state_.env_pointer(),
                                      static_cast<int>(cpu::Vector::InvalidOpcode), 0, 0);
    }
    static std::uint64_t device_read(uc_engine*, std::uint64_t offset, unsigned bytes, void* user) {
        const auto& window = *static_cast<const DeviceWindow*>(user);
        return window.engine->device_read(window.base + offset, bytes);
    }
    static void device_write(uc_engine*, std::uint64_t offset, unsigned bytes, std::uint64_t value,
                             void* user) {
        const auto& window = *static_cast<const DeviceWindow*>(user);
        window.engine->device_write(window.base + offset, bytes, value);
    }
    static bool invalid_instruction(uc_engine*, void* user) {
        static_cast<UnicornEngine*>(user)->on_exception(
            static_cast<std::uint8_t>(cpu::Vector::InvalidOpcode));
        return true;
    }
};

/// The fields of the library's `struct hook` that matter; a hook's handle is its address.
struct UnicornEngine::BlockHook {
    void* callback;
    void* argument;

    static BlockHook* of(uc_hook handle, const void* callback, const void* argument) {
        constexpr std::size_t kCallback = 40;
        auto* const hook = reinterpret_cast<BlockHook*>(handle + kCallback);
        return hook->callback == callback && hook->argument == argument ? hook : nullptr;
    }
};

void UnicornEngine::prepare_block() {
    BlockInfo& info = blocks_.add();
    info.engine = this;
    block_hook_->argument = &info;
}

Result<std::vector<std::unique_ptr<Engine>>> Engine::create(PhysicalMemory& memory,
                                                            EngineHost& host,
                                                            const std::vector<DeviceRange>& devices,
                                                            unsigned cpus) {
    std::uint64_t bytes = 0;
    for (const PhysicalMemory::Region& region : memory.regions()) {
        bytes += region.storage.bytes().size();
    }
    const auto code_pages = std::make_shared<CodePages>(bytes);
    std::vector<std::unique_ptr<Engine>> engines;
    for (unsigned index = 0; index < cpus; ++index) {
        auto engine = UnicornEngine::create(memory, host, devices, {index, cpus}, code_pages);
        if (!engine) {
            return tl::unexpected(engine.error());
        }
        code_pages->engines.push_back(engine->get());
        engines.push_back(std::move(*engine));
    }
    return engines;
}

Result<std::unique_ptr<UnicornEngine>> UnicornEngine::create(
    PhysicalMemory& memory, EngineHost& host, const std::vector<DeviceRange>& devices,
    CpuTopology topology, std::shared_ptr<CodePages> code_pages) {
    std::unique_ptr<UnicornEngine> engine(
        new UnicornEngine(memory, host, topology, std::move(code_pages)));
    return engine->open(devices).map([&] { return std::move(engine); });
}

UnicornEngine::~UnicornEngine() {
    if (uc_ != nullptr) {
        uc_close(uc_);
    }
}

Result<void> UnicornEngine::open(const std::vector<DeviceRange>& devices) {
    unsigned major = 0;
    unsigned minor = 0;
    const unsigned version = uc_version(&major, &minor);
    if (version >> 8 != 0x020104) {
        return fail(fmt::format("version {}.{}.{} found, exactly 2.1.4 is needed", major, minor,
                                (version >> 8) & 0xff),
                    "libunicorn", "run ./dev build, which fetches the right one", ENOTSUP);
    }
    return checked(uc_open(UC_ARCH_X86, UC_MODE_64, &uc_), "uc_open")
        .and_then([&] {
            return checked(uc_ctl_set_tcg_buffer_size(uc_, kTranslationBuffer),
                           "uc_ctl_set_tcg_buffer_size");
        })
        .and_then([&] { return checked(uc_ctl_exits_enable(uc_), "uc_ctl_exits_enable"); })
        .and_then([&] { return UnicornState::locate(uc_); })
        .and_then([&](const UnicornState& state) {
            state_ = state;
            return map_memory(devices);
        })
        .and_then([&] { return install_hooks(); });
}

Result<void> UnicornEngine::map_memory(const std::vector<DeviceRange>& devices) {
    struct Span {
        std::uint64_t base;
        std::uint64_t end;
    };
    std::vector<Span> taken;
    std::uint64_t ram_offset = 0;
    for (const PhysicalMemory::Region& region : memory_.regions()) {
        const std::span<std::byte> bytes = region.storage.bytes();
        Result<void> mapped = checked(
            uc_mem_map_ptr(uc_, region.base.value, bytes.size(), UC_PROT_ALL, bytes.data()),
            "uc_mem_map_ptr");
        if (!mapped) {
            return mapped;
        }
        ram_blocks_.push_back({region.base.value, bytes.size(), ram_offset, bytes.data()});
        ram_offset += bytes.size();
        taken.push_back({region.base.value, region.base.value + bytes.size()});
    }
    stored_.resize(ram_offset / kPageBytes);
    for (const DeviceRange& range : devices) {
        device_windows_.push_back(
            std::make_unique<DeviceWindow>(DeviceWindow{this, range.base.value}));
        DeviceWindow* const window = device_windows_.back().get();
        Result<void> mapped = checked(
            uc_mmio_map(uc_, range.base.value, range.bytes, &Callbacks::device_read, window,
                        &Callbacks::device_write, window),
            "uc_mmio_map");
        if (!mapped) {
            return mapped;
        }
        if (Result<void> hooked = hook_fetches(range.base.value,
                                               range.base.value + range.bytes - 1);
            !hooked) {
            return hooked;
        }
        taken.push_back({range.base.value, range.base.value + range.bytes});
    }
    std::sort(taken.begin(), taken.end(), [](Span a, Span b) { return a.base < b.base; });
    taken.push_back({kPhysicalEnd, kPhysicalEnd});
    std::uint64_t free = 0;
    for (const Span& span : taken) {
        if (free < span.base) {
            Result<void> mapped = checked(uc_mmio_map(uc_, free, span.base - free, open_bus_read,
                                                      nullptr, open_bus_write, nullptr),
                                          "uc_mmio_map");
            if (!mapped) {
                return mapped;
            }
            if (Result<void> hooked = hook_fetches(free, span.base - 1); !hooked) {
                return hooked;
            }
        }
        free = span.end;
    }
    return {};
}

// Never over RAM: a memory hook there would slow down every store.
Result<void> UnicornEngine::hook_fetches(std::uint64_t first, std::uint64_t last) {
    uc_hook handle = 0;
    return checked(
        uc_hook_add(uc_, &handle, UC_HOOK_MEM_FETCH_PROT | UC_HOOK_MEM_FETCH_UNMAPPED,
                    reinterpret_cast<void*>(&Callbacks::fetch_from_nowhere), this, first, last),
        "uc_hook_add");
}

Result<void> UnicornEngine::install_hooks() {
    uc_hook handle = 0;
    const auto hook = [&](int type, auto* callback) {
        // begin > end: everywhere.
        return checked(
            uc_hook_add(uc_, &handle, type, reinterpret_cast<void*>(callback), this, 1, 0),
            "uc_hook_add");
    };
    return hook(UC_HOOK_BLOCK, &Callbacks::block)
        .and_then([&]() -> Result<void> {
            block_hook_ = BlockHook::of(handle, reinterpret_cast<void*>(&Callbacks::block), this);
            if (block_hook_ == nullptr) {
                return fail("this libunicorn keeps a hook's argument elsewhere than 2.1.4 does",
                            "libunicorn", "run ./dev build again to get the right build", ENOTSUP);
            }
            prepare_block();
            return {};
        })
        .and_then([&] { return hook(UC_HOOK_INTR, &Callbacks::exception); })
        .and_then([&] { return hook(UC_HOOK_INSN_INVALID, &Callbacks::invalid_instruction); });
}

}  // namespace trapgate::emu
