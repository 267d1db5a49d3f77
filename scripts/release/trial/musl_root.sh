#!/bin/sh
# Runs a command with the musl binary in a root of its own: musl, libstdc++, busybox and certificates,
# as on Alpine, and nothing of this machine but /tmp, its devices and this working directory. Needs root on Debian.
#
#   apt-get install -y --no-install-recommends busybox-static ca-certificates tzdata
#   scripts/release/trial/musl_library.sh /work/musl-lib
#   scripts/release/trial/musl_root.sh /work/musl-lib dist/barnacle-linux-x64-musl COMMAND…
#
# The command itself runs on this machine, and gets the binary as BARNACLE_BIN: all its processes run
# in the root. So the end-to-end tests are `deno test -A --no-check --parallel tests/e2e`, and the
# demo is `sh -c '"$BARNACLE_BIN" demo --script'`. Tests whose bot starts a program of this machine
# fail there.
set -eu
[ $# -ge 3 ] || { echo "Name the folder of libstdc++.so.6, the binary and a command" >&2; exit 2; }
library=$1/libstdc++.so.6
binary=$2
shift 2
for path in "$library" "$binary" /bin/busybox /lib/x86_64-linux-musl/libc.so; do
  [ -e "$path" ] || { echo "$path is missing; the head of this script says how to get it" >&2; exit 1; }
done
work=$(mktemp -d)
trap 'rm -rf --one-file-system "$work"' EXIT
root=$work/root
for folder in bin dev etc/ssl/certs lib proc root sys tmp usr/bin usr/lib usr/share var/tmp "$(pwd)"; do
  mkdir -p "$root/$folder"
done
cp /bin/busybox "$root/bin/busybox"
for name in $(/bin/busybox --list); do
  [ "$name" = busybox ] || ln -s busybox "$root/bin/$name"
done
cp /lib/x86_64-linux-musl/libc.so "$root/lib/ld-musl-x86_64.so.1"
cp "$library" "$root/usr/lib"
cp "$binary" "$root/usr/bin/barnacle"
cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs"
cp -r /usr/share/zoneinfo "$root/usr/share"
cp /etc/hosts "$root/etc"
printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n' > "$root/etc/passwd"
printf 'root:x:0:\n' > "$root/etc/group"
cat > "$work/barnacle" <<EOF
#!/bin/sh
exec chroot "$root" /bin/sh -c 'cd "\$0" 2>/dev/null; exec /usr/bin/barnacle "\$@"' "\$PWD" "\$@"
EOF
chmod +x "$work/barnacle"
BARNACLE_BIN=$work/barnacle unshare -m --propagation private sh -c '
  root=$0
  for folder in /dev /proc /sys /tmp "$PWD"; do mount --rbind "$folder" "$root$folder"; done
  exec "$@"' "$root" "$@"
