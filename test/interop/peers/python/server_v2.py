"""The interop server on the Python SDK 2.x, which serves both eras: `server_v2.py stdio | http PORT | sse PORT`.

What it offers is the same in every language; see matrix.ts. Nothing but messages goes to stdout.
"""

import sys
from typing import Annotated

import anyio
from mcp.server.elicitation import AcceptedElicitation, ElicitationResult
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.resolve import Elicit, Resolve, Sample
from mcp_types import CreateMessageResult, EmptyResult, SamplingMessage, SubscribeRequestParams, TextContent
from mcp_types import UnsubscribeRequestParams
from pydantic import BaseModel

NOTE = "note://pinned"

transport = sys.argv[1]
port = int(sys.argv[2]) if len(sys.argv) > 2 else 0
server = MCPServer("python-2", log_level="WARNING")
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


def who() -> Elicit[Person]:
    return Elicit("Who are you?", Person)


@server.tool()
async def ask(answer: Annotated[ElicitationResult[Person], Resolve(who)]) -> str:
    return f"accept {answer.data.name}" if isinstance(answer, AcceptedElicitation) else answer.action


def thought(prompt: str) -> Sample:
    return Sample([SamplingMessage(role="user", content=TextContent(type="text", text=prompt))], max_tokens=50)


@server.tool()
async def think(prompt: str, reply: Annotated[CreateMessageResult, Resolve(thought)]) -> str:
    return f"{reply.model}: {reply.content.text}"


@server.tool()
async def touch(ctx: Context) -> str:
    global revision
    revision += 1
    await ctx.notify_resource_updated(NOTE)
    for session in subscribers.get(NOTE, []):
        await session.send_resource_updated(NOTE)
    return "touched"


@server.tool()
def fail() -> str:
    raise ToolError("as you wished")


@server.resource(NOTE, name="pinned", mime_type="text/plain")
def pinned() -> str:
    return f"revision {revision}"


@server.prompt()
def greet(name: str) -> str:
    return f"Hello, {name}!"


# The initialize era has subscriptions of its own, which MCPServer leaves to its low-level server.
async def subscribe(ctx, params: SubscribeRequestParams) -> EmptyResult:
    subscribers.setdefault(params.uri, []).append(ctx.session)
    return EmptyResult()


async def unsubscribe(ctx, params: UnsubscribeRequestParams) -> EmptyResult:
    subscribers.pop(params.uri, None)
    return EmptyResult()


lowlevel = server._lowlevel_server
lowlevel.add_request_handler("resources/subscribe", SubscribeRequestParams, subscribe)
lowlevel.add_request_handler("resources/unsubscribe", UnsubscribeRequestParams, unsubscribe)

if transport == "stdio":
    server.run("stdio")
else:
    server.run("streamable-http" if transport == "http" else "sse", host="127.0.0.1", port=port)
