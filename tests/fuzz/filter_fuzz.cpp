// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/events/filter.hpp"
#include "tests/fuzz/fuzz.hpp"
#include "tests/kernel/events/fake_kernel.hpp"

using namespace trapgate;
using namespace trapgate::kernel;

TRAPGATE_FUZZ(input) {
    static const test::FakeFacts facts;
    static const test::FakeBackend backend;
    static const ProbeDefinition definition = *parse_definition(
        "p:e vfs_read n=\\5:u8 s=\\-3:s16 big=%di path=\\\"/etc/passwd\" a=+0(%di):u16[3]", facts);
    static const std::vector<EventField> fields = filter_fields(definition);
    static const test::FakeMemory memory;
    static const EventRecord record = make_record(
        definition, {}, {{}, memory, "task", backend.symbol_texts().with_offset, {}, {}});
    const std::string_view text(reinterpret_cast<const char*>(input.data()), input.size());
    const auto filter = EventFilter::parse(text, fields, backend.function_ranges());
    if (filter) {
        static_cast<void>(filter->matches({record, 0, "task"}));
        fuzz::must(filter->text() == text);
    } else {
        fuzz::must(!filter_error_text(filter.error()).empty());
    }
}
