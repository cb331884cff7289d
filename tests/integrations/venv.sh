# Sourced by the run.sh of each system. Needs WORK; packages come from uv's cache when they were fetched before.

# not_run REASON: ends as "not run".
not_run() {
    echo "$1"
    exit 77
}

# make_venv PYTHON ARGUMENTS...: an environment in $WORK/venv with what `uv pip install` takes; its programs come first.
make_venv() {
    another_venv venv "$@"
    export PATH="$WORK/venv/bin:$PATH" VIRTUAL_ENV="$WORK/venv" PYTHONPATH="$PWD"
}

# another_venv NAME PYTHON ARGUMENTS...: an environment in $WORK/NAME, off the path.
another_venv() {
    local place="$WORK/$1"
    uv venv --quiet --python "$2" "$place" || not_run "no Python $2 here"
    shift 2
    uv pip install --quiet --python "$place/bin/python" "$@" || not_run "its packages cannot be had here"
}

# debian PACKAGE...: packages of Debian, installed where they are missing.
debian() {
    dpkg -s "$@" >/dev/null 2>&1 && return
    command -v apt-get >/dev/null || not_run "no $* here, and no apt-get"
    local as_root=()
    if [ "$(id -u)" -ne 0 ]; then as_root=(sudo -n); fi
    export DEBIAN_FRONTEND=noninteractive
    local install=("${as_root[@]}" apt-get -o DPkg::Lock::Timeout=120 install -y -qq --no-install-recommends "$@")
    "${install[@]}" >/dev/null || { "${as_root[@]}" apt-get update -qq && "${install[@]}" >/dev/null; } || not_run "no $* from apt-get"
}

# my_turn: waits until no other system is being tried; until the end nothing else is, but installed.
my_turn() {
    touch "$WORK/installed"
    if [ -n "${TURN:-}" ] && command -v flock >/dev/null; then
        exec 9>>"$TURN"
        flock 9
    fi
    touch "$WORK/turn"
}

# tests ARGUMENTS...: pytest on the files of a system, which the plain suite leaves out, in its turn.
tests() {
    my_turn
    local only=() # a system takes its time to come and to go
    if [ -n "${MEASURE:-}" ]; then only=(-k "price or pace" -o faulthandler_timeout=600); else only=(-o faulthandler_timeout=240); fi
    INTEGRATION=1 python -m pytest -q -p no:cacheprovider -p no:randomly -W default --basetemp "$WORK/pytest" "${only[@]}" "$@" 9>&-
}
