#!/bin/sh
# Installs Barnacle for one user, without root: sh install.sh [--dry-run]
#
# It downloads one program, checks signature and checksum, runs `barnacle --version` once, and moves the
# program to ~/.local/bin. It changes nothing else, and an older program stays until the last step.
set -u

RELEASES='@RELEASES@'
OWN_VERSION='@VERSION@'
PUBLIC_KEY='@PUBLIC_KEY@' # of minisign; the same key is in SECURITY.md of the repository
ROOM_KB='@ROOM_KB@'       # for the program and its archive

usage() {
  cat <<'END'
Usage: sh install.sh [options]
  --version VERSION  install this release, such as 1.0.0 (default: the newest one)
  --dir FOLDER       install into this folder (default: ~/.local/bin)
  --from PLACE       read the release from this folder or address, such as a mirror
  --dry-run          say what would happen, and change nothing
  --help             show this help
END
}

say() { printf '%s\n' "$*"; }
fail() {
  printf 'install.sh: %s.\n' "$*" >&2
  exit 1
}
wrong() {
  printf 'install.sh: %s; see sh install.sh --help.\n' "$*" >&2
  exit 2
}
has() { command -v "$1" >/dev/null 2>&1; }

# --- which program -----------------------------------------------------------

is_musl() {
  if has ldd; then ldd --version 2>&1 | grep -qi musl; else
    ! ls /lib*/ld-linux* >/dev/null 2>&1 && ls /lib/ld-musl-* >/dev/null 2>&1
  fi
}

find_platform() {
  case $(uname -m) in
    x86_64 | amd64) cpu=x64 ;;
    aarch64 | arm64) cpu=arm64 ;;
    *) fail "there is no program for the processor $(uname -m), only for x64 and arm64" ;;
  esac
  case $(uname -s) in
    Linux) platform=linux-$cpu ;;
    Darwin)
      # Under Rosetta, a Mac with an Apple processor calls itself x86_64.
      [ "$(sysctl -n hw.optional.arm64 2>/dev/null)" != 1 ] || cpu=arm64
      platform=darwin-$cpu
      return
      ;;
    *) fail "there is no program for $(uname -s) here; on Windows, use install.ps1" ;;
  esac
  [ "$(getconf LONG_BIT 2>/dev/null)" != 32 ] ||
    fail "this system has 32 bits, and Barnacle needs 64; most Raspberry Pi can run a system of 64 bits"
  is_musl || return 0
  platform=$platform-musl
  for one in /lib/libstdc++.so.6 /usr/lib/libstdc++.so.6 /usr/local/lib/libstdc++.so.6; do
    [ ! -e "$one" ] || return 0
  done
  fail "Barnacle needs libstdc++ here: as root, run \`apk add libstdc++\`, and then this script again"
}

# --- downloads ---------------------------------------------------------------

