// SPDX-License-Identifier: GPL-2.0-only
// A line of kprobe_events, and a hit of what it defines with the registers and memory that follow.
#include <algorithm>
#include <cstring>

#include "kernel/events/event_format.hpp"
#include "kernel/events/event_text.hpp"
#include "tests/fuzz/fuzz.hpp"
#include "tests/kernel/events/fake_kernel.hpp"

using namespace trapgate;
using namespace trapgate::kernel;

namespace {

// The input's own bytes, again and again, but for every fourth page.
class InputMemory final : public GuestReader {
public:
    explicit InputMemory(std::span<const std::byte> bytes) : bytes_(bytes) {}
    [[nodiscard]] bool read(GuestVa va, std::span<std::byte> to) const override {
        for (std::size_t i = 0; i < to.size(); ++i) {
            const std::uint64_t at = va.value + i;
            if (bytes_.empty() || at / kPageBytes % 4 == 3) {
                return false;
            }
            to[i] = bytes_[at % bytes_.size()];
        }
        return true;
    }

private:
    std::span<const std::byte> bytes_;
};

}  // namespace

TRAPGATE_FUZZ(input) {
    const auto end = std::ranges::find(input, std::byte{'\n'});
    const std::string line(reinterpret_cast<const char*>(input.data()),
                           static_cast<std::size_t>(end - input.begin()));
    const std::span<const std::byte> rest(end, input.end());
    static const test::FakeFacts kFacts;
    const auto definition = parse_definition(line, kFacts);
    if (!definition) {
        fuzz::must(definition.error().caret <= definition.error().command.size() + 1);
        fuzz::must(!error_log_text(definition.error()).empty());
        return;
    }
    auto again = parse_definition(definition->text(), kFacts);
    fuzz::must(again.has_value());
    again->filter = definition->filter;
    fuzz::must(*again == *definition);
    fuzz::must(!format_text(*definition, 1).empty());

    const InputMemory memory(rest);
    HitView hit{{},
                memory,
                "task",
                [](std::uint64_t) { return std::string("symbol"); },
                [](std::string_view name) { return kFacts.address_of(name); },
                {1, 2, 3}};
    std::memcpy(&hit.regs, rest.data(), std::min(rest.size(), sizeof(hit.regs)));
    const EventRecord record = make_record(*definition, {}, hit);
    fuzz::must(record.bytes.size() <= 0xffff + 1);
    const EventView view = make_view(*definition, record, {}, test::FakeBackend().symbol_texts());
    fuzz::must(view.args.size() == definition->args.size() && !view.line().empty());
}
