"""The server itself, over stdio and over streamable HTTP."""

from __future__ import annotations

import hmac
import ipaddress

import uvicorn
from mcp.server.mcpserver import MCPServer
from mcp.server.transport_security import TransportSecuritySettings
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from .language import SHORT_LANGUAGE
from .resources import add_prompts, add_resources
from .studio import Studio
from .tools import all_tools


def make_server(studio: Studio, version: str) -> MCPServer:
    """Tools, resources and prompts of one ComfyUI server."""
    server = MCPServer(
        'comfyscript',
        title='ComfyUI as scripts',
        instructions=SHORT_LANGUAGE,
        version=version,
        tools=all_tools(studio),
        log_level='WARNING',
    )
    add_resources(server, studio)
    add_prompts(server)
    return server


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach it."""
    if host == 'localhost':
        return True
    try:
        return ipaddress.ip_address(host.strip('[]')).is_loopback
    except ValueError:
        return False


def http_app(server: MCPServer, host: str, token: str) -> ASGIApp:
    """The ASGI application at `/mcp`. With a token each request must carry it; without, only this machine's own names
    for itself are taken as the host."""
    local = ['127.0.0.1:*', 'localhost:*', '[::1]:*']
    security = TransportSecuritySettings(
        enable_dns_rebinding_protection=not token,
        allowed_hosts=local,
        allowed_origins=[f'http://{name}' for name in local],
    )
    app = server.streamable_http_app(transport_security=security, host=host)
    return TokenNeeded(app, token) if token else app


class TokenNeeded:
    """Answers 401 to requests without `Authorization: Bearer TOKEN`."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._expected = f'Bearer {token}'.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope['type'] == 'http':
            given = Headers(scope=scope).get('authorization', '').encode('utf-8', 'replace')
            if not hmac.compare_digest(given, self._expected):
                answer = PlainTextResponse('a token is needed', 401, {'WWW-Authenticate': 'Bearer'})
                await answer(scope, receive, send)
                return
        await self._app(scope, receive, send)


def serve_stdio(server: MCPServer) -> None:
    """Serves the client at the other end of this process's standard input and output."""
    server.run('stdio')


def serve_http(server: MCPServer, host: str, port: int, token: str) -> None:
    """Serves `http://HOST:PORT/mcp` until it is interrupted."""
    uvicorn.run(http_app(server, host, token), host=host.strip('[]'), port=port, log_level='warning')