# fetch NAME: downloads a file of the release into the temporary folder.
fetch() {
  url=$place/$1
  case $place in
    /* | .*) cp "$url" "$temp/$1" 2>/dev/null || fail "cannot copy $url to $dir; look at --from, and at the room there; $STAYS" ;;
    *)
      if has curl; then
        curl -fsSL --proto "=${place%%:*}" --retry 2 --connect-timeout 20 --speed-limit 1 \
          --speed-time 60 -o "$temp/$1" "$url" 2>/dev/null
        why=curl-$?
      elif has wget; then
        wget -q -O "$temp/$1" "$url" 2>/dev/null
        why=wget-$?
      else fail "this machine has neither curl nor wget; install one of them"; fi
      case $why in
        *-0) ;;
        curl-22 | wget-8) fail "$url does not exist or is refused; look at --version and --from; $STAYS" ;;
        curl-23 | wget-3) fail "$dir has no room for the download; make room, or name another folder with --dir; $STAYS" ;;
        curl-18) fail "the download of $url was cut; run this again; $STAYS" ;;
        *) fail "cannot reach $url ($why); look at the network, and run this again; $STAYS" ;;
      esac
      ;;
  esac
}

sha256() {
  # By stdin, because a name with a line end would begin the line with a backslash.
  if has sha256sum; then sha256sum <"$1" | cut -c 1-64
  elif has shasum; then shasum -a 256 <"$1" | cut -c 1-64
  else openssl dgst -sha256 -r <"$1" | cut -c 1-64; fi
}

# --- signature ---------------------------------------------------------------
# minisign signs the BLAKE2b hash of SHA256SUMS by Ed25519, and then the signature with its trusted
# comment. minisign checks both; so does OpenSSL 3. signify knows no such hash, and LibreSSL and
# older OpenSSL cannot check Ed25519.

has_openssl() {
  has openssl && openssl pkeyutl -help 2>&1 | grep -q -e -rawin &&
    openssl dgst -blake2b512 /dev/null >/dev/null 2>&1
}

from_base64() { printf '%s' "$1" | openssl base64 -d -A; }

# ed25519 FILE SIGNATURE: with the first bytes of every Ed25519 key in DER, and the last 32 of ours.
ed25519() {
  { printf '\060\052\060\005\006\003\053\145\160\003\041\000'; from_base64 "$PUBLIC_KEY" | tail -c 32; } >"$temp/key"
  openssl pkeyutl -verify -pubin -keyform DER -inkey "$temp/key" -rawin -in "$1" -sigfile "$2" >/dev/null 2>&1
}

openssl_verifies() {
  sed -n 2p "$sums.minisig" | tr -d '\r' | openssl base64 -d -A >"$temp/first"
  sed -n 4p "$sums.minisig" | tr -d '\r' | openssl base64 -d -A >"$temp/second"
  comment=$(sed -n 's/^trusted comment: //p' "$sums.minisig" | tr -d '\r')
  tail -c 64 "$temp/first" >"$temp/signature"
  openssl dgst -blake2b512 -binary "$sums" >"$temp/hash"
  { cat "$temp/signature"; printf '%s' "$comment"; } >"$temp/covered"
  [ "$(head -c 2 "$temp/first")" = ED ] && ed25519 "$temp/hash" "$temp/signature" &&
    ed25519 "$temp/covered" "$temp/second"
}

# is_older VERSION: whether it comes before the release of this script.
is_older() {
  printf '%s\n%s\n' "$1" "$OWN_VERSION" | awk -F '[.-]' '
    { for (i = 1; i <= 3; i++) part[NR, i] = $i + 0 }
    END {
      for (i = 1; i <= 3; i++) if (part[1, i] != part[2, i]) exit part[1, i] > part[2, i]
      exit 1
    }'
}

check_signature() {
  sums=$temp/SHA256SUMS
  comment=
  if [ "$checker" = none ]; then
    say "Not checked: the maintainer's signature. This machine has neither minisign nor OpenSSL 3."
    return
  fi
  fetch SHA256SUMS.minisig
  if [ "$checker" = minisign ]; then comment=$(minisign -VQ -P "$PUBLIC_KEY" -m "$sums" 2>/dev/null)
  else openssl_verifies; fi ||
    fail "the signature of $place/SHA256SUMS is wrong, so do not use this download; try again, and if it stays so, tell the maintainers; $STAYS"
  [ -z "$version" ] || [ "$comment" = "barnacle v$version" ] ||
    fail "$place has another release (\"$comment\") than $version; $STAYS"
  # An old release has a good signature, too.
  [ -n "$version" ] || ! is_older "${comment#barnacle v}" ||
    fail "$place has only \"$comment\", and this script is of $OWN_VERSION, so that place is out of date; to install the old one all the same, add --version ${comment#barnacle v}; $STAYS"
  say "Signature: good ($comment; by $checker)"
}

# --- installation ------------------------------------------------------------

check_folder() {
  if ! mkdir -p "$dir" 2>/dev/null || [ ! -w "$dir" ]; then
    fail "you may not write to $dir; name another folder with --dir"
  fi
  # Without the sticky bit, each user of the machine could exchange the program there.
  case $(ls -ld "$dir/") in
    d???????w[!tT]*) fail "every user may write to $dir, and could exchange the program; run \`chmod o-w $dir\` first, or name another folder with --dir; $STAYS" ;;
  esac
  [ ! -d "$dir/barnacle" ] || fail "$dir/barnacle is a folder; name another folder with --dir"
  free=$(df -Pk "$dir" | awk 'NR == 2 { print $4 }')
  [ "${free:-0}" -ge "$ROOM_KB" ] ||
    fail "$dir needs $((ROOM_KB / 1024)) MB of room and has $((${free:-0} / 1024)); make room, or name another folder with --dir; $STAYS"
}

# try_program: a program that does not start here must not replace one that does.
try_program() {
  chmod 755 "$temp/barnacle" || fail "cannot make $dir/barnacle a program; $STAYS"
  found=$(exec 2>"$temp/error"; "$temp/barnacle" --version; exit $?)
  case $? in
    0) ;;
    126) fail "$dir allows no programs (noexec); name another folder with --dir; $STAYS" ;;
    132) fail "this processor is too old for Barnacle: it lacks AVX2; $STAYS" ;;
    *) fail "the new program does not start here: $(head -n 1 "$temp/error"); $STAYS" ;;
  esac
}

finish() {
  mv -f "$temp/barnacle" "$dir/barnacle" || fail "cannot replace $dir/barnacle; $STAYS"
  say "Installed: $dir/barnacle ($(printf '%s' "$found" | head -n 1))"
  case :$PATH: in
    *:"$dir":*)
      first=$(command -v barnacle)
      [ "$first" = "$dir/barnacle" ] || say "But the shell finds $first first: remove that one, or change PATH."
      ;;
    *) say "To find it by its name, add this line to ~/.profile, and log in again: export PATH=\"$dir:\$PATH\"" ;;
  esac
  say "Next: $dir/barnacle setup"
  say "To uninstall: rm $dir/barnacle (first \`barnacle service uninstall\`, if you installed the service)"
}

main() {
  version='' dir='' from='' dry=''
  while [ $# -gt 0 ]; do
    case $1 in
      --version | --dir | --from)
        [ -n "${2-}" ] || wrong "$1 needs a value"
        case $1 in --version) version=${2#v} ;; --dir) dir=$2 ;; --from) from=${2%/} ;; esac
        shift
        ;;
      --dry-run) dry=yes ;;
      --help | -h) usage && exit ;;
      *) wrong "there is no option $1" ;;
    esac
    shift
  done
  case $version in *[!0-9A-Za-z.-]*) wrong "$version is no version" ;; esac
  case $RELEASES in @*) fail "this is the template; a release has the script that works" ;; esac
  if [ -z "$dir" ]; then
    [ "$(id -u)" != 0 ] || wrong "you are root, and this installs for one user: run it as that user, or name a folder, such as --dir /usr/local/bin"
    dir=${HOME:?}/.local/bin
  fi
  case $dir in /*) ;; *) dir=$PWD/$dir ;; esac
  place=${from:-$RELEASES/${version:+download/v$version}}
  case $place in */) place=${place}latest/download ;; http://* | https://* | /* | .*) ;; *) place=./$place ;; esac
  STAYS="nothing was changed"
  find_platform
  if has minisign; then checker=minisign; elif has_openssl; then checker=openssl; else checker=none; fi
  # The archive is a third of the program, but not every machine can unpack it.
  if has xz || [ "$platform" != "${platform#darwin}" ]; then file=barnacle-$platform.tar.xz; else file=barnacle-$platform; fi
  if [ -n "$dry" ]; then
    say "Would download $place/$file"
    say "Would check its signature by: $checker"
    say "Would try it, and install it as $dir/barnacle"
    exit
  fi

  check_folder
  temp=$(mktemp -d "$dir/.barnacle-install.XXXXXX") || fail "cannot make a folder in $dir; name another one with --dir"
  trap 'rm -rf "$temp"' EXIT
  trap 'exit 130' INT TERM HUP
  fetch SHA256SUMS
  check_signature
  say "Downloading $place/$file"
  fetch "$file"
  wanted=$(awk -v file="$file" '$2 == file || $2 == "*" file { print $1 }' "$temp/SHA256SUMS")
  [ -n "$wanted" ] || fail "this release has no $file; $STAYS"
  [ "$(sha256 "$temp/$file")" = "$wanted" ] ||
    fail "the download of $file is damaged or cut: its checksum is not the one of the release; run this again; $STAYS"
  say "Checksum: good"
  case $file in
    *.tar.xz) (cd "$temp" && tar -xJf "$file" barnacle) || fail "cannot unpack $file in $dir; is there room? $STAYS" ;;
    *) mv "$temp/$file" "$temp/barnacle" ;;
  esac
  try_program
  finish
}

# The last line starts the work, so half a script does nothing.
main "$@"
