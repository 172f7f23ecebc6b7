// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/nearest.hpp"
#include "kernel/events/probe_events.hpp"

namespace trapgate::kernel::test {

/// A kernel of a few symbols and types, for the parser:
///
///     struct path { void *mnt; char *name; };
///     struct file { struct path f_path; unsigned int f_flags; unsigned int f_a : 3, f_b : 5;
///                   union { long f_pos; }; char f_name[16]; };
///     ssize_t vfs_read(struct file *file, char *buf, size_t count, loff_t *pos);
///     void kfree(const void *object);
class FakeFacts final : public KernelFacts {
public:
    explicit FakeFacts(bool with_btf = true) : with_btf_(with_btf) {}

    [[nodiscard]] unsigned symbols_named(std::string_view name) const override {
        return name == "twice" ? 2 : symbols_.contains(std::string(name)) ? 1 : 0;
    }
    [[nodiscard]] std::optional<std::uint64_t> address_of(std::string_view name) const override {
        const auto found = symbols_.find(std::string(name));
        return found == symbols_.end() ? std::nullopt : std::optional(found->second);
    }
    [[nodiscard]] std::string near_symbols(std::string_view name) const override {
        std::vector<std::string_view> names;
        for (const auto& [symbol, address] : symbols_) {
            names.push_back(symbol);
        }
        return did_you_mean(nearest_names(name, names));
    }
    [[nodiscard]] std::optional<BtfFunction> function(std::string_view name) const override {
        if (with_btf_ && name == "vfs_read") {
            return BtfFunction{
                kLong,
                {{"file", kFilePtr}, {"buf", kCharPtr}, {"count", kLong}, {"pos", kLongPtr}}};
        }
        if (with_btf_ && name == "kfree") {
            return BtfFunction{0, {{"object", kVoidPtr}}};
        }
        return std::nullopt;
    }
    [[nodiscard]] std::optional<BtfType> type(std::uint32_t id) const override {
        using Kind = BtfType::Kind;
        switch (id) {
            case kLong: return BtfType{Kind::Integer, id, 0, 64, true};
            case kUnsigned: return BtfType{Kind::Integer, id, 0, 32, false};
            case kChar: return BtfType{Kind::Integer, id, 0, 8, true};
            case kVoidPtr: return BtfType{Kind::Pointer, id, 0};
            case kCharPtr: return BtfType{Kind::Pointer, id, kChar};
            case kLongPtr: return BtfType{Kind::Pointer, id, kLong};
            case kFilePtr: return BtfType{Kind::Pointer, id, kFile};
            case kFile:
            case kPath: return BtfType{Kind::Structure, id};
            case kName: return BtfType{Kind::Array, id, kChar};
            default: return std::nullopt;
        }
    }
    [[nodiscard]] std::optional<BtfMember> member(std::uint32_t structure,
                                                  std::string_view name) const override {
        static const std::map<std::pair<std::uint32_t, std::string>, BtfMember> kMembers{
            {{kPath, "mnt"}, {0, 0, kVoidPtr}},    {{kPath, "name"}, {64, 0, kCharPtr}},
            {{kFile, "f_path"}, {0, 0, kPath}},    {{kFile, "f_flags"}, {128, 0, kUnsigned}},
            {{kFile, "f_a"}, {160, 3, kUnsigned}}, {{kFile, "f_b"}, {163, 5, kUnsigned}},
            {{kFile, "f_pos"}, {192, 0, kLong}},   {{kFile, "f_name"}, {256, 0, kName}},
        };
        const auto found = kMembers.find({structure, std::string(name)});
        return found == kMembers.end() ? std::nullopt : std::optional(found->second);
    }
    [[nodiscard]] std::vector<std::string> member_names(std::uint32_t structure) const override {
        return structure == kPath
                   ? std::vector<std::string>{"mnt", "name"}
                   : std::vector<std::string>{"f_path", "f_flags", "f_a", "f_b", "f_pos", "f_name"};
    }

private:
    enum : std::uint32_t {
        kLong = 1,
        kUnsigned,
        kChar,
        kVoidPtr,
        kCharPtr,
        kLongPtr,
        kFilePtr,
        kFile,
        kPath,
        kName
    };
    bool with_btf_;
    std::map<std::string, std::uint64_t> symbols_{
        {"vfs_read", 0xffff'ffff'8100'1000},   {"kfree", 0xffff'ffff'8100'2000},
        {"do_exit", 0xffff'ffff'8100'3000},    {"kernel_clone", 0xffff'ffff'8100'4000},
        {"foo.isra.0", 0xffff'ffff'8100'5000}, {"jiffies", 0xffff'ffff'8200'0000},
        {"twice", 0xffff'ffff'8100'6000},
    };
};

/// Arms anything but what lies in the middle of an instruction: vfs_read+3.
class FakeBackend final : public EventBackend {
public:
    struct Target {
        ProbeDefinition definition;
        std::function<void(const EventHit&)> on_hit;
        bool enabled = false;
        std::uint64_t hits = 0, missed = 0;
    };

