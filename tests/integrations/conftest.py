"""Tests of other systems need those systems: `run.sh` sets them up, the plain suite leaves them out."""

from __future__ import annotations

import os

import pytest

pytest.register_assert_rewrite(*(f"tests.integrations.warehouse_{name}" for name in ("servers", "shared", "store")))
collect_ignore_glob = [] if os.environ.get("INTEGRATION") else ["*"]
