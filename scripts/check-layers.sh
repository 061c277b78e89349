#!/bin/sh
# The one-way rule between folders. depcruise passes in silence when it could read no module
# (it does with a TypeScript it does not know), so the modules it read are counted first.
set -eu
cd "$(dirname "$0")/.."
folders=$(for folder in core policy controls collectors enrichers sinks enforcer compliance console deploy bin lab test; do
  [ ! -d "$folder" ] || echo "$folder"
done)
# shellcheck disable=SC2086
files=$(find $folders -name '*.ts' | wc -l)
# shellcheck disable=SC2086
modules=$(depcruise --output-type json $folders | grep -c '"source": "[^"]*\.ts"' || true)
if [ "$modules" -lt "$files" ]; then
  echo "layers: only $modules of $files modules were read; the check would pass without looking" >&2
  exit 1
fi
# shellcheck disable=SC2086
depcruise --output-type err $folders
