#!/bin/bash
# Every few seconds: count the calls of the last minutes in the report database and write a line of the manifest.
export PGPASSWORD=tide PGCONNECT_TIMEOUT=4
while true; do
  if got=$(psql -X -h pgreport.harbor.lan -U berths -d harbor -Atc "select count(*) from calls" 2>&1) &&
     psql -X -q -h pgmain.harbor.lan -U berths -d harbor -c "insert into manifests (calls) values ($got)" 2>&1; then
    echo "$(date '+%b %d %H:%M:%S') manifest[$$]: wrote manifest, $got calls so far"
  else
    echo "$(date '+%b %d %H:%M:%S') manifest[$$]: could not write the manifest: ${got//$'\n'/ }"
  fi
  sleep 4
done
