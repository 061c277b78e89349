#!/bin/sh
# The one-way rule between folders. depcruise passes in silence when it could read no module
# (it does with a TypeScript it does not know), so the number of modules is checked first.
set -eu
folders=$(ls -d core policy collectors enrichers sinks enforcer compliance console bin lab 2>/dev/null)
# shellcheck disable=SC2086
modules=$(depcruise --output-type json $folders | grep -c '"source":' || true)
if [ "$modules" -lt 20 ]; then
  echo "layers: only $modules modules were read; the check would pass without looking" >&2
  exit 1
fi
# shellcheck disable=SC2086
depcruise --output-type err $folders
