// SPDX-License-Identifier: GPL-2.0-only
// What gdb asks about the target as a whole.
#include <algorithm>

#include <fmt/format.h>

#include "emu/gdb/packet.hpp"
#include "emu/gdb/registers.hpp"
#include "emu/gdb/stub.hpp"
#include "emu/gdb/target_xml.hpp"

namespace trapgate::emu::gdb {

void Stub::supported(Arguments& arguments) {
    static_cast<void>(arguments.accept(':'));
    while (!arguments.rest().empty()) {
        const std::string_view feature = arguments.until(';');
        knows_software_ |= feature == "swbreak+";
        knows_hardware_ |= feature == "hwbreak+";
    }
    std::string text = fmt::format(
        "PacketSize={:x};QStartNoAckMode+;vContSupported+;swbreak+;hwbreak+;binary-upload+;"
        "qXfer:features:read+;qXfer:memory-map:read+;qXfer:threads:read+",
        kMaxPayload);
    if (services_.reverse) {
        text += ";ReverseStep+;ReverseContinue+";
    }
    reply(std::move(text));
}

void Stub::transfer(Arguments& arguments) {
    arguments.expect(':');
    const std::string_view object = arguments.until(':');
    const std::string_view verb = arguments.until(':');
    const std::string_view annex = arguments.until(':');
    const std::uint64_t offset = arguments.number();
    arguments.expect(',');
    const std::uint64_t length = arguments.number();
    if (!understood(arguments)) {
        return;
    }
    std::string document;
    if (verb == "read" && object == "features" && annex == "target.xml") {
        document = target_description();
    } else if (verb == "read" && object == "memory-map" && annex.empty()) {
        document = memory_map();
    } else if (verb == "read" && object == "threads" && annex.empty()) {
        document = thread_list(machine_);
    } else if (verb == "read" && object == "features") {
        reply("E00");  // No such annex.
        return;
    } else {
        reply("");
        return;
    }
    const std::size_t begin = std::min<std::size_t>(offset, document.size());
    const std::size_t size = std::min<std::size_t>(length, kMaxPayload / 2);
    const std::string piece = document.substr(begin, size);
    reply((begin + piece.size() < document.size() ? "m" : "l") + piece);
}

void Stub::start_no_ack(Arguments& arguments) {
    if (understood(arguments)) {
        acknowledges_ = false;
        okay();
    }
}

void Stub::current_thread(Arguments& arguments) {
    if (understood(arguments)) {
        reply(fmt::format("QC{:x}", selected_ + 1));
    }
}

void Stub::first_threads(Arguments& arguments) {
    if (!understood(arguments)) {
        return;
    }
    std::string text = "m";
    for (unsigned cpu = 0; cpu < machine_.cpu_count(); ++cpu) {
        text += fmt::format("{}{:x}", cpu == 0 ? "" : ",", cpu + 1);
    }
    reply(std::move(text));
}

void Stub::more_threads(Arguments& arguments) {
    if (understood(arguments)) {
        reply("l");
    }
}

void Stub::thread_info(Arguments& arguments) {
    arguments.expect(',');
    const std::optional<unsigned> cpu = cpu_of(arguments.rest());
    if (!arguments.good() || !cpu) {
        mistake();
        return;
    }
    reply(to_hex(thread_text(machine_, *cpu)));
}

// The guest was there before gdb: leaving detaches instead of killing.
void Stub::attached(Arguments&) { reply("1"); }

void Stub::symbols(Arguments&) { okay(); }

void Stub::monitor(Arguments& arguments) {
    arguments.expect(',');
    const auto bytes = from_hex(arguments.rest());
    if (!arguments.good() || !bytes) {
        mistake();
        return;
    }
    std::string line;
    for (const std::byte byte : *bytes) {
        line += std::to_integer<char>(byte);
    }
    std::string text = services_.monitor ? services_.monitor(line)
                                         : std::string("there are no monitor commands here");
    if (!text.empty() && !text.ends_with('\n')) {
        text += '\n';
    }
    constexpr std::size_t kPiece = kMaxPayload / 2 - 1;
    for (std::size_t at = 0; at < text.size(); at += kPiece) {
        reply("O" + to_hex(std::string_view(text).substr(at, kPiece)));
    }
    okay();
}

}  // namespace trapgate::emu::gdb
