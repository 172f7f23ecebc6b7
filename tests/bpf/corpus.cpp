// SPDX-License-Identifier: GPL-2.0-only
#include "tests/bpf/corpus.hpp"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <zlib.h>

#include "base/check.hpp"

namespace trapgate::bpf::test {

namespace {

std::string read_plain_or_gz(const std::string& path) {
    gzFile file = gzopen(path.c_str(), "rb");
    TG_CHECK(file != nullptr, path);
    std::string text;
    char chunk[1 << 16];
    int got = 0;
    while ((got = gzread(file, chunk, sizeof(chunk))) > 0) {
        text.append(chunk, static_cast<std::size_t>(got));
    }
    gzclose(file);
    TG_CHECK(got == 0, "a broken case file");
    return text;
}

}  // namespace

std::string case_folder() {
    const char* root = std::getenv("TRAPGATE_CASES");
    return root == nullptr || *root == '\0' ? std::string() : std::string(root) + "/bpf";
}

std::optional<nlohmann::json> load_cases(const std::string& name) {
    const std::string folder = case_folder();
    if (folder.empty()) {
        return std::nullopt;
    }
    return nlohmann::json::parse(read_plain_or_gz(folder + "/" + name));
}

std::vector<Insn> insns_of(const nlohmann::json& hex) {
    Result<std::vector<Insn>> insns = insns_from_hex(hex.get<std::string>());
    TG_CHECK(insns.has_value(), "a case file holds whole instructions");
    return *insns;
}

std::vector<std::byte> bytes_of(const std::string& hex) {
    std::vector<std::byte> bytes(hex.size() / 2);
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        bytes[i] = static_cast<std::byte>(std::stoul(hex.substr(2 * i, 2), nullptr, 16));
    }
    return bytes;
}

std::string write_artifact(const std::string& name, const std::string& text) {
    const std::filesystem::path folder = std::filesystem::current_path() / "test-artifacts";
    std::filesystem::create_directories(folder);
    const std::filesystem::path path = folder / name;
    std::ofstream(path) << text;
    return path.string();
}

}  // namespace trapgate::bpf::test
