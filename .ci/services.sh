#!/usr/bin/env bash
# Install the programs that the tests run for real, and prepare the root file system in which
# systemd is booted. From .ci/run and from a developer's machine; to tests/services.py.
#
# Safe to run again: what is there is kept. Nothing is left running: every test starts its own
# private instance. Packages come from the sources that this machine's apt already has.
#
#   SRA_CI_CACHE   where the root file system is kept (default /var/cache/sra-ci)
set -euo pipefail

CACHE=${SRA_CI_CACHE:-/var/cache/sra-ci}
SUITE=bookworm
ROOTFS=$CACHE/rootfs
INCLUDE=systemd,systemd-sysv,dbus,python3
PACKAGES=(
  busybox-static      # the content of the container image that the docker tests restart
  ca-certificates
  curl                # the examples of the original documentation are run as written
  debootstrap         # makes the root file system
  e2fsprogs           # makes the disk on which inodes are used again
  docker.io           # dockerd, started privately by the tests
  git                 # the fresh-clone test
  logrotate           # rotates what the agent reads
  make
  mount
  postgresql          # a private cluster, started by the tests as user postgres
  procps
  redis-server        # a real program to break and restart
  systemd-container   # systemd-nspawn
  gcc                 # compiles the recorder of the power-cut tests
  libc6-dev
)

started=$SECONDS
say() { printf '[%4ds] %s\n' $((SECONDS - started)) "$*"; }
die() { printf 'services.sh: %s\n' "$*" >&2; exit 1; }

[ "$(id -u)" = 0 ] || die "must run as root: sudo bash .ci/services.sh
Without root, run 'make test': tests whose program is missing are skipped and say how to get it."
. /etc/os-release
if [ "${ID:-}" != debian ] || [ "${VERSION_CODENAME:-}" != "$SUITE" ]; then
  die "is written for Debian 12 ($SUITE); this is ${PRETTY_NAME:-unknown}.
Install by your own package manager: ${PACKAGES[*]}
then make $ROOTFS with: debootstrap --variant=minbase --include=$INCLUDE $SUITE $ROOTFS"
fi

export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
APT=(apt-get -o DPkg::Lock::Timeout=600 -qq)

missing=()
for package in "${PACKAGES[@]}"; do
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)" = installed ] || missing+=("$package")
done

if [ ${#missing[@]} -gt 0 ]; then
  # Debian starts a service as it is installed; this file, while it is there, tells it not to.
  policy=/usr/sbin/policy-rc.d
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    trap 'rm -f "$policy"' EXIT
  fi
  say "apt-get update"
  "${APT[@]}" update
  say "installing ${missing[*]}"
  "${APT[@]}" install -y --no-install-recommends "${missing[@]}" >/dev/null
else
  say "all packages are installed"
fi

# -- the root file system for systemd-nspawn ------------------------------------------------------
stamp=$ROOTFS/.sra-ready
wanted="$SUITE $INCLUDE 1"
mkdir -p "$CACHE"
exec 9>"$CACHE/.lock"
flock -w 900 9 || die "another run has held $CACHE/.lock for 15 minutes; look for a hanging debootstrap"
if [ "$(cat "$stamp" 2>/dev/null || true)" = "$wanted" ]; then
  say "the root file system is ready in $ROOTFS"
else
  # The same mirror that apt uses here, so that a machine behind a mirror or a proxy works as well.
  [ ${#missing[@]} -gt 0 ] || "${APT[@]}" update
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' "Codename: $SUITE" 'Component: main' \
           | head -n 1)
  [ -n "$mirror" ] || die "apt has no source for $SUITE main; add one to /etc/apt/sources.list"
  proxy=$(apt-config dump --format '%v' Acquire::http::Proxy 2>/dev/null || true)
  [ -z "$proxy" ] || export http_proxy=$proxy https_proxy=${https_proxy:-$proxy}
  say "debootstrap of $SUITE with $INCLUDE"
  rm -rf "$ROOTFS.new"
  debootstrap --variant=minbase --include="$INCLUDE" "$SUITE" "$ROOTFS.new" "$mirror" >"$CACHE/debootstrap.log" 2>&1 \
    || { tail -n 20 "$CACHE/debootstrap.log" >&2; die "debootstrap failed; the whole log is $CACHE/debootstrap.log"; }
  rm -rf "$ROOTFS.new"/var/cache/apt/archives/*.deb "$ROOTFS.new"/var/lib/apt/lists/*
  : >"$ROOTFS.new/etc/machine-id"
  printf '%s\n' "$wanted" >"$ROOTFS.new/.sra-ready"
  rm -rf "$ROOTFS"
  mv "$ROOTFS.new" "$ROOTFS"
  say "made $ROOTFS ($(du -sh "$ROOTFS" | cut -f1))"
fi

say "done"
