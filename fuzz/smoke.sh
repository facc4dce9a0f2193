#!/usr/bin/env bash
# Builds all targets once, then runs each for N seconds (default 10) on a copy of its seeds.
# Needs a nightly toolchain; prints "NAME: EXECUTIONS executions", and fails if any target fails.
set -eu

seconds=${1:-10}
cd "$(dirname "$0")/.."
cargo fuzz --version >/dev/null 2>&1 ||
    cargo install cargo-fuzz --version 0.13.2 --locked --debug
cargo +nightly fuzz build

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=
for target in $(cargo +nightly fuzz list); do
    # What the fuzzer finds goes into the copy.
    cp -r "fuzz/seeds/$target" "$work/$target"
    if cargo +nightly fuzz run "$target" "$work/$target" -- \
        -max_total_time="$seconds" -print_final_stats=1 -rss_limit_mb=1024 -timeout=5 \
        >"$work/log" 2>&1; then
        executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$work/log")
        echo "$target: ${executions:?} executions"
    else
        tail -n 60 "$work/log"
        echo "$target: FAILED"
        failed="$failed $target"
    fi
done
if [ -n "$failed" ]; then
    echo "failed:$failed"
    exit 1
fi
