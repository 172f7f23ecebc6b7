// SPDX-License-Identifier: GPL-2.0-only
// "did you mean" over as many names as a distribution's kernel has.
#include <string>
#include <string_view>
#include <vector>

#include <benchmark/benchmark.h>

#include "base/nearest.hpp"

namespace trapgate {
namespace {

void nearest_of_many_names(benchmark::State& state) {
    std::vector<std::string> names;
    for (int i = 0; i < state.range(0); ++i) {
        names.push_back("subsystem_" + std::to_string(i * 7919) + "_handler");
    }
    const std::vector<std::string_view> candidates(names.begin(), names.end());
    for (auto _ : state) {
        benchmark::DoNotOptimize(nearest_names("subsystem_7919_hanlder", candidates));
    }
}
BENCHMARK(nearest_of_many_names)->Arg(1000)->Arg(100'000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace trapgate
