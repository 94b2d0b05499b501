#!/usr/bin/env bash
# Makes the secrets of compose.yaml that are missing: random passwords, and a certificate for the gateways' broker signed
# by an authority of its own. Existing files are kept. Usage: make-secrets.sh HOST, where HOST is the name gateways use.
set -euo pipefail
host="${1:?usage: make-secrets.sh HOST (the name or address under which gateways reach this machine)}"
folder="${FROSTLIGHT_SECRETS:-$(cd "$(dirname "$0")" && pwd)/secrets}"
umask 077
mkdir -p "$folder"
cd "$folder"

for name in influxdb-admin-password influxdb-writer-password influxdb-reader-password grafana-admin-password; do
  [ -s "$name" ] || { openssl rand -hex 24 | tr -d '\n' >"$name" && echo "made $name"; }
done

if [ ! -s broker-key ] || [ ! -s broker-certificate ]; then
  case "$host" in
    *[!0-9.]*) subject="DNS:$host" ;;
    *) subject="IP:$host" ;;
  esac
  [ -s authority-key ] || openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 \
    -subj "/CN=Frostlight authority of $host" -addext "basicConstraints=critical,CA:TRUE,pathlen:0" \
    -addext "keyUsage=critical,keyCertSign,cRLSign" -keyout authority-key -out authority.crt 2>/dev/null
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$host" -keyout broker-key -out broker.csr 2>/dev/null
  openssl x509 -req -in broker.csr -CA authority.crt -CAkey authority-key -CAcreateserial -days 825 -out broker-certificate \
    -extfile <(printf 'subjectAltName=%s\nextendedKeyUsage=serverAuth\n' "$subject") 2>/dev/null
  rm -f broker.csr
  echo "made broker-certificate for $host; gateways need authority.crt as uplink.options.caFile"
fi

# Containers run as other users than the one who made these files; the folder itself stays closed to others.
chmod 644 ./*-password broker-key broker-certificate authority.crt
chmod 700 .
