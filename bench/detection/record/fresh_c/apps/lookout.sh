#!/bin/bash
# Every few seconds: does the site answer? As a check from outside does it.
while true; do
  for what in fares/12 tokens/7; do
    if said=$(curl -sS -m 6 -o /dev/null -w '%{http_code} in %{time_total}s' --cacert /etc/ssl/ferry-ca.pem "https://www.ferry.lan/$what" 2>&1); then
      case "$said" in
        2*) echo "$(date -u +%FT%TZ) OK https://www.ferry.lan/$what $said" ;;
        *) echo "$(date -u +%FT%TZ) CRITICAL https://www.ferry.lan/$what HTTP $said" ;;
      esac
    else
      echo "$(date -u +%FT%TZ) CRITICAL https://www.ferry.lan/$what unreachable: $(echo $said | head -c 200)"
    fi
  done
  sleep 4
done
