// SPDX-License-Identifier: GPL-2.0-only
// lab.json to Lab. Reading stops at the first field that is wrong.
#include <algorithm>
#include <array>
#include <numeric>
#include <optional>
#include <span>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "base/files.hpp"
#include "base/nearest.hpp"
#include "labs/lab.hpp"

namespace trapgate::labs {
namespace {

using nlohmann::json;

/// A wrong field: where in the document, and what should be there.
struct BadField {
    std::string where, expected;
};

/// A JSON object with the way to it, for messages such as "checks[2].points".
class Fields {
public:
    Fields(const json& object, std::string path) : object_(object), path_(std::move(path)) {
        if (!object.is_object()) {
            throw BadField{path_, "an object"};
        }
    }

    [[nodiscard]] bool has(const char* key) const { return object_.contains(key); }
    [[nodiscard]] std::string path(const char* key) const {
        return path_.empty() ? key : path_ + "." + key;
    }
    [[nodiscard]] std::string text(const char* key) const {
        return get(key, &json::is_string, "a string").get<std::string>();
    }
    [[nodiscard]] std::string text_or(const char* key, const std::string& otherwise) const {
        return has(key) ? text(key) : otherwise;
    }
    [[nodiscard]] double number(const char* key) const {
        const double value = get(key, &json::is_number, "a number above 0").get<double>();
        if (value <= 0) {
            throw BadField{path(key), "a number above 0"};
        }
        return value;
    }
    [[nodiscard]] std::uint64_t whole(const char* key) const {
        return get(key, &json::is_number_unsigned, "a whole number").get<std::uint64_t>();
    }
    [[nodiscard]] Fields object(const char* key) const {
        return {get(key, &json::is_object, "an object"), path(key)};
    }
    [[nodiscard]] std::vector<Fields> objects(const char* key) const {
        std::vector<Fields> fields;
        const json& list = get(key, &json::is_array, "a list of objects");
        fields.reserve(list.size());
        for (std::size_t i = 0; i < list.size(); ++i) {
            fields.emplace_back(list[i], fmt::format("{}[{}]", path(key), i));
        }
        return fields;
    }
    [[nodiscard]] std::vector<std::string> texts(const char* key) const {
        std::vector<std::string> texts;
        for (const json& item : get(key, &json::is_array, "a list of strings")) {
            if (!item.is_string()) {
                throw BadField{path(key), "a list of strings"};
            }
            texts.push_back(item.get<std::string>());
        }
        return texts;
    }
    /// A field that nobody asked for is a spelling mistake.
    void only(std::span<const std::string_view> known) const {
        for (const auto& [key, value] : object_.items()) {
            if (std::ranges::find(known, key) == known.end()) {
                const std::string near = did_you_mean(
                    nearest_names(key, {known.begin(), known.end()}));
                throw BadField{
                    path(key.c_str()),
                    near.empty() ? fmt::format("one of {}", fmt::join(known, ", ")) : near};
            }
        }
    }

private:
    const json& get(const char* key, bool (json::*is)() const noexcept, const char* wanted) const {
        const auto found = object_.find(key);
        if (found == object_.end() || !((*found).*is)()) {
            throw BadField{path(key), wanted};
        }
        return *found;
    }

