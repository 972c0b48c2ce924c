#!/usr/bin/env bash
# tests/venv.sh REQUIREMENTS FOLDER: makes FOLDER a Python environment with exactly the packages that REQUIREMENTS pins, by
# version and hash, prebuilt ones only. Does nothing if FOLDER has them already.
set -euo pipefail
wanted=$1 folder=$2

if cmp --silent "$wanted" "$folder/installed-requirements.txt"; then
  echo "as $wanted says, already"
  exit
fi
if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))'; then
  echo "$(python3 --version): the tests need 3.10 or newer"
  exit 1
fi
python3 -m venv --clear "$folder"
"$folder/bin/pip" install --quiet --disable-pip-version-check --require-hashes --only-binary :all: --requirement "$wanted"
cp "$wanted" "$folder/installed-requirements.txt"
