"""The interop client on the Python SDK 1.x, initialize era: `client_v1.py 2025 URL | 2025 -- COMMAND ARGS…`."""

import os
import sys

import anyio
from mcp import ClientSession, StdioServerParameters, types
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client
from pydantic import AnyUrl
from steps import NOTE, PROMPT, Reports, Updates, run_step, say, say_failure, until

answers: list[types.ElicitResult] = []
updates = Updates()


async def elicited(context, params: types.ElicitRequestParams) -> types.ElicitResult:
    return answers.pop(0)


async def sampled(context, params: types.CreateMessageRequestParams) -> types.CreateMessageResult:
    text = params.messages[0].content.text.upper()
    return types.CreateMessageResult(
        role="assistant", model="parrot", content=types.TextContent(type="text", text=text)
    )


async def heard(message) -> None:
    if isinstance(message, types.ServerNotification) and isinstance(message.root, types.ResourceUpdatedNotification):
        updates.add(message.root.params.uri)


def text_of(result: types.CallToolResult) -> str:
    return "".join(block.text for block in result.content)


async def steps(session: ClientSession) -> None:
    async def call(name: str, **arguments) -> dict:
        return {"text": text_of(await session.call_tool(name, arguments))}

    async def connect() -> dict:
        hello = await session.initialize()
        return {"version": hello.protocolVersion}

    async def lists() -> dict:
        return {
            "tools": [tool.name for tool in (await session.list_tools()).tools],
            "resources": [str(resource.uri) for resource in (await session.list_resources()).resources],
            "prompts": [prompt.name for prompt in (await session.list_prompts()).prompts],
        }

    async def progress() -> dict:
        reports = Reports()
        result = await session.call_tool("count", {"to": 5}, progress_callback=reports)
        reports.over = True
        await session.list_tools()
        return {"text": text_of(result), "reports": reports.seen, "late": reports.late}

    async def cancel() -> dict:
        key, reports = f"key-{os.getpid()}", Reports()
        # Nothing in the API tells the id of a request, and leaving a call does not cancel it at the server.
        request_id = session._request_id
        async with anyio.create_task_group() as group:
            group.start_soon(lambda: session.call_tool("wait", {"key": key}, progress_callback=reports))
            await reports.first.wait()
            params = types.CancelledNotificationParams(requestId=request_id, reason="no longer wanted")
            notification = types.CancelledNotification(method="notifications/cancelled", params=params)
            await session.send_notification(types.ClientNotification(notification))
            group.cancel_scope.cancel()

        async def recorded() -> bool:
            return key in text_of(await session.call_tool("cancelled", {}))

        await until(recorded)
        return {"reports": reports.seen, "recorded": True}

    async def elicit(answer: types.ElicitResult) -> dict:
        answers.append(answer)
        return await call("ask")

    async def subscribe() -> dict:
        await session.subscribe_resource(AnyUrl(NOTE))
        await session.call_tool("touch", {})
        await updates.first.wait()
        read = await session.read_resource(AnyUrl(NOTE))
        await session.unsubscribe_resource(AnyUrl(NOTE))
        return {"updated": updates.seen[:1], "text": read.contents[0].text}

    async def prompt() -> dict:
        messages = (await session.get_prompt("greet", {"name": "Ada"})).messages
        return {"text": messages[0].content.text}

    async def failing(name: str) -> dict:
        result = await session.call_tool(name, {})
        return {"isError": result.isError, "text": text_of(result)}

    async def unknown_resource() -> dict:
        await session.read_resource(AnyUrl("note://nowhere"))
        return {}

    async def ping() -> dict:
        await session.send_ping()
        return {}

    await run_step("connect", connect)
    await run_step("lists", lists)
    await run_step("echo", lambda: call("echo", text="Zoë — 漢字 🦦"))
    await run_step("progress", progress)
    await run_step("cancel", cancel)
    await run_step("accept", lambda: elicit(types.ElicitResult(action="accept", content={"name": "Ada"})))
    await run_step("decline", lambda: elicit(types.ElicitResult(action="decline")))
    await run_step("sample", lambda: call("think", prompt=PROMPT))
    await run_step("subscribe", subscribe)
    await run_step("prompt", prompt)
    await run_step("toolError", lambda: failing("fail"))
    await run_step("unknownTool", lambda: failing("nowhere"))
    await run_step("unknownResource", unknown_resource)
    await run_step("ping", ping)


def transport(target: list[str]):
    if target[0] != "--":
        return streamable_http_client(target[0])
    return stdio_client(StdioServerParameters(command=target[1], args=target[2:], env=dict(os.environ)))


async def main() -> None:
    try:
        async with transport(sys.argv[2:]) as streams:
            async with ClientSession(
                streams[0],
                streams[1],
                elicitation_callback=elicited,
                sampling_callback=sampled,
                message_handler=heard,
            ) as session:
                await steps(session)
    except BaseException as error:
        say_failure("close", error)
    else:
        say("close")


anyio.run(main)
