#!/bin/bash
# The backup of a company: with restic in one repository and with borg in another, a check of both now and then.
export RESTIC_REPOSITORY=/srv/shop/vault/restic RESTIC_PASSWORD_FILE=/srv/shop/restic.pass RESTIC_CACHE_DIR=/srv/shop/cache/restic
export BORG_REPO=/srv/shop/vault/borg BORG_PASSPHRASE=salt-and-iron BORG_BASE_DIR=/srv/shop/cache BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK=yes
kind=$1
run=0
step() {
  local name=$1; shift
  local began=$SECONDS out code
  out=$(timeout 60 "$@" 2>&1)
  code=$?
  if [ $code = 0 ]; then
    echo "[$(date -u +%FT%TZ)] INFO $kind $name done in $((SECONDS - began)) s"
  else
    echo "$out" | tail -n 12
    echo "[$(date -u +%FT%TZ)] ERROR $kind $name failed, exit status $code"
  fi
}
while sleep 6; do
  run=$((run + 1))
  head -c 60000 /dev/urandom > "/srv/shop/books/ledger-$kind-$((run % 9)).dat"
  if [ "$kind" = restic ]; then
    step backup restic backup --quiet --host store-9 /srv/shop/books
    [ $((run % 3)) = 0 ] && step check restic check --quiet --no-cache --read-data
  else
    step create borg create --lock-wait 3 "::books-$run-$(date +%s)" /srv/shop/books
    [ $((run % 3)) = 0 ] && step check borg check --lock-wait 3 --verify-data
    [ $((run % 4)) = 0 ] && step prune borg prune --lock-wait 3 --keep-last 4
  fi
done
