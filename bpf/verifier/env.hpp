// SPDX-License-Identifier: GPL-2.0-only
// One verification. Its methods are spread over the files that are named beside them, in the order
// in which a program meets them. Checks return 0 or a negative errno after writing the reason to
// the log; nothing is accepted that is not understood.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "bpf/helpers.hpp"
#include "bpf/verifier/log.hpp"
#include "bpf/verifier/origins.hpp"
#include "bpf/verifier/state.hpp"
#include "bpf/verifier/verifier.hpp"

namespace trapgate::bpf {

/// The limits that Linux has.
inline constexpr std::uint32_t kMaxProcessed = 1'000'000;  // BPF_COMPLEXITY_LIMIT_INSNS
inline constexpr std::size_t kMaxPending = 8192;           // BPF_COMPLEXITY_LIMIT_JMP_SEQ
inline constexpr std::int64_t kMaxVarOff = 1 << 29;        // BPF_MAX_VAR_OFF
inline constexpr std::uint64_t kMaxVarSize = 1 << 29;      // BPF_MAX_VAR_SIZ
inline constexpr std::size_t kMaxSubprograms = 256;        // BPF_MAX_SUBPROGS
inline constexpr std::size_t kMaxMaps = 64;                // MAX_USED_MAPS

enum class Access : std::uint8_t { Read, Write };

/// A function of the program.
struct FunctionInfo {
    std::uint32_t first = 0;
    std::uint32_t end = 0;
    std::uint32_t stack_bytes = 0;
};

class Verifier {
public:
    explicit Verifier(const VerifierInput& input);
    [[nodiscard]] VerifierAnswer run();

private:
    // structure.cpp: what can be said without following the program.
    int check_structure();
    int find_functions();
    int check_jump_targets();
    int check_opcodes();
    int check_ld_imm64_slots(std::uint32_t index);
    int check_map_value_address(const Insn& low, const Insn& high);
    [[nodiscard]] std::size_t function_at(std::uint32_t insn) const;

    // cfg.cpp: every instruction is reachable; where paths join; which registers are read later.
    int check_reachable();
    void mark_join_points();
    void find_live_registers();

    // stack_depth.cpp
    int check_stack_depth();

    // explore.cpp: all paths, depth first.
    int explore();
    int step(bool* path_ends);
    int step_jump_class(const Insn& insn, bool* path_ends);
    int step_exit(bool* path_ends);
    int push_branch(std::uint32_t target, std::uint32_t from, State state);
    bool pop_branch();
    VerifiedProgram accepted_program() const;

    // prune.cpp: states seen before.
    int visit_join_point(bool* prune);
    void forget_dead_registers(State& state, std::uint32_t insn) const;
    bool covers(const State& old_state, const State& now, bool exact);
    void end_path();
    void name_origins(State& state);
    void mark_what_mattered(const State& old_state, const State& now);
    void needs(const RegState& number) { origins_.mark(number.origin); }

    // check_alu.cpp
    int check_alu(const Insn& insn);
    int check_alu_reserved(const Insn& insn);
    int check_mov(const Insn& insn);
    int check_binary(const Insn& insn);
    RegState scalar_result(const Insn& insn, const RegState& a, const RegState& b);

    // check_pointer.cpp
    int pointer_arithmetic(const Insn& insn, const RegState& pointer, const RegState& number,
                           bool pointer_is_dst);
    int check_sane_offset(const RegState& reg, RegType pointer_type);

    // check_mem.cpp
    int check_load(const Insn& insn);
    int check_store(const Insn& insn);
    int check_atomic(const Insn& insn);
    int check_atomic_update(const Insn& insn);
    /// `value_reg` is the register loaded or stored, or -1; `imm` what a BPF_ST stores.
    int check_access(unsigned reg_no, std::int32_t off, std::uint32_t size, Access access,
                     int value_reg, std::optional<std::int32_t> imm = std::nullopt,
                     bool is_signed = false, bool is_atomic = false);
    int check_alignment(const RegState& reg, std::int64_t off, std::uint32_t size, bool is_atomic);
    int check_region(unsigned reg_no, std::int64_t off, std::int64_t size, std::int64_t mem_size,
                     bool zero_allowed);
    int check_region_bounds(unsigned reg_no, std::int64_t off, std::int64_t size,
                            std::int64_t mem_size, bool zero_allowed);
    int check_map_access_kind(const RegState& reg, std::int64_t off, std::uint32_t size,
                              Access access);
    int check_context_access(unsigned reg_no, std::int64_t off, std::uint32_t size, Access access);
    int remember_pointer_type(RegType type);

    // check_stack.cpp
    int check_stack_bounds(unsigned reg_no, std::int64_t off, std::int64_t size, Access access,
                           bool by_helper);
    int stack_write(unsigned reg_no, std::int64_t off, std::uint32_t size, int value_reg,
                    std::optional<std::int32_t> imm);
    int stack_write_fixed(Frame& frame, bool is_callers, std::int64_t off, std::uint32_t size,
                          int value_reg, std::optional<std::int32_t> imm);
    void stack_write_anywhere(Frame& frame, std::int64_t min, std::int64_t end);
    int stack_read(unsigned reg_no, std::int64_t off, std::uint32_t size, int value_reg);
    int stack_read_fixed(Frame& frame, std::int64_t off, std::uint32_t size, int value_reg);
    int stack_read_bytes(Frame& frame, std::int64_t min, std::int64_t end, int value_reg,
                         std::uint32_t size);
    int check_helper_stack(unsigned reg_no, std::int64_t size, bool zero_allowed, Access access);

