#!/usr/bin/env bash
# Proves the README on a machine that has nothing: a Debian 12 with `make` and Rust, made for it and thrown away. In it
# the commands of the README's block are given as they are read there; how long they take is measured.
#   tests/bare.sh            the first as a user, who is told what root has to install; then as root: first start, the
#                            start page, Ctrl-C, second start
#   tests/bare.sh --test     then also the second: every test
#   tests/bare.sh --user     in a fresh folder of a fresh user of this machine, where a Debian of its own cannot be made
# As root. What is committed is what is tried. Rust is this machine's own, laid in read-only; so is what this machine
# knows of its network (names, certificates, apt's sources). Not part of CI: it takes a cold build.
set -euo pipefail
cd "$(dirname "$0")/.."
form=debian tests=
for argument in "$@"; do
  case $argument in
    --test) tests=yes ;;
    --user) form=user ;;
    *) sed -n '2,9p' "$0" && exit 2 ;;
  esac
done
[ "$(id -u)" -eq 0 ] || { echo "As root: it makes a system, or a user, and removes it again." >&2; exit 1; }
.ci/need git curl
fail() { echo "$*" >&2; exit 1; }

# What the README says to type: the lines of the block under "Two commands", without what they say of themselves.
mapfile -t commands < <(awk '/^## / { here = $0 == "## Two commands" }
  here && /^```/ { code = !code; next }
  here && code { sub(/[ \t]*#.*/, ""); print }' README.md)
[ "${#commands[@]}" -eq 2 ] || fail "README.md: the block of two commands has ${#commands[@]}: ${commands[*]}"
read -ra run <<<"${commands[0]}"
read -ra test <<<"${commands[1]}"

place=$(mktemp -d /tmp/candor-bare.XXXXXX)
log=$place/log
user=candor-bare-$$
# The most that building and starting may take: a cold build on a slow machine, and then some.
most=$((90 * 60))
say() { echo "[$(date +%T)] $*"; }
now() { date +%s%N; }
seconds() { awk -v from="$1" -v to="$2" 'BEGIN { printf "%.1f s", (to - from) / 1e9 }'; }

# Every process that lives in the made system, or is the made user's, by its id.
living() {
  local process
  for process in /proc/[0-9]*; do
    if [ "$form" = debian ]; then
      [ "$(readlink "$process/root" 2>/dev/null || true)" = "$place/root" ] && echo "${process#/proc/}"
    elif id -u "$user" >/dev/null 2>&1; then
      [ "$(stat -c %u "$process" 2>/dev/null || true)" = "$(id -u "$user")" ] && echo "${process#/proc/}"
    fi
  done
  return 0
}

tidy() {
  local status=$? ids mount
  trap - EXIT INT TERM
  for signal in INT KILL; do
    ids=$(living)
    [ -z "$ids" ] && break
    # shellcheck disable=SC2086 # ids are words
    kill -s "$signal" $ids 2>/dev/null || true
    for _ in $(seq 100); do
      [ -z "$(living)" ] && break
      sleep 0.1
    done
  done
  # The innermost first.
  while read -r mount; do umount "$mount" || true; done < <(awk -v under="$place/" 'index($2, under) == 1 { print $2 }' /proc/mounts | sort -r)
  [ "$form" = user ] && { userdel "$user" 2>/dev/null || true; }
  # Nothing is removed through a mount that stayed.
  if grep -q " $place/" /proc/mounts; then
    echo "Something is still mounted below $place; it stays." >&2
  elif [ "$status" -eq 0 ]; then
    rm -rf "$place"
  else
    rm -rf "${place:?}/root" "${place:?}/home"
    echo "The log is $log." >&2
  fi
  exit "$status"
}
trap tidy EXIT
trap 'exit 130' INT TERM

lay_rust() {
  mount --bind "$(rustc --print sysroot)" "$1"
  mount -o remount,bind,ro "$1"
}

make_debian() {
  .ci/need debootstrap
  local mirror root=$place/root
  # shellcheck disable=SC2016 # apt fills these in
  mirror=$(apt-get indextargets --format '$(SITE) $(RELEASE)' 'Created-By: Packages' | awk '$2 == "bookworm" { print $1; exit }')
  [ -n "$mirror" ] || { echo "apt knows no mirror of Debian 12 here; try --user." >&2; exit 1; }
  debootstrap --variant=minbase --include=ca-certificates,make bookworm "$root" "$mirror" >>"$log" 2>&1 ||
    { tail -5 "$log" >&2; echo "No Debian could be made; try --user." >&2; exit 1; }
  cp /etc/resolv.conf /etc/hosts "$root/etc/"
  cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
  apt-config dump --format '%f "%v";%n' Acquire::http::Proxy Acquire::https::Proxy >"$root/etc/apt/apt.conf.d/proxy"
  # shellcheck disable=SC2016 # as above
  apt-get indextargets --format 'deb $(SITE) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
    awk '$3 ~ /^bookworm/ && $4 == "main"' >"$root/etc/apt/sources.list"
  mkdir -p "$root/opt/rust"
  lay_rust "$root/opt/rust"
  mount -t proc proc "$root/proc"
  mount -t tmpfs tmpfs "$root/dev/shm"
}

make_user() {
  useradd --create-home --home-dir "$place/home" --shell /bin/bash "$user"
  chmod 755 "$place"
  mkdir -p "$place/home/rust"
  lay_rust "$place/home/rust"
}

# Gives a command in the clone, as somebody who just came: nothing of this environment goes along but proxies.
inside() {
  local keep=() name
  for name in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY; do
    [ -n "${!name:-}" ] && keep+=("$name=${!name}")
  done
  local base=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
  if [ "$form" = debian ]; then
    exec chroot "$place/root" /usr/bin/env -i -C /srv/candor HOME=/srv LANG=C.UTF-8 PATH="/opt/rust/bin:$base" "${keep[@]}" "$@"
  fi
  exec setpriv --reuid="$user" --regid="$user" --init-groups \
    /usr/bin/env -i -C "$place/home/candor" HOME="$place/home" LANG=C.UTF-8 PATH="$place/home/rust/bin:$base" "${keep[@]}" "$@"
}

# The same in the made system, as an ordinary user of it.
visitor_inside() {
  exec chroot --userspec=visitor:visitor "$place/root" /usr/bin/env -i -C /srv/visitor/candor HOME=/srv/visitor \
    LANG=C.UTF-8 PATH=/opt/rust/bin:/usr/local/bin:/usr/bin:/bin "$@"
}

# An ordinary user is told which command root has to give; root gives that one.
as_a_user() {
  local said missing
  chroot "$place/root" useradd --create-home --home-dir /srv/visitor visitor
  git clone --quiet --no-hardlinks "$PWD" "$place/root/srv/visitor/candor"
  chroot "$place/root" chown -R visitor:visitor /srv/visitor/candor
  if said=$(visitor_inside "${run[@]}" 2>&1 </dev/null); then
    fail "As a user ${run[*]} did not miss anything: $said"
  fi
  missing=$(sed -n 's/^Something is missing\. As root: //p' <<<"$said")
  [ -n "$missing" ] || fail "As a user ${run[*]} does not say what root has to do: $said"
  say "Root is to give: $missing"
  # Where root's clone comes to lie; an empty folder does not mind.
  mkdir -p "$place/root/srv/candor"
  (inside sh -ec "$missing") >>"$log" 2>&1 </dev/null || fail "That does not work; the log is $log."
}

# Starts Candor and returns once the start page is there, which it keeps in $place/page.
start() {
  local url until=$((SECONDS + most))
  # A terminal's Ctrl-C reaches every process of the command: they get a group of their own.
  set -m
  (inside "${run[@]}" "${address[@]}") >"$place/said" 2>&1 &
  group=$!
  set +m
  while :; do
    url=$(sed -n 's/^Candor is here: //p' "$place/said")
    if [ -n "$url" ] && curl --silent --fail --max-time 5 "$url/" >"$place/page" && grep -q '<title>.*Candor' "$place/page"; then
      break
    fi
    if ! kill -0 "$group" 2>/dev/null; then
      tail -20 "$place/said" >&2
      fail "${run[*]} ended before it answered."
    fi
    if [ "$SECONDS" -ge "$until" ]; then
      tail -20 "$place/said" >&2
      fail "${run[*]} has not answered after $((most / 60)) minutes."
    fi
    sleep 0.05
  done
  cat "$place/said" >>"$log"
}

# Ctrl-C; nothing may be left.
stop() {
  kill -s INT -- "-$group"
  for _ in $(seq 300); do
    if [ -z "$(living)" ]; then
      wait "$group" 2>/dev/null || true
      return
    fi
    sleep 0.1
  done
  echo "30 s after Ctrl-C there still is: $(living | xargs -I{} sh -c 'tr "\0" " " </proc/{}/cmdline; echo')" >&2
  exit 1
}

say "Making a place that has nothing ($form)."
"make_$form"
clone=$place/root/srv/candor
[ "$form" = user ] && clone=$place/home/candor
address=()
for port in 8080 18080 28080 38080; do
  # 7: nobody listens there.
  curl --silent --max-time 2 --output /dev/null "http://127.0.0.1:$port/" || [ $? -ne 7 ] || break
done
if [ "$port" -ne 8080 ]; then
  address=("HTTP=127.0.0.1:$port")
  say "Port 8080 is taken on this machine, whose network is shared: ${run[*]} ${address[*]}."
fi

if [ "$form" = debian ]; then
  say "As a user: git clone, ${run[*]}."
  as_a_user
fi

say "git clone, ${run[*]}."
began=$(now)
git clone --quiet --no-hardlinks "$PWD" "$clone"
[ "$form" = user ] && chown -R "$user" "$clone"
start
first=$(now)
grep -o '<title>[^<]*</title>' "$place/page"
say "Ctrl-C."
asked=$(now)
stop
ended=$(now)
say "${run[*]} again."
again=$(now)
start
second=$(now)
stop
if [ -n "$tests" ]; then
  say "${test[*]}."
  tried=$(now)
  (inside "${test[@]}") >>"$log" 2>&1 || { grep -E 'FAIL|panicked|error' "$log" | tail -30 >&2; exit 1; }
  passed=$(now)
fi

echo
printf '%-46s %s\n' "in $form, $(nproc) cores, load $(cut -d' ' -f1 /proc/loadavg) at the end" ""
printf '%-46s %s\n' "git clone to the start page, first build" "$(seconds "$began" "$first")"
printf '%-46s %s\n' "Ctrl-C to nothing left" "$(seconds "$asked" "$ended")"
printf '%-46s %s\n' "${run[*]} to the start page, built before" "$(seconds "$again" "$second")"
[ -z "$tests" ] || printf '%-46s %s\n' "${test[*]}" "$(seconds "$tried" "$passed")"
