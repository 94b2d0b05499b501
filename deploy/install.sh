#!/usr/bin/env bash
# Installs the gateway or the server on a 64-bit Debian or Raspberry Pi OS, from this folder of sources. Run it again to
# bring a newer version in: configuration and data stay, the version before is kept beside it.
#
#   sudo deploy/install.sh gateway|server [--no-packages] [--no-service]
#
#   --no-packages  leave the operating system's packages alone
#   --no-service   install the files only: no user, no systemd unit
# PREFIX (/opt/frostlight) and ETC (/etc/frostlight) may be set for a trial elsewhere.
set -euo pipefail

prefix="${PREFIX:-/opt/frostlight}"
etc="${ETC:-/etc/frostlight}"
source_folder="$(cd "$(dirname "$0")/.." && pwd)"
role=""
with_packages=yes
with_service=yes

say() { printf 'frostlight: %s\n' "$*"; }
fail() { printf 'frostlight: %s\n' "$*" >&2; exit 1; }

for argument in "$@"; do
  case "$argument" in
    gateway | server) role="$argument" ;;
    --no-packages) with_packages=no ;;
    --no-service) with_service=no ;;
    *) fail "unknown argument $argument" ;;
  esac
done
[ -n "$role" ] || fail "say which: gateway or server"
case "$(uname -m)" in
  x86_64 | aarch64) ;;
  *) fail "a 64-bit system is needed (x86_64 or aarch64), found $(uname -m)" ;;
esac
if [ "$with_packages" = yes ] || [ "$with_service" = yes ]; then
  [ "$(id -u)" = 0 ] || fail "run this with sudo, or with --no-packages --no-service"
fi

install_packages() {
  local packages=(ca-certificates)
  [ "$role" = server ] || packages+=(ffmpeg)
  command -v npm >/dev/null || packages+=(nodejs npm)
  say "installing ${packages[*]}"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
}

# Node.js 24 itself comes with the packages; what is there only has to run npm.
check_node() {
  if ! command -v node >/dev/null || ! command -v npm >/dev/null; then fail "Node.js with npm is missing"; fi
  node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' ||
    fail "Node.js 20.19 or newer is needed to install, found $(node --version). Debian 13 has it; on Debian 12 take it from nodejs.org"
}

# Prepared beside the running version, then exchanged by renaming, so that a failed installation changes nothing.
install_files() {
  local new="$prefix.new"
  rm -rf "$new"
  mkdir -p "$new"
  tar -C "$source_folder" --exclude=node_modules --exclude=.git --exclude=dist --exclude='.demo' --exclude='.setup*' \
    --exclude=deploy/compose/secrets -cf - . | tar -C "$new" -xf -
  if [ "$with_service" = yes ]; then
    chown -R frostlight: "$new"
  fi
  say "installing the packages of the lock file (a few minutes on a Pi)"
  as_user "$new" node deploy/setup.mjs
  as_user "$new" npm prune --omit=dev --no-audit --no-fund --loglevel=error
  drop_other_platforms "$new/node_modules"
  if [ "$with_service" = yes ]; then
    # The service may read its program, never change it.
    chown -R root:root "$new"
  fi
  rm -rf "$prefix.old"
  if [ -e "$prefix" ]; then mv "$prefix" "$prefix.old"; fi
  mv "$new" "$prefix"
  say "installed in $prefix ($("$prefix/node_modules/.bin/node" --version))"
}

# onnxruntime-node brings the libraries of every platform, the Node.js package its headers.
drop_other_platforms() {
  local machine=x64 runtime
  [ "$(uname -m)" = x86_64 ] || machine=arm64
  for runtime in "$1"/onnxruntime-node/bin/napi-v*; do
    [ -d "$runtime/linux/$machine" ] || continue
    find "$runtime" -mindepth 1 -maxdepth 1 ! -name linux -exec rm -rf {} +
    find "$runtime/linux" -mindepth 1 -maxdepth 1 ! -name "$machine" -exec rm -rf {} +
  done
  rm -rf "$1"/node-linux-*/include "$1"/node-linux-*/share
}

# Packages are fetched by the ordinary user, never by root.
as_user() {
  local folder="$1"
  shift
  if [ "$with_service" = yes ]; then
    (cd "$folder" && runuser -u frostlight -- env HOME="$folder/.home" npm_config_cache="$folder/.home/npm" "$@")
    rm -rf "$folder/.home"
  else
    (cd "$folder" && "$@")
  fi
}

install_user() {
  id frostlight >/dev/null 2>&1 ||
    useradd --system --user-group --no-create-home --home-dir /var/lib/frostlight --shell /usr/sbin/nologin frostlight
}

install_configuration() {
  local example=gateway-mqtt-sensors.yaml
  [ "$role" = gateway ] || example=server-embedded.yaml
  mkdir -p "$etc/secrets" "$etc/tls"
  if [ -e "$etc/$role.yaml" ]; then
    say "kept $etc/$role.yaml"
  else
    install -m 0640 "$source_folder/deploy/config/$example" "$etc/$role.yaml"
    say "wrote $etc/$role.yaml from the example $example: edit it"
  fi
  chmod 0750 "$etc" "$etc/secrets" "$etc/tls"
  if [ "$with_service" = yes ]; then
    chgrp -R frostlight "$etc"
    chmod -R g+rX,o-rwx "$etc"
  fi
}

install_service() {
  install -m 0644 "$prefix/deploy/systemd/frostlight-$role.service" "/etc/systemd/system/frostlight-$role.service"
  systemctl daemon-reload
  systemctl enable --quiet "frostlight-$role"
  if systemctl is-active --quiet "frostlight-$role"; then
    systemctl restart "frostlight-$role"
    say "restarted frostlight-$role"
  else
    say "when $etc/$role.yaml is right: systemctl start frostlight-$role; journalctl -fu frostlight-$role"
  fi
}

if [ "$with_packages" = yes ]; then install_packages; fi
check_node
if [ "$with_service" = yes ]; then install_user; fi
install_files
install_configuration
if [ "$with_service" = yes ]; then install_service; fi
