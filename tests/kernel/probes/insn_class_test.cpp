// SPDX-License-Identifier: GPL-2.0-only
// tests/data/kprobe_insn_vmlinux.json.gz: the distinct instruction shapes of a Debian kernel's
// text, each classified by the code of Linux 6.12 itself. Its `meta` object explains the fields.
#include "kernel/probes/insn_class.hpp"

#include <cerrno>
#include <map>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <zlib.h>

namespace trapgate::kernel {
namespace {

std::string read_gz(const std::string& path) {
    std::string out;
    gzFile file = gzopen(path.c_str(), "rb");
    if (file == nullptr) {
        return out;
    }
    std::vector<char> chunk(1 << 16);
    for (int n = 0; (n = gzread(file, chunk.data(), static_cast<unsigned>(chunk.size()))) > 0;) {
        out.append(chunk.data(), static_cast<std::size_t>(n));
    }
    gzclose(file);
    return out;
}

std::vector<std::byte> bytes_of(const std::string& hex) {
    std::vector<std::byte> out;
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
        out.push_back(static_cast<std::byte>(std::stoi(hex.substr(i, 2), nullptr, 16)));
    }
    return out;
}

Emulation emulation_named(const std::string& name) {
    const std::map<std::string, Emulation> names{
        {"", Emulation::None},
        {"ifmod", Emulation::FlagsAccess},
        {"ret", Emulation::Return},
        {"call", Emulation::Call},
        {"jmp", Emulation::Jump},
        {"jcc", Emulation::Conditional},
        {"loop", Emulation::Loop},
        {"call_ind", Emulation::CallRegister},
        {"jmp_ind", Emulation::JumpRegister},
    };
    return names.at(name);
}

int errno_named(const std::string& name) {
    const std::map<std::string, int> names{
        {"0", 0}, {"EILSEQ", EILSEQ}, {"EINVAL", EINVAL}, {"EOPNOTSUPP", EOPNOTSUPP}};
    return names.at(name);
}

std::string show(const InsnClass& c) {
    return fmt::format("len {} errno {} emulation {} boost {} rip {} indirect {}", c.length,
                       c.refusal, static_cast<int>(c.emulation), c.boostable, c.rip_relative,
                       c.indirect_jump);
}

TEST(InsnClass, AgreesWithLinuxOnEveryShapeOfADebianKernel) {
    const std::string text = read_gz(std::string(TRAPGATE_SOURCE_DIR) +
                                     "/tests/data/kprobe_insn_vmlinux.json.gz");
    ASSERT_FALSE(text.empty());
    const nlohmann::json data = nlohmann::json::parse(text);
    const nlohmann::json& cases = data.at("cases");
    ASSERT_EQ(cases.size(), 10419U);
    std::size_t agreed = 0;
    std::string differences;
    for (const nlohmann::json& c : cases) {
        const InsnClass wanted{.length = c.at("len").get<std::uint8_t>(),
                               .refusal = errno_named(c.at("register")),
                               .emulation = emulation_named(c.at("emulate")),
                               .boostable = c.at("boost").get<bool>(),
                               .rip_relative = c.at("rip_rel").get<bool>(),
                               .indirect_jump = c.at("indirect_jump").get<bool>()};
        const std::optional<InsnClass> got = classify(bytes_of(c.at("bytes")));
        if (got == wanted) {
            ++agreed;
        } else {
            differences += fmt::format("{}: {}, Linux: {}\n", c.at("bytes").get<std::string>(),
                                       got ? show(*got) : "undecodable", show(wanted));
        }
    }
    EXPECT_EQ(agreed, cases.size()) << differences;
    RecordProperty("agreed", static_cast<int>(agreed));
}

TEST(InsnClass, RefusesTheMarkersOfHypervisors) {
    EXPECT_EQ(classify(bytes_of("0f0b78656e"))->refusal, EINVAL);
    EXPECT_EQ(classify(bytes_of("0f0b6b766d"))->refusal, EINVAL);
    EXPECT_EQ(classify(bytes_of("0f0b"))->refusal, EILSEQ);
}

TEST(InsnClass, GivesNoAnswerForBytesThatAreNoInstruction) {
    EXPECT_FALSE(classify(bytes_of("06")).has_value());
    EXPECT_FALSE(classify(bytes_of("")).has_value());
    EXPECT_FALSE(classify(bytes_of("ea0000")).has_value());
}

}  // namespace
}  // namespace trapgate::kernel
