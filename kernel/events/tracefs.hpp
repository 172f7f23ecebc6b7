// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "kernel/api/virtual_files.hpp"
#include "kernel/events/probe_events.hpp"

namespace trapgate::kernel {

/// Lets programs read what tracefs has of `events`: kprobe_events, kprobe_profile and error_log
/// below both of its mount points, and events/GROUP/EVENT/{format,id,filter,enable} of each event
/// while it exists. Nothing is written there. `events` must outlive the files' readers.
void add_trace_files(VirtualFiles& files, ProbeEvents& events);

}  // namespace trapgate::kernel
