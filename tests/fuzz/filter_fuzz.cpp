// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/events/filter.hpp"
#include "tests/fuzz/fuzz.hpp"
#include "tests/kernel/events/fake_kernel.hpp"

using namespace trapgate;
using namespace trapgate::kernel;

TRAPGATE_FUZZ(input) {
    static const test::FakeFacts kFacts;
    static const test::FakeBackend kBackend;
    static const ProbeDefinition kDefinition = *parse_definition(
        "p:e vfs_read n=\\5:u8 s=\\-3:s16 big=%di path=\\\"/etc/passwd\" a=+0(%di):u16[3]", kFacts);
    static const std::vector<EventField> kFields = filter_fields(kDefinition);
    static const test::FakeMemory kMemory;
    static const EventRecord kRecord = make_record(
        kDefinition, {}, {{}, kMemory, "task", kBackend.symbol_texts().with_offset, {}, {}});
    const std::string_view text(reinterpret_cast<const char*>(input.data()), input.size());
    const auto filter = EventFilter::parse(text, kFields, kBackend.function_ranges());
    if (filter) {
        static_cast<void>(filter->matches({kRecord, 0, "task"}));
        fuzz::must(filter->text() == text);
    } else {
        fuzz::must(!filter_error_text(filter.error()).empty());
    }
}
