// SPDX-License-Identifier: GPL-2.0-only
#pragma once

namespace trapgate::emu {

class UnicornEngine;

/// The interposed functions find the engine that the library works for: the innermost one on this
/// thread. One engine may need another in its middle, to drop translations or to start it up.
class ActiveScope {
public:
    explicit ActiveScope(UnicornEngine& engine);
    ActiveScope(const ActiveScope&) = delete;
    ActiveScope& operator=(const ActiveScope&) = delete;
    ~ActiveScope();

private:
    UnicornEngine* outer_;
};

}  // namespace trapgate::emu
