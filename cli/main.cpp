// SPDX-License-Identifier: GPL-2.0-only
#include "cli/app.hpp"

int main(int argc, char** argv) { return trapgate::cli::run_app(argc, argv, TRAPGATE_VERSION); }
