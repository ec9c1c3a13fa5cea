#!/bin/bash
# Looks at the cluster from every node, as monitoring does, and says what it sees.
while sleep 5; do
  for node in 1 2 3; do
    seen=$(timeout 4 mariadb -h 127.0.3.5$node -u monitor -pstethoscope -N -B -e "SELECT GROUP_CONCAT(variable_value ORDER BY variable_name SEPARATOR ' ') FROM information_schema.global_status WHERE variable_name IN ('wsrep_cluster_size','wsrep_cluster_status','wsrep_local_state_comment')" 2>&1)
    code=$?
    stamp=$(date -u +%Y-%m-%dT%H:%M:%SZ)
    case "$code $seen" in
      "0 3 Primary Synced") echo "$stamp wsrep-check[$$]: OK maria-$node size=3 Primary Synced" ;;
      0*) echo "$stamp wsrep-check[$$]: WARNING maria-$node $seen" ;;
      124*) echo "$stamp wsrep-check[$$]: CRITICAL maria-$node does not answer within 4 s" ;;
      *) echo "$stamp wsrep-check[$$]: CRITICAL maria-$node $seen" ;;
    esac
  done
done
