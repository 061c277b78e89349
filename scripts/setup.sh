#!/bin/sh
# Makes a fresh checkout ready to run: `sh scripts/setup.sh [test]`, called by npm before start, test and check.
# Runs on whatever Node the machine has (or none but npm's): Node 24 itself is one of the packages it installs.
# What is there already is left alone, so the second run writes nothing and takes a fraction of a second.
set -eu
cd "$(dirname "$0")/.."
purpose=${1:-run}
PATH=$PATH:/usr/sbin:/sbin # where Debian keeps nft and ip; not in everybody's PATH

say() { printf 'setup: %s\n' "$*" >&2; }

# npm packages, by the content of the lock file: times change with every checkout. The stamp comes last, so that an
# interrupted run is repeated. --include: NODE_ENV=production or omit= in a user's .npmrc would leave out Node itself.
install_packages() {
  cmp -s package-lock.json node_modules/.installed-lock.json && return
  say "installing npm packages"
  npm install --no-save --include=dev --include=optional --no-audit --no-fund --loglevel=error >&2 || {
    say "npm could not install the packages of package-lock.json; see its message above"
    exit 1
  }
  cp package-lock.json node_modules/.installed-lock.json
}

# Debian package and the program that shows it is there.
wanted() {
  echo "nftables nft"
  echo "iproute2 ip"
  [ "$purpose" != test ] || printf '%s\n' "conntrack conntrack" "redis-server redis-server"
}

missing() {
  wanted | while read -r package program; do
    command -v "$program" >/dev/null 2>&1 || echo "$package"
  done
}

# Says what to install, of the programs that are missing, and ends.
ask_for_programs() {
  say "these programs are missing; please install them (on Debian or Ubuntu: apt-get install $1)"
  wanted | while read -r package program; do
    command -v "$program" >/dev/null 2>&1 || say "  $program, of the package $package"
  done
  exit 1
}

apt_install() {
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >&2
}

install_programs() {
  packages=$(missing | paste -sd ' ' -)
  [ -n "$packages" ] || return 0
  if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null 2>&1; then ask_for_programs "$packages"; fi
  say "installing $packages"
  # The package lists of a fresh image are empty, those of a machine are mostly good enough.
  # shellcheck disable=SC2086
  apt_install $packages || { apt-get update -qq >&2 && apt_install $packages; } || ask_for_programs "$packages"
  [ -z "$(missing)" ] || ask_for_programs "$(missing | paste -sd ' ' -)"
}

# The kernel is asked once per release, by loading a ruleset in a network namespace that vanishes with its process.
# Something missing is said, not fatal: `sluice` refuses what it cannot do, and tests of it are skipped.
check_kernel() {
  stamp=node_modules/.cache/sluice-kernel-$(uname -r)
  if [ "$(id -u)" -ne 0 ] || [ -e "$stamp" ]; then return; fi
  if sh scripts/check-kernel.sh >&2; then
    mkdir -p node_modules/.cache && : >"$stamp"
  fi
}

install_packages
install_programs
check_kernel
