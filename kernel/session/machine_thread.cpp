// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/session/machine_thread.hpp"

#include <utility>

#include "kernel/session/commands.hpp"

namespace trapgate::kernel {
namespace {

constexpr double kSliceSeconds = 1.0 / 60;  // between two snapshots of a running guest

}  // namespace

MachineThread::MachineThread(std::unique_ptr<Session> session)
    : session_(std::move(session)), snapshot_(session_->snapshot()), thread_([this] { loop(); }) {}

MachineThread::~MachineThread() {
    {
        const std::lock_guard lock(mutex_);
        closing_ = true;
    }
    session_->machine().request_stop();
    wake_.notify_one();
    thread_.join();
}

std::future<Result<std::string>> MachineThread::command(std::string line) {
    Request request{std::move(line), {}};
    std::future<Result<std::string>> answer = request.answer.get_future();
    {
        const std::lock_guard lock(mutex_);
        requests_.push_back(std::move(request));
    }
    session_->machine().request_stop();  // A run in progress ends its slice early.
    wake_.notify_one();
    return answer;
}

SnapshotPtr MachineThread::snapshot() const {
    const std::lock_guard lock(mutex_);
    return snapshot_;
}

void MachineThread::publish() {
    SnapshotPtr taken = session_->snapshot();
    if (running_) {
        auto marked = std::make_shared<SessionSnapshot>(*taken);
        marked->running = true;
        taken = std::move(marked);
    }
    const std::lock_guard lock(mutex_);
    snapshot_ = std::move(taken);
}

void MachineThread::loop() {
    std::unique_lock lock(mutex_);
    while (true) {
        wake_.wait(lock, [this] { return closing_ || running_ || !requests_.empty(); });
        if (closing_) {
            return;
        }
        while (!requests_.empty()) {
            Request request = std::move(requests_.front());
            requests_.pop_front();
            lock.unlock();
            CommandContext context{*session_, running_};
            Result<std::string> answer = run_command(context, request.line);
            publish();
            request.answer.set_value(std::move(answer));
            lock.lock();
        }
        if (running_) {
            lock.unlock();
            emu::RunLimits slice;
            slice.max_host_seconds = kSliceSeconds;
            const emu::StopEvent stop = session_->run(slice);
            running_ = stop.reason == emu::StopReason::TimeLimit ||
                       stop.reason == emu::StopReason::Requested;
            publish();
            lock.lock();
        }
    }
}

}  // namespace trapgate::kernel
