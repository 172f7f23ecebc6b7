#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# run.sh FOLDER SECONDS: lets each harness in FOLDER run for SECONDS, from the seeds and from what earlier runs found
# interesting (FOLDER/corpus). An input that breaks something is kept in FOLDER/found and named; the status is 1 then.
set -euo pipefail

folder=${1:?usage: run.sh FOLDER SECONDS} seconds=${2:?usage: run.sh FOLDER SECONDS} status=0
cd "$folder"
mkdir -p found
./fuzz_seeds seeds
for program in ./*_fuzz; do
    name=$(basename "$program" _fuzz)
    mkdir -p "corpus/$name" "seeds/$name"
    if "$program" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=3072 -max_len=65536 -print_final_stats=1 \
        -verbosity=1 -artifact_prefix="found/$name-" "corpus/$name" "seeds/$name" >"$name.log" 2>&1; then
        runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$name.log")
        echo "fuzz: $name: $runs inputs in $seconds s, nothing found"
    else
        status=1
        echo "fuzz: $name: FOUND SOMETHING; $folder/$name.log, and to repeat it:"
        sed -n "s|.*Test unit written to \(.*\)|    $folder/${program#./} $folder/\1|p" "$name.log"
        grep -m 3 -E 'ERROR|SUMMARY|runtime error' "$name.log" || tail -n 5 "$name.log"
    fi
done
exit "$status"
