#!/bin/bash
# Renews the tickets of the web front's service every few seconds and asks for one of the archive, as a portal does for its users.
export KRB5CCNAME=FILE:/srv/shop/sso.cache
say() { echo "$(date -u +%FT%T.%3NZ) sso $1: $2"; }
say info "single sign-on starts, principal portal@GRID.EXAMPLE"
count=0
while sleep 2; do
  if out=$(timeout 8 kinit -k -t /srv/shop/krb/portal.keytab portal@GRID.EXAMPLE 2>&1); then
    if out=$(timeout 8 kvno -q archive/files.grid.example 2>&1); then
      count=$((count + 1))
      [ $((count % 8)) = 0 ] && say info "$count tickets renewed"
    else
      say error "no ticket for archive/files.grid.example: ${out:-no answer within 8 s}"
    fi
  else
    say error "ticket not renewed: ${out:-no answer within 8 s}"
  fi
done
