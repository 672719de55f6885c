#!/bin/bash
# Debian packages that building and testing need, installed when root, listed otherwise.
set -euo pipefail
packages=(protobuf-compiler gcc libc6-dev libseccomp-dev pkg-config mmdebstrap systemd-container docker-registry
  skopeo minisign openssh-server openssh-client sudo fish iproute2 groff-base nftables arping jq curl openssl
  python3-jsonschema qemu-system-x86 e2fsprogs gpg gpg-agent gpgv)
missing=()
for package in "${packages[@]}"; do
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0
if [ "$(id -u)" -ne 0 ]; then
  echo "these Debian packages are missing: ${missing[*]}" >&2
  echo "next: sudo apt-get install ${missing[*]}" >&2
  exit 1
fi
echo "installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# A test machine's own services must not start because a test needs their programs.
printf '#!/bin/sh\nexit 101\n' > /usr/sbin/policy-rc.d.sealift && chmod +x /usr/sbin/policy-rc.d.sealift
[ -e /usr/sbin/policy-rc.d ] || { mv /usr/sbin/policy-rc.d.sealift /usr/sbin/policy-rc.d; ours=1; }
rm -f /usr/sbin/policy-rc.d.sealift
apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
[ -z "${ours:-}" ] || rm -f /usr/sbin/policy-rc.d
