"""Beside the API: the simulator's own switches under /_simulator/, and the images its objects point to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .artwork import cover_svg
from .clock import iso
from .world import World

__all__ = ["control_app"]

Change = Callable[[dict[str, Any]], None]


def control_app(world: World) -> Starlette:
    """GET clock, counts, catalog, truth; POST clock, reset, scenario, profile (400 where that cannot be done)."""

    def clock(_: Request) -> Response:
        return JSONResponse({"now": iso(world.clock.now())})

    def counts(_: Request) -> Response:
        return JSONResponse(world.counts.snapshot() | {"now": iso(world.clock.now())})

    def catalog(_: Request) -> Response:
        return JSONResponse(world.catalog_info())

    def truth(request: Request) -> Response:
        query = request.query_params
        try:
            found = world.truth(query.get("on"), tuple(query.getlist("genre")), tracks=query.get("tracks") != "0")
        except ValueError as error:
            return _refused(error)
        return JSONResponse(found)

    def move_clock(body: dict[str, Any]) -> None:
        if "now" in body:
            world.set_clock(str(body["now"]))
        world.advance(float(body.get("advance_s", 0)))

    changes: dict[str, Change] = {
        "clock": move_clock,
        "reset": lambda _: world.reset(),
        "scenario": world.set_scenario,
        "profile": lambda body: world.set_profile(str(body.get("profile"))),
    }
    routes = [Route(f"/_simulator/{view.__name__}", _async(view)) for view in (clock, counts, catalog, truth)]
    routes += [
        Route(f"/_simulator/{name}", _changing(change, world), methods=["POST"]) for name, change in changes.items()
    ]
    return Starlette(routes=[*routes, Route("/image/{name}.svg", _image)])


def _async(view: Callable[[Request], Response]) -> Callable[[Request], Any]:
    async def answer(request: Request) -> Response:
        return view(request)

    return answer


def _changing(change: Change, world: World) -> Callable[[Request], Any]:
    async def answer(request: Request) -> Response:
        try:
            body = await request.json() if await request.body() else {}
            if not isinstance(body, dict):
                raise TypeError("the body must be a JSON object")
            change(body)
        except (ValueError, TypeError) as error:
            return _refused(error)
        return JSONResponse({"now": iso(world.clock.now()), "profile": world.profile})

    return answer


def _refused(error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, status_code=400)


async def _image(request: Request) -> Response:
    found, _, size = request.path_params["name"].partition("-")
    pixels = int(size) if size.isdigit() and len(size) < 5 else 640
    headers = {"cache-control": "public, max-age=86400"}
    return Response(cover_svg(found, pixels), media_type="image/svg+xml", headers=headers)
