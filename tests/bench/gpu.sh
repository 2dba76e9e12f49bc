#!/usr/bin/env bash
# What a GPU makes of the tower, as one JSON, within 8 minutes on a fresh machine that has torch for it. Needs this
# checkout and .gpu-wheels/, which `make gpu-wheels` fetches; with --dry it needs no GPU.
set -euo pipefail
cd "$(dirname "$0")/../.."
site=$(mktemp -d)
trap 'rm -rf "$site"' EXIT
python3 -m pip install --quiet --disable-pip-version-check --no-index --no-deps --no-compile --no-cache-dir --upgrade \
  --target "$site" .gpu-wheels/*.whl >&2
PYTHONPATH="$PWD:$site" PYTHONDONTWRITEBYTECODE=1 timeout --signal KILL 480 python3 -m tests.bench.gpu "$@"
