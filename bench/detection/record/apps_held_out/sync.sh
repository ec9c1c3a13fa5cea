#!/bin/sh
# Fetches a price list each two seconds with curl.
while :; do
  if out=$(curl -sS --max-time 3 $CURL_MORE "$1" 2>&1 >/srv/shop/carts-list.tmp); then
    echo "$(date '+%Y-%m-%d %H:%M:%S') sync[$$]: INFO price list fetched"
  else
    echo "$(date '+%Y-%m-%d %H:%M:%S') sync[$$]: ERROR price list not fetched: $out"
  fi
  sleep 2
done