    const json& object_;
    std::string path_;
};

Quantity read_quantity(const Fields& fields, const std::string& append) {
    static constexpr std::array<std::string_view, 7> kKnown{"symbol", "hits",     "register", "sum",
                                                            "string", "constant", "at"};
    fields.only(kKnown);
    Quantity quantity;
    quantity.append = append;
    static constexpr std::array<std::pair<const char*, Quantity::Kind>, 3> kWithPlace{{
        {"register", Quantity::Kind::FirstRegister},
        {"sum", Quantity::Kind::RegisterSum},
        {"string", Quantity::Kind::FirstString},
    }};
    for (const auto& [key, kind] : kWithPlace) {
        if (fields.has(key)) {
            quantity.kind = kind;
            quantity.reg = fields.text(key);
            quantity.symbol = fields.text("at");
            return quantity;
        }
    }
    if (fields.has("symbol")) {
        quantity.kind = Quantity::Kind::SymbolAddress;
        quantity.symbol = fields.text("symbol");
    } else if (fields.has("hits")) {
        quantity.kind = Quantity::Kind::Hits;
        quantity.symbol = fields.text("hits");
    } else {
        quantity.constant = fields.whole("constant");
    }
    return quantity;
}

Check read_check(const Fields& fields) {
    static constexpr std::array<std::string_view, 12> kKnown{
        "name",    "points", "hint",  "expect", "mistakes", "append",
        "appends", "answer", "probe", "event",  "program",  "map"};
    fields.only(kKnown);
    Check check;
    check.name = fields.text("name");
    check.points = fields.number("points");
    check.hint = fields.text_or("hint", "");
    check.appends = fields.has("appends") ? fields.texts("appends")
                                          : std::vector{fields.text_or("append", "")};
    if (check.appends.empty()) {
        throw BadField{fields.path("appends"), "at least one command line"};
    }
    if (fields.has("answer")) {
        check.kind = Check::Kind::Answer;
        check.subject = fields.text("answer");
    } else if (fields.has("probe")) {
        check.kind = Check::Kind::Probe;
        check.subject = fields.text("probe");
        check.event = fields.text("event");
    } else {
        check.kind = Check::Kind::Map;
        check.subject = fields.text("program");
        check.map = fields.text("map");
    }
    check.expect = read_quantity(fields.object("expect"), check.appends.front());
    if (fields.has("mistakes")) {
        for (const Fields& mistake : fields.objects("mistakes")) {
            static constexpr std::array<std::string_view, 3> kMistake{"is", "append", "because"};
            mistake.only(kMistake);
            check.mistakes.push_back(
                {read_quantity(mistake.object("is"),
                               mistake.text_or("append", check.appends.front())),
                 mistake.text("because")});
        }
    }
    return check;
}

Lab read_fields(const json& document) {
    const Fields fields(document, "");
    static constexpr std::array<std::string_view, 5> kKnown{"title", "summary", "minutes", "limits",
                                                            "checks"};
    fields.only(kKnown);
    Lab lab;
    lab.title = fields.text("title");
    lab.summary = fields.text("summary");
    lab.minutes = static_cast<unsigned>(fields.whole("minutes"));
    const Fields limits = fields.object("limits");
    lab.max_instructions = limits.whole("instructions");
    lab.max_seconds = limits.number("seconds");
    for (const Fields& check : fields.objects("checks")) {
        lab.checks.push_back(read_check(check));
    }
    return lab;
}

}  // namespace

double Lab::points() const {
    return std::accumulate(checks.begin(), checks.end(), 0.0,
                           [](double sum, const Check& check) { return sum + check.points; });
}

Result<Lab> read_lab(const std::filesystem::path& folder) {
    const std::filesystem::path file = folder / "lab.json";
    const Result<std::vector<std::byte>> bytes = read_file(file);
    if (!bytes) {
        return tl::unexpected(bytes.error());
    }
    const std::string_view text(reinterpret_cast<const char*>(bytes->data()), bytes->size());
    try {
        Lab lab = read_fields(json::parse(text));
        lab.folder = folder;
        lab.id = folder.filename().string();
        return lab;
    } catch (const json::parse_error& error) {
        const std::size_t end = std::min(error.byte, text.size());
        const auto line = 1 + std::ranges::count(text.substr(0, end), '\n');
        return fail("not JSON", fmt::format("{}:{}", file.string(), line),
                    "a comma, quote or bracket is missing or one too many here or just before");
    } catch (const BadField& field) {
        return fail(fmt::format("{}: expected {}", field.where, field.expected), file.string());
    }
}

}  // namespace trapgate::labs