    // check_call.cpp and check_args.cpp
    struct CallFacts {
        const HelperProto* proto = nullptr;
        std::int64_t map = -1;
        std::int64_t alloc_size = 0;
        std::int64_t most_bytes = 0;  ///< Largest value of a size argument.
        std::uint32_t release_ref = 0;
        std::optional<std::uint64_t> const_key;
        std::vector<std::pair<unsigned, std::int64_t>> written;  ///< Register, bytes.
    };
    int check_helper_call(const Insn& insn);
    int check_argument(unsigned arg, CallFacts& facts);
    int check_argument_type(unsigned reg_no, ArgType type);
    int check_size_argument(unsigned reg_no, CallFacts& facts, ArgType mem_type, bool zero_allowed);
    int check_helper_memory(unsigned reg_no, std::int64_t size, bool zero_allowed, Access access,
                            CallFacts* facts);
    int check_map_for_helper(const Insn& insn, const CallFacts& facts);
    std::optional<std::uint64_t> constant_key(const RegState& reg, std::uint32_t key_size);
    int set_call_result(const Insn& insn, const CallFacts& facts);
    int release_reference(std::uint32_t ref_id);
    int check_reference_leak(std::string_view what);
    int enter_function(const Insn& insn);
    int leave_function();

    // check_jmp.cpp
    int check_conditional(const Insn& insn);
    void mark_null(State& state, std::uint32_t id, bool is_null);
    void refine_linked(State& state, const RegState& known);
    void tighten_after_jump(State& state, const Insn& insn, bool taken);

    // registers
    int check_readable(unsigned reg_no);
    int check_writable(unsigned reg_no);
    int check_number(unsigned reg_no);
    RegState& reg(unsigned reg_no) { return state_.regs()[reg_no]; }
    void set_reg(unsigned reg_no, const RegState& value);
    [[nodiscard]] std::uint32_t new_id() { return ++last_id_; }
    [[nodiscard]] const MapSpec& map_spec(std::uint32_t map) const {
        return input_.maps[map]->spec();
    }

    // log.cpp
    void log_state(const State& state, bool everything);
    std::string reg_text(const RegState& reg, std::uint8_t frame) const;
    std::string type_text(const RegState& reg) const;
    std::string type_text(RegType type, bool or_null) const;
    void log_insn();
    void log_pruned();
    void log_statistics();
    [[nodiscard]] std::string insn_text(std::uint32_t index) const;
    template <class... Args>
    void say(fmt::format_string<Args...> format, Args&&... args) {
        log_.add(fmt::format(format, std::forward<Args>(args)...));
    }

    /// A state kept at a join point, in the tree of all paths: it is fully explored when no path
    /// below it is open.
    struct Seen {
        State state;
        std::int32_t parent = -1;
        std::uint32_t open_paths = 1;
        std::uint32_t misses = 0;
        std::uint32_t hits = 0;
    };
    /// A branch that waits for its turn.
    struct Pending {
        State state;
        std::uint32_t insn = 0;
        std::uint32_t from = 0;
        std::int32_t parent = -1;
        std::size_t log_size = 0;
    };

    const VerifierInput& input_;
    std::span<const Insn> insns_;
    Log log_;
    std::vector<FunctionInfo> functions_;
    std::vector<bool> is_second_slot_;
    std::vector<bool> is_join_point_;
    std::vector<bool> was_visited_;
    std::vector<std::uint16_t> live_before_;  ///< Bit i: Ri may be read before it is written.

    State state_;
    std::uint32_t pc_ = 0;
    std::uint32_t previous_pc_ = 0;
    std::int32_t parent_ = -1;
    std::vector<Pending> pending_;
    std::deque<Seen> seen_;
    std::map<std::uint32_t, std::vector<std::uint32_t>> seen_at_;
    Origins origins_;
    std::uint32_t last_id_ = 0;
    std::uint32_t processed_ = 0;
    std::uint32_t jumps_ = 0;
    std::uint32_t processed_at_state_ = 0;
    std::uint32_t jumps_at_state_ = 0;
    std::uint32_t total_states_ = 0;
    std::size_t max_states_per_insn_ = 0;
    bool reads_uninit_stack_ = false;
    std::vector<std::int32_t> call_map_;
    std::map<std::uint32_t, RegType> pointer_type_at_;

    // What changed since the log last said so.
    std::uint16_t changed_regs_ = 0;
    std::set<std::size_t> changed_slots_;
    std::size_t insn_log_start_ = 0;
    std::size_t insn_log_end_ = 0;
    bool all_changed_ = true;
    bool begins_branch_ = false;
};

}  // namespace trapgate::bpf
