// SPDX-License-Identifier: GPL-2.0-only
#include "tests/emu/input/typed_guest.hpp"

namespace trapgate::emu {
namespace {

using Code = std::vector<std::uint8_t>;

// mov dx, port; mov al, value; out dx, al
Code out_far(std::uint16_t port, std::uint8_t value) {
    return {
        0x66,  0xba, static_cast<std::uint8_t>(port), static_cast<std::uint8_t>(port >> 8), 0xb0,
        value, 0xee};
}

Code guest_code(TypedGuest::Options options) {
    Code code = code_of({out_byte(0x20, 0x11), out_byte(0x21, 0x20), out_byte(0x21, 4),
                         out_byte(0x21, 1), out_byte(0x21, 0xee)});  // IRQ 4, IRQ 0
    if (options.ticks) {
        code = code_of({code, out_byte(0x43, 0x34), out_byte(0x40, 0x9c), out_byte(0x40, 0x2e)});
    }
    if (options.cpus > 1) {
        // mov r8d, 0xfee00000; mov dword [r8 + 0x300], INIT to all others, and start-up to 0x8000
        code = code_of({code,
                        {0x41, 0xb8, 0, 0, 0xe0, 0xfe},
                        {0x41, 0xc7, 0x80, 0, 3, 0, 0, 0x00, 0x45, 0x0c, 0},
                        {0x41, 0xc7, 0x80, 0, 3, 0, 0, 0x08, 0x46, 0x0c, 0}});
    }
    const Code listen = code_of({out_far(0x3fa, 0x07), out_far(0x3fc, 0x0b), out_far(0x3f9, 0x01)});
    code = code_of({code, listen, {0xfb}});               // sti
    const Code work{0x48, 0xff, 0xc3, 0x48, 0x01, 0xd9};  // inc rbx; add rcx, rbx
    const Code rest = options.sleeps ? Code{0xf4} : Code{0x90};
    code = code_of({code, work, rest});
    const auto back = static_cast<std::uint8_t>(-static_cast<int>(work.size() + rest.size() + 2));
    code.insert(code.end(), {0xeb, back});
    return code;
}

}  // namespace

TypedGuest::TypedGuest(Options options) : BareGuest(guest_code(options), options.cpus) {
    map_apics(*machine);
    // In real mode: nop; out 0x80, al; in al, 0x80; rdtsc; lock inc word [0x9000]; jmp back
    put(kBareDirectMap + 0x8000,
        {0x90, 0xe6, 0x80, 0xe4, 0x80, 0x0f, 0x31, 0xf0, 0xff, 0x06, 0x00, 0x90, 0xeb, 0xf2});
    machine->set_console_sink([this](std::string_view bytes) { console += bytes; });
    const Code end_of_interrupt{0xb0, 0x20, 0xe6, 0x20};
    // push rax; (EOI); pop rax; iretq
    set_handler(0x20, code_of({{0x50}, end_of_interrupt, {0x58, 0x48, 0xcf}}));
    // push rax; push rdx; again: mov dx, 0x3fd; in al, dx; test al, 1; jz done;
    // mov dx, 0x3f8; in al, dx; cmp al, '!'; je end; inc al; out dx, al; jmp again
    // done: (EOI); pop rdx; pop rax; iretq; end: xor eax, eax; out 0xf4, eax
    set_handler(0x24, code_of({{0x50, 0x52},
                               {0x66, 0xba, 0xfd, 0x03, 0xec, 0xa8, 0x01, 0x74, 0x0f},
                               {0x66, 0xba, 0xf8, 0x03, 0xec, 0x3c, '!', 0x74, 0x0e},
                               {0xfe, 0xc0, 0xee, 0xeb, 0xe9},
                               {0x90},
                               end_of_interrupt,
                               {0x5a, 0x58, 0x48, 0xcf},
                               kExit}));
}

}  // namespace trapgate::emu
