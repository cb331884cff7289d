# Sourced by the run.sh of each system. Needs WORK; packages come from uv's cache when they were fetched before, whatever
# is newer: `run.sh fetch` renews them.

# not_run REASON: ends as "not run".
not_run() {
    echo "$1"
    exit 77
}

# make_venv PYTHON ARGUMENTS...: an environment in $WORK/venv with what `uv pip install` takes; its programs come first.
make_venv() {
    another_venv venv "$@"
    export PATH="$WORK/venv/bin:$PATH" VIRTUAL_ENV="$WORK/venv" PYTHONPATH="$PWD"
    unset PYTHONDONTWRITEBYTECODE # servers and killed programs are many processes: each compiles a second less
    export PYTHONPYCACHEPREFIX="$WORK/pyc"
}

# another_venv NAME PYTHON ARGUMENTS...: an environment in $WORK/NAME, off the path.
another_venv() {
    local place="$WORK/$1"
    uv venv --quiet --python "$2" "$place" || not_run "no Python $2 here"
    shift 2
    # What was fetched is taken as it is: some mirrors send all of it again where one asks whether there is news.
    if [ -z "${FETCH:-}" ] && uv pip install --offline --quiet --python "$place/bin/python" "$@" 2>/dev/null; then return; fi
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

# fetched: all packages are here. Where that was asked for, it is the end.
fetched() {
    if [ -n "${FETCH:-}" ]; then exit 0; fi
}

# my_turn: says that all is installed, and waits until its tests may begin.
my_turn() {
    fetched
    touch "$WORK/installed"
    until [ -e "$WORK/turn" ]; do sleep 0.1; done
}

# tests ARGUMENTS...: pytest on the files of a system, which the plain suite leaves out, in its turn.
tests() {
    my_turn
    local only=() # a system takes its time to come and to go
    if [ -n "${MEASURE:-}" ]; then only=(-k "price or pace" -o faulthandler_timeout=600); else only=(-o faulthandler_timeout=240); fi
    INTEGRATION=1 python -m pytest -q -p no:cacheprovider -p no:randomly -W default --basetemp "$WORK/pytest" "${only[@]}" "$@"
}
