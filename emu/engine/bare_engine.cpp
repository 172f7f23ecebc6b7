// SPDX-License-Identifier: GPL-2.0-only
#include "emu/engine/bare_engine.hpp"

#include <array>
#include <string>

#include <dlfcn.h>

#include <fmt/format.h>
#include <unicorn/unicorn.h>

namespace trapgate::emu {
namespace {

constexpr std::uint32_t kMsrEfer = 0xc000'0080;
constexpr std::array<int, cpu::kGprCount> kRegisters{
    UC_X86_REG_RAX, UC_X86_REG_RCX, UC_X86_REG_RDX, UC_X86_REG_RBX, UC_X86_REG_RSP, UC_X86_REG_RBP,
    UC_X86_REG_RSI, UC_X86_REG_RDI, UC_X86_REG_R8,  UC_X86_REG_R9,  UC_X86_REG_R10, UC_X86_REG_R11,
    UC_X86_REG_R12, UC_X86_REG_R13, UC_X86_REG_R14, UC_X86_REG_R15};

/// The library's functions in a namespace of the dynamic linker's that our own are not part of.
class Library {
public:
    static Result<Library> load() {
        Dl_info info{};
        if (::dladdr(reinterpret_cast<void*>(&uc_version), &info) == 0) {
            return fail("not found among the loaded libraries", "libunicorn", {}, ENOENT);
        }
        Library library;
        library.handle_.reset(::dlmopen(LM_ID_NEWLM, info.dli_fname, RTLD_NOW | RTLD_LOCAL));
        if (library.handle_ == nullptr) {
            return fail(::dlerror(), info.dli_fname, {}, ENOENT);
        }
        return library;
    }
    template <class Function>
    Function* find(Function*, const char* name) const {
        return reinterpret_cast<Function*>(::dlsym(handle_.get(), name));
    }

private:
    struct Close {
        void operator()(void* handle) const { ::dlclose(handle); }
    };
    std::unique_ptr<void, Close> handle_;
};

class LibraryEngine final : public BareEngine {
public:
    explicit LibraryEngine(Library library) : library_(std::move(library)) {}
    ~LibraryEngine() override {
        if (uc_ != nullptr) {
            close_(uc_);
        }
    }
    LibraryEngine(const LibraryEngine&) = delete;
    LibraryEngine& operator=(const LibraryEngine&) = delete;

    Result<void> open(std::span<std::byte> ram, GuestPa code_end,
                      const cpu::RegisterFile& registers) {
        const auto open = library_.find(&uc_open, "uc_open");
        const auto control = library_.find(&uc_ctl, "uc_ctl");
        const auto map = library_.find(&uc_mem_map_ptr, "uc_mem_map_ptr");
        const auto set = [&](int which, const void* value) {
            return check(write_register_(uc_, which, value), "uc_reg_write");
        };
        const uc_x86_msr efer{kMsrEfer, registers.efer};
        return check(open(UC_ARCH_X86, UC_MODE_64, &uc_), "uc_open")
            .and_then([&] {
                return check(control(uc_, UC_CTL_WRITE(UC_CTL_TLB_TYPE, 1), UC_TLB_CPU),
                             "uc_ctl_tlb_mode");
            })
            .and_then([&] {
                return check(map(uc_, 0, code_end.value, UC_PROT_ALL, ram.data()),
                             "uc_mem_map_ptr");
            })
            .and_then([&] {
                const std::span<std::byte> data = ram.subspan(code_end.value);
                return check(map(uc_, code_end.value, data.size(), UC_PROT_READ | UC_PROT_WRITE,
                                 data.data()),
                             "uc_mem_map_ptr");
            })
            .and_then([&] { return set(UC_X86_REG_MSR, &efer); })
            .and_then([&] { return set(UC_X86_REG_CR3, &registers.cr3); })
            .and_then([&] { return set(UC_X86_REG_CR4, &registers.cr4); })
            .and_then([&] { return set(UC_X86_REG_CR0, &registers.cr0); })
            .and_then([&] { return set(UC_X86_REG_RFLAGS, &registers.rflags); })
            .and_then([&]() -> Result<void> {
                for (std::size_t i = 0; i < kRegisters.size(); ++i) {
                    if (Result<void> done = set(kRegisters[i], &registers.gpr[i]); !done) {
                        return done;
                    }
                }
                return {};
            });
    }

    Result<void> run(GuestVa from, GuestVa until) override {
        return check(start_(uc_, from.value, until.value, 0, 0), "uc_emu_start");
    }
    std::uint64_t gpr(cpu::Gpr index) override {
        std::uint64_t value = 0;
        read_register_(uc_, kRegisters[static_cast<std::size_t>(index)], &value);
        return value;
    }
    void set_gpr(cpu::Gpr index, std::uint64_t value) override {
        write_register_(uc_, kRegisters[static_cast<std::size_t>(index)], &value);
    }

private:
    Result<void> check(uc_err error, const char* what) {
        return error == UC_ERR_OK
                   ? Result<void>()
                   : fail(fmt::format("{}: {}", what, text_(error)), "bare libunicorn", {}, EIO);
    }

    Library library_;
    uc_engine* uc_ = nullptr;
    decltype(&uc_close) close_ = library_.find(&uc_close, "uc_close");
    decltype(&uc_strerror) text_ = library_.find(&uc_strerror, "uc_strerror");
    decltype(&uc_emu_start) start_ = library_.find(&uc_emu_start, "uc_emu_start");
    decltype(&uc_reg_read) read_register_ = library_.find(&uc_reg_read, "uc_reg_read");
    decltype(&uc_reg_write) write_register_ = library_.find(&uc_reg_write, "uc_reg_write");
};

}  // namespace

Result<std::unique_ptr<BareEngine>> BareEngine::create(std::span<std::byte> ram, GuestPa code_end,
                                                       const cpu::RegisterFile& registers) {
    return Library::load().and_then([&](Library library) -> Result<std::unique_ptr<BareEngine>> {
        auto engine = std::make_unique<LibraryEngine>(std::move(library));
        if (const Result<void> opened = engine->open(ram, code_end, registers); !opened) {
            return tl::unexpected(opened.error());
        }
        return std::unique_ptr<BareEngine>(std::move(engine));
    });
}

}  // namespace trapgate::emu
