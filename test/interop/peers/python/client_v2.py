"""The interop client on the Python SDK 2.x: `client_v2.py ERA URL | ERA -- COMMAND ARGS…`, ERA is 2025 or 2026."""

import os
import sys

import anyio
import mcp_types as types
from mcp import Client, StdioServerParameters
from steps import NOTE, PROMPT, Reports, Updates, run_step, say, say_failure, until

modern = sys.argv[1] == "2026"
answers: list[types.ElicitResult] = []
updates = Updates()


async def elicited(context, params) -> types.ElicitResult:
    return answers.pop(0)


async def sampled(context, params: types.CreateMessageRequestParams) -> types.CreateMessageResult:
    content = params.messages[0].content
    block = content[0] if isinstance(content, list) else content
    return types.CreateMessageResult(
        role="assistant", model="parrot", content=types.TextContent(type="text", text=block.text.upper())
    )


async def heard(message) -> None:
    if isinstance(message, types.ResourceUpdatedNotification):
        updates.add(message.params.uri)


def text_of(result: types.CallToolResult) -> str:
    return "".join(block.text for block in result.content)


async def steps(client: Client) -> None:
    async def call(name: str, **arguments) -> dict:
        return {"text": text_of(await client.call_tool(name, arguments))}

    async def connect() -> dict:
        return {"version": client.protocol_version}

    async def lists() -> dict:
        return {
            "tools": [tool.name for tool in (await client.list_tools()).tools],
            "resources": [resource.uri for resource in (await client.list_resources()).resources],
            "prompts": [prompt.name for prompt in (await client.list_prompts()).prompts],
        }

    async def progress() -> dict:
        reports = Reports()
        result = await client.call_tool("count", {"to": 5}, progress_callback=reports)
        reports.over = True
        await client.list_prompts(cache_mode="bypass")
        return {"text": text_of(result), "reports": reports.seen, "late": reports.late}

    async def cancel() -> dict:
        key, reports = f"key-{os.getpid()}", Reports()
        async with anyio.create_task_group() as group:
            group.start_soon(lambda: client.call_tool("wait", {"key": key}, progress_callback=reports))
            await reports.first.wait()
            group.cancel_scope.cancel()

        async def recorded() -> bool:
            return key in text_of(await client.call_tool("cancelled", {}))

        await until(recorded)
        return {"reports": reports.seen, "recorded": True}

    async def elicit(answer: types.ElicitResult) -> dict:
        answers.append(answer)
        return await call("ask")

    async def subscribe() -> dict:
        if modern:
            async with client.listen(resource_subscriptions=[NOTE]) as subscription:
                await client.call_tool("touch", {})
                async for event in subscription:
                    updates.add(event.uri)
                    break
        else:
            await client.subscribe_resource(NOTE)
            await client.call_tool("touch", {})
            await updates.first.wait()
        read = await client.read_resource(NOTE)
        if not modern:
            await client.unsubscribe_resource(NOTE)
        return {"updated": updates.seen[:1], "text": read.contents[0].text}

    async def prompt() -> dict:
        messages = (await client.get_prompt("greet", {"name": "Ada"})).messages
        return {"text": messages[0].content.text}

    async def failing(name: str) -> dict:
        result = await client.call_tool(name, {})
        return {"isError": result.is_error, "text": text_of(result)}

    async def unknown_resource() -> dict:
        await client.read_resource("note://nowhere")
        return {}

    async def ping() -> dict:
        await client.send_ping()
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
    if not modern:
        await run_step("ping", ping)


def target(words: list[str]):
    if words[0] != "--":
        return words[0]
    return StdioServerParameters(command=words[1], args=words[2:], env=dict(os.environ))


async def main() -> None:
    try:
        async with Client(
            target(sys.argv[2:]),
            mode="auto" if modern else "legacy",
            elicitation_callback=elicited,
            sampling_callback=sampled,
            message_handler=heard,
        ) as client:
            await steps(client)
    except BaseException as error:
        say_failure("close", error)
    else:
        say("close")


anyio.run(main)
