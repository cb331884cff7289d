# Sourced by the run.sh of each system. Needs WORK; packages come from uv's cache when they were fetched before.

# make_venv PYTHON ARGUMENTS...: a new environment in $WORK/venv with what `uv pip install` takes; its programs come first.
make_venv() {
    local version=$1
    shift
    local uv
    uv=$(command -v uv || true)
    if [ -z "$uv" ]; then
        python3 -m venv "$WORK/uv"
        "$WORK/uv/bin/pip" install --quiet --disable-pip-version-check uv
        uv="$WORK/uv/bin/uv"
    fi
    "$uv" venv --quiet --python "$version" "$WORK/venv"
    "$uv" pip install --quiet --python "$WORK/venv/bin/python" "$@"
    export PATH="$WORK/venv/bin:$PATH" VIRTUAL_ENV="$WORK/venv" PYTHONPATH="$PWD"
}

# not_run REASON: ends as "not run".
not_run() {
    echo "$1"
    exit 77
}

# tests ARGUMENTS...: pytest on the files of a system, which the plain suite leaves out.
tests() {
    INTEGRATION=1 python -m pytest -q -p no:cacheprovider -p no:randomly -W default --basetemp "$WORK/pytest" "$@"
}
