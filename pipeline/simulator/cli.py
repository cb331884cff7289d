"""The command line of the simulator: `python -m pipeline simulator`, or alone `python -m pipeline.simulator`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from .cli_help import HELP
from .config import BUCKETS, DEFAULT_PORT, SimulatorConfig, config_path
from .process import stop_with_stdin, write_ready_file
from .scenario import rule_from_flag, scenario_file
from .server import HOST, Simulator

__all__ = ["simulator"]


def simulator(  # noqa: PLR0913, PLR0917 - the options of a command are its parameters
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1; 0 takes a free one.")] = DEFAULT_PORT,
    profile: Annotated[str, typer.Option(help="development, legacy or extended.")] = "development",
    seed: Annotated[int, typer.Option(help="Seed of the invented catalogue.")] = 1,
    artists: Annotated[int, typer.Option(help="How many invented artists.")] = 600,
    catalog: Annotated[Path | None, typer.Option(help="CSV file of real artists to serve instead.")] = None,
    now: Annotated[str | None, typer.Option(help="ISO start of its clock (UTC); default: the real time.")] = None,
    clock_speed: Annotated[float, typer.Option(help="Simulated seconds per real second.")] = 1.0,
    latency_ms: Annotated[float, typer.Option(help="Wait this long before every answer.")] = 0.0,
    quota: Annotated[
        list[str] | None, typer.Option(help="BUCKET=N successes in 24 h, or N for all; repeatable.")
    ] = None,
    lock_s: Annotated[int | None, typer.Option(help="Length of a quota lock; default: as the window rolls.")] = None,
    lock_penalty_s: Annotated[int, typer.Option(help="What each call into a quota lock adds to it.")] = 600,
    window_requests: Annotated[
        int | None, typer.Option(help="Requests allowed in any 30 s; default: no limit.")
    ] = None,
    token_ttl_s: Annotated[int, typer.Option(help="Life of a token, in simulated seconds.")] = 3600,
    client_id: Annotated[
        str | None, typer.Option(help="The only client id accepted.", envvar="SIMULATOR_CLIENT_ID")
    ] = None,
    client_secret: Annotated[
        str | None, typer.Option(help="The only secret accepted.", envvar="SIMULATOR_CLIENT_SECRET")
    ] = None,
    fault: Annotated[list[str] | None, typer.Option(help="WHAT, or WHAT=SHARE@WHERE, see above; repeatable.")] = None,
    scenario: Annotated[Path | None, typer.Option(help="File of fault rules, see above.")] = None,
    search_cap: Annotated[int, typer.Option(help="Offset at which a search ends.")] = 1000,
    genres_field: Annotated[
        str, typer.Option(help="How artists show genres: list, mixed, empty, null, absent; auto: as the profile does.")
    ] = "auto",
    old_app: Annotated[  # noqa: FBT002 - an option, never positional
        bool,
        typer.Option("--old-app/--new-app", help="App from before 2024-11-27: related artists (legacy, extended)."),
    ] = True,
    request_log: Annotated[Path | None, typer.Option(help="Append a JSON line for every request.")] = None,
    ready_file: Annotated[Path | None, typer.Option(help="Write port, URLs and pid here once it answers.")] = None,
    stop_on_eof: Annotated[  # noqa: FBT002 - an option, never positional
        bool, typer.Option("--stop-with-stdin", help="End when standard input closes (it ends with its parent).")
    ] = False,
) -> None:
    """Replaced below: the help is put together from the tables of profiles and faults."""
    try:
        found = Simulator(
            SimulatorConfig(
                profile=profile,
                port=port,
                seed=seed,
                artists=artists,
                catalog=config_path(catalog),
                now=now,
                clock_speed=clock_speed,
                latency_ms=latency_ms,
                quotas=_quotas(quota or []),
                lock_s=lock_s,
                lock_penalty_s=lock_penalty_s,
                window_requests=window_requests,
                token_ttl_s=token_ttl_s,
                client_id=client_id,
                client_secret=client_secret,
                scenario=_scenario(scenario, fault or []),
                request_log=config_path(request_log),
                search_cap=search_cap,
                genres_field=genres_field,
                old_app=old_app,
            )
        )
        if stop_on_eof:
            stop_with_stdin(found)
        found.serve(lambda bound: _announce(bound, found.config, ready_file))
    except (ValueError, OSError) as error:
        typer.echo(f"simulator: {error}", err=True)
        raise typer.Exit(2) from error
    except KeyboardInterrupt:
        raise typer.Exit(0) from None


simulator.__doc__ = HELP


def _announce(port: int, config: SimulatorConfig, ready_file: Path | None) -> None:
    typer.echo(f"export GARIMPO_API_URL=http://{HOST}:{port}/v1/")
    typer.echo(f"export GARIMPO_TOKEN_URL=http://{HOST}:{port}/api/token")
    typer.echo(f"export SPOTIPY_CLIENT_ID={config.client_id or 'simulator'}")
    secret = "simulator" if config.client_secret is None else "'the secret you gave'"
    typer.echo(f"export SPOTIPY_CLIENT_SECRET={secret}")
    if ready_file:
        write_ready_file(ready_file, port)


def _quotas(flags: list[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for flag in flags:
        bucket, _, number = flag.rpartition("=")
        if not number.isdigit():
            raise ValueError(f"--quota {flag}: {number!r} is not a number of requests")
        found |= {bucket: int(number)} if bucket else dict.fromkeys(BUCKETS, int(number))
    return found


def _scenario(path: Path | None, flags: list[str]) -> dict[str, Any]:
    found = scenario_file(path) if path else {}
    rules = [*found.pop("rules", []), *found.pop("rule", []), *map(rule_from_flag, flags)]
    return found | {"rules": rules}
