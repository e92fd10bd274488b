"""The interop server on the Python SDK 1.x: `server_v1.py stdio | http PORT | sse PORT`.

What it offers is the same in every language; see matrix.ts. Nothing but messages goes to stdout.
"""

import sys

import anyio
from mcp.server.fastmcp import Context, FastMCP
from mcp.server.lowlevel import NotificationOptions
from mcp.types import SamplingMessage, TextContent
from pydantic import AnyUrl, BaseModel

NOTE = "note://pinned"

transport = sys.argv[1]
port = int(sys.argv[2]) if len(sys.argv) > 2 else 0
server = FastMCP("python-1", host="127.0.0.1", port=port, log_level="WARNING")
cancelled: list[str] = []
subscribers: dict[str, list] = {}
revision = 0


@server.tool()
def echo(text: str) -> str:
    return text


@server.tool()
async def count(to: int, ctx: Context) -> str:
    for n in range(1, to + 1):
        await ctx.report_progress(n, to, f"{n} of {to}")
    return f"counted to {to}"


@server.tool()
async def wait(key: str, ctx: Context) -> str:
    await ctx.report_progress(1, None, "waiting")
    try:
        await anyio.sleep(20)
    except anyio.get_cancelled_exc_class():
        cancelled.append(key)
        raise
    return "nobody cancelled"


@server.tool(name="cancelled")
def tell_cancelled() -> str:
    return " ".join(cancelled)


class Person(BaseModel):
    name: str


@server.tool()
async def ask(ctx: Context) -> str:
    answer = await ctx.elicit("Who are you?", Person)
    return f"accept {answer.data.name}" if answer.action == "accept" else answer.action


@server.tool()
async def think(prompt: str, ctx: Context) -> str:
    message = SamplingMessage(role="user", content=TextContent(type="text", text=prompt))
    reply = await ctx.session.create_message([message], max_tokens=50, related_request_id=ctx.request_id)
    return f"{reply.model}: {reply.content.text}"


@server.tool()
async def touch() -> str:
    global revision
    revision += 1
    for session in subscribers.get(NOTE, []):
        await session.send_resource_updated(AnyUrl(NOTE))
    return "touched"


@server.tool()
def fail() -> str:
    raise ValueError("as you wished")


@server.resource(NOTE, name="pinned", mime_type="text/plain")
def pinned() -> str:
    return f"revision {revision}"


@server.prompt()
def greet(name: str) -> str:
    return f"Hello, {name}!"


lowlevel = server._mcp_server


@lowlevel.subscribe_resource()
async def subscribe(uri: AnyUrl) -> None:
    subscribers.setdefault(str(uri), []).append(lowlevel.request_context.session)


@lowlevel.unsubscribe_resource()
async def unsubscribe(uri: AnyUrl) -> None:
    sessions = subscribers.get(str(uri), [])
    if lowlevel.request_context.session in sessions:
        sessions.remove(lowlevel.request_context.session)


# The SDK says `subscribe: false` whatever handlers there are.
capabilities_without_subscribe = lowlevel.get_capabilities


def get_capabilities(options: NotificationOptions, experimental: dict):
    capabilities = capabilities_without_subscribe(options, experimental)
    capabilities.resources.subscribe = True
    return capabilities


lowlevel.get_capabilities = get_capabilities

if transport == "stdio":
    server.run("stdio")
else:
    server.run("streamable-http" if transport == "http" else "sse")
