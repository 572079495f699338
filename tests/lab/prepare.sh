# What tests/demo and tests/run share: root, packages, build. Sourced by bash at the top of the checkout.
# Everything it says goes to stderr.

say() {
    printf '%s: %s\n' "$PROGRAM" "$*" >&2
}

# Starts the script again through sudo when not root; a bare container is root and has no sudo.
as_root() {
    [ "$(id -u)" -ne 0 ] || return 0
    if ! command -v sudo >/dev/null; then
        say "needs root for network namespaces and packages, and there is no sudo: run it as root"
        exit 1
    fi
    say "needs root for network namespaces and packages: starting again through sudo"
    exec sudo -- "$@"
}

# The packages of the given groups of tests/packages that are not installed.
missing_packages() {
    local group package
    while read -r group package; do
        case " $* " in *" $group "*) ;; *) continue ;; esac
        dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || printf '%s\n' "$package"
    done < <(grep -v '^#' tests/packages)
}

# Installs what is missing, starts no service on the way, and says what it does.
install_missing() {
    local missing log policy=/usr/sbin/policy-rc.d status=0
    mapfile -t missing < <(missing_packages "$@")
    [ ${#missing[@]} -gt 0 ] || return 0
    if [ "$(id -u)" -ne 0 ]; then
        say "not installed: ${missing[*]}"
        as_root "$SELF" "${ARGUMENTS[@]}"
    fi
    say "installing with apt: ${missing[*]}"
    log=$(mktemp)
    (
        if [ ! -e "$policy" ]; then
            trap 'rm -f "$policy"' EXIT
            printf '#!/bin/sh\nexit 101\n' >"$policy"
            chmod 755 "$policy"
        fi
        export DEBIAN_FRONTEND=noninteractive
        apt-get -q update && apt-get -q install -y --no-install-recommends "${missing[@]}"
    ) >"$log" 2>&1 </dev/null || status=$?
    if [ $status -ne 0 ]; then
        tail -n 20 "$log" >&2
        say "apt failed (the whole log is $log)"
        exit 1
    fi
    rm -f "$log"
}

# Runs a command as whoever called sudo, so that the build directories stay theirs.
as_caller() {
    if [ "$(id -u)" -eq 0 ] && [ "${SUDO_USER:-root}" != root ]; then
        runuser -u "$SUDO_USER" -- "$@"
    else
        "$@"
    fi
}

# build DIRECTORY [meson option...]: sets up and compiles; quiet unless it fails.
build() {
    local directory=$1 log status=0
    shift
    say "building in $directory/"
    log=$(mktemp)
    chmod 644 "$log"
    {
        if [ -f "$directory/build.ninja" ]; then
            [ $# -eq 0 ] || as_caller meson configure "$directory" "$@"
        else
            as_caller meson setup "$directory" "$@"
        fi && as_caller ninja -C "$directory"
    } >"$log" 2>&1 || status=$?
    [ $status -eq 0 ] || tail -n 60 "$log" >&2
    rm -f "$log"
    return $status
}