    Result<std::unique_ptr<ArmedEvent>> arm(const ProbeDefinition& definition,
                                            std::function<void(const EventHit&)> on_hit) override {
        if (definition.place() == "vfs_read+3") {
            return fail("not the start of an instruction", definition.place(),
                        "vfs_read+0x1 or vfs_read+0x4", EILSEQ);
        }
        if (definition.symbol == "do_exit" && !definition.on_return) {
            return fail("blacklisted", definition.symbol, {}, EINVAL);
        }
        auto target = std::make_shared<Target>(Target{definition, std::move(on_hit)});
        targets.push_back(target);
        return std::make_unique<Armed>(target);
    }
    [[nodiscard]] SymbolTexts symbol_texts() const override {
        return {[](std::uint64_t va) {
                    return va >> 32 == 0xffff'ffff ? "vfs_read+0x0/0x60" : "0x123";
                },
                [](std::uint64_t) { return std::string("vfs_read"); }};
    }
    [[nodiscard]] FunctionRange function_ranges() const override {
        return [](std::string_view name) -> std::optional<std::pair<std::uint64_t, std::uint64_t>> {
            return name == "vfs_read" ? std::optional(std::pair<std::uint64_t, std::uint64_t>(
                                            0xffff'ffff'8100'1000, 0xffff'ffff'8100'1060))
                                      : std::nullopt;
        };
    }
    [[nodiscard]] std::uint64_t now_ns() const override { return 1'234'567'890; }

    std::vector<std::shared_ptr<Target>> targets;  ///< All that were ever armed.

private:
    class Armed final : public ArmedEvent {
    public:
        explicit Armed(std::shared_ptr<Target> target) : target_(std::move(target)) {}
        Result<void> set_enabled(bool enabled) override {
            target_->enabled = enabled;
            return {};
        }
        [[nodiscard]] GuestVa address() const override { return {0xffff'ffff'8100'1000}; }
        [[nodiscard]] std::string where() const override { return target_->definition.place(); }
        [[nodiscard]] std::uint64_t hits() const override { return target_->hits; }
        [[nodiscard]] std::vector<MissReason> misses() const override {
            return target_->missed == 0
                       ? std::vector<MissReason>()
                       : std::vector<MissReason>{{"inside another probe", target_->missed}};
        }

    private:
        std::shared_ptr<Target> target_;
    };
};

/// Memory of a few bytes at one address; all else faults.
class FakeMemory final : public GuestReader {
public:
    [[nodiscard]] bool read(GuestVa va, std::span<std::byte> to) const override {
        for (std::size_t i = 0; i < to.size(); ++i) {
            const auto found = bytes_.find(va.value + i);
            if (found == bytes_.end()) {
                return false;
            }
            to[i] = found->second;
        }
        return true;
    }
    void put(std::uint64_t at, std::span<const std::byte> bytes) {
        for (std::size_t i = 0; i < bytes.size(); ++i) {
            bytes_[at + i] = bytes[i];
        }
    }
    void put_word(std::uint64_t at, std::uint64_t value) {
        put(at, std::as_bytes(std::span(&value, 1)));
    }
    /// The rest of its page is there, too.
    void put_string(std::uint64_t at, std::string_view text) {
        for (std::uint64_t i = at; i < page_align_up(at + text.size() + 1); ++i) {
            bytes_.try_emplace(i, std::byte{0});
        }
        put(at, std::as_bytes(std::span(text)));
        bytes_[at + text.size()] = std::byte{0};
    }

private:
    std::map<std::uint64_t, std::byte> bytes_;
};

}  // namespace trapgate::kernel::test
