#!/bin/sh
# Writes the three locks from pyproject.toml: each is the one before it plus more, with the hash of every file.
# Usage: requirements/lock.sh path/to/uv
set -eu
uv=$1
cd "$(dirname "$0")/.."
lock() {
    out=$1
    shift
    "$uv" pip compile --universal --python-version 3.11 --upgrade --generate-hashes --quiet \
        --no-header --no-annotate --no-emit-index-url --no-emit-find-links \
        pyproject.toml --extra openvino --extra local "$@" --output-file "requirements/$out.txt"
}
lock runtime
lock test --extra onnxruntime --extra paddle --extra test --constraints requirements/runtime.txt
lock lint --extra onnxruntime --extra paddle --extra test --extra lint --constraints requirements/test.txt
