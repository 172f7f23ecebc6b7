// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.hpp"
#include "emu/input/input_log.hpp"

namespace trapgate::emu {

/// The one way into a machine. What comes from outside waits until the machine, on its own thread,
/// gives it a cycle in the future; from then on it is in the log, and acts there like the event of
/// a device. So the first run and a replay of its log do the same.
class InputQueue {
public:
    /// Any thread. Bytes that come together may become one entry. Ignored in a replay.
    void push(InputKind kind, std::string_view bytes);
    /// Any thread: whether something waits for its cycle.
    [[nodiscard]] bool waiting() const;

    // The machine's thread only.
    /// Gives what waits the cycle `at`, which must not be earlier than now. Before the end of what
    /// is known already (the log, and the past that is repeated) it goes on waiting.
    void schedule(Cycles at);
    /// The cycle of the next entry.
    [[nodiscard]] std::optional<Cycles> next_event() const;
    /// Calls `act` for each entry whose cycle has come. An entry that was recorded at another
    /// instruction is noted as a divergence.
    void advance(InputPlace now, const std::function<void(const InputEntry&)>& act);

    /// Repeats a log from the beginning; nothing else is let in.
    void replay(std::vector<InputEntry> entries);
    /// Where a replay first did not find the machine at the recorded instruction.
    [[nodiscard]] std::optional<InputPlace> divergence() const { return divergence_; }

    /// All that came in, and what will at a cycle that is known.
    [[nodiscard]] std::shared_ptr<const std::vector<InputEntry>> entries() const;
    /// How many of the entries have acted.
    [[nodiscard]] std::size_t acted() const { return acted_; }
    /// Bytes that came in and have not acted.
    [[nodiscard]] std::size_t backlog() const;
    /// Goes to another point: `acted` of `entries` have acted. With `known_until`, what follows is
    /// known until then: entries of now's log that lie behind those stay, if `entries` is the
    /// beginning of that log, and nothing new is let in before.
    void go_to(const std::vector<InputEntry>& entries, std::size_t acted,
               std::optional<Cycles> known_until);
    /// Forgets entries that have not acted.
    void forget_future();

private:
    struct Waiting {
        InputKind kind;
        std::string bytes;
    };
    mutable std::mutex mutex_;
    std::vector<Waiting> waiting_;  ///< Guarded by mutex_.
    bool replaying_ = false;        ///< Guarded by mutex_.

    std::vector<InputEntry> log_;
    std::size_t acted_ = 0;
    Cycles known_until_{0};
    std::optional<InputPlace> divergence_;
    mutable std::shared_ptr<const std::vector<InputEntry>> shared_;  ///< log_, when up to date.
};

}  // namespace trapgate::emu
