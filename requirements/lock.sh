#!/bin/sh
# Writes the locks, with the hash of every file: three from pyproject.toml, each the one before it plus more; what an
# image has beside the runtime; the validators of the deployment files, which share nothing with the program.
# Usage: requirements/lock.sh path/to/uv
set -eu
uv=$1
cd "$(dirname "$0")/.."
lock() {
    out=$1
    shift
    "$uv" pip compile --universal --python-version 3.11 --upgrade --generate-hashes --quiet \
        --no-header --no-annotate --no-emit-index-url --no-emit-find-links \
        pyproject.toml --extra openvino --extra onnxruntime --extra local "$@" --output-file "requirements/$out.txt"
}
lock runtime
lock test --extra paddle --extra telemetry --extra test --constraints requirements/runtime.txt
lock lint --extra paddle --extra telemetry --extra test --extra lint --constraints requirements/test.txt

beside() {
    name=$1
    shift
    "$uv" pip compile --upgrade --generate-hashes --quiet --no-header --no-annotate --no-emit-index-url --no-emit-find-links \
        "requirements/$name.in" "$@" --output-file "requirements/$name.txt"
}
beside paddle --universal --python-version 3.11 --constraints requirements/test.txt
beside telemetry --universal --python-version 3.11 --constraints requirements/test.txt
beside gpu --python-platform x86_64-manylinux_2_28 --python-version 3.12 --constraints requirements/runtime.txt
beside deploy --universal --python-version 3.11
