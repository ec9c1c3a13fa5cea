#!/bin/bash
# Pushes the day's drawings to the depot by rsync, again and again.
export RSYNC_PASSWORD=${RSYNC_PASSWORD:-paper-crane}
count=0
while sleep 3; do
  count=$((count + 1))
  head -c 20000 /dev/urandom > "/srv/shop/drawings/sheet-$((count % 12)).dat"
  out=$(timeout 15 rsync -rt --timeout=8 --contimeout=5 /srv/shop/drawings/ rsync://mirror@files.grid.example/depot/ 2>&1)
  code=$?
  stamp=$(date -u "+%b %d %H:%M:%S")
  if [ $code = 0 ]; then
    [ $((count % 5)) = 1 ] && echo "$stamp store-9 mirror[$$]: drawings pushed, run $count"
  else
    echo "$out" | while read -r line; do echo "$stamp store-9 mirror[$$]: $line"; done
    echo "$stamp store-9 mirror[$$]: run $count failed with status $code"
  fi
done
