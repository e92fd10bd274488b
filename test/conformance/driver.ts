// The client under test of the suite's client scenarios: the gateway, with the suite's server as its only upstream.
// The suite starts this once for each scenario and judges what its server hears. An SDK client before the gateway
// makes the calls; with SLUICE_CROSSED it speaks the other era than the suite's server.
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { configOf, startInProcess } from '../fixtures/in-process.ts';

type Calls = readonly { readonly name: string; readonly arguments: Record<string, unknown> }[];

const scenario = process.env.MCP_CONFORMANCE_SCENARIO ?? '';
const revision = process.env.MCP_CONFORMANCE_PROTOCOL_VERSION ?? '';
const isCrossed = process.env.SLUICE_CROSSED === '1';
const url = process.argv.at(-1) ?? '';
const isModern = (revision === '2026-07-28') !== isCrossed;

// Crossed, the gateway would try the client's era first, and the suite's server counts such a try.
const era = isCrossed ? revision.slice(0, 4) : 'auto';
await using gateway = await startInProcess(configOf({ suite: { url, era } }));
const client = new Client(
  { name: 'sluice-conformance', version: '1.0.0' },
  {
    capabilities: { elicitation: { form: { applyDefaults: true } } },
    versionNegotiation: { mode: isModern ? { pin: '2026-07-28' } : 'legacy' },
  },
);
client.setRequestHandler('elicitation/create', ({ params }) => {
  const asked = 'requestedSchema' in params ? params.requestedSchema.properties : {};
  return { action: 'accept' as const, content: 'confirmed' in asked ? { confirmed: true } : {} };
});
await client.connect(new StreamableHTTPClientTransport(new URL(gateway.url)));
for (const call of await callsOf(await client.listTools())) await client.callTool(call);
await readSomething();
await client.close();

/** What the scenario says is to be called, else every tool there is, with what it needs. */
async function callsOf({ tools }: Awaited<ReturnType<typeof client.listTools>>): Promise<Calls> {
  const context: { toolCalls?: Calls } = JSON.parse(process.env.MCP_CONFORMANCE_CONTEXT ?? '{}');
  if (context.toolCalls) return context.toolCalls;
  // Its server knows no calls: what counts is what is fetched for a list.
  if (scenario === 'json-schema-ref-no-deref') return [];
  const schema = tools.find(({ name }) => name === 'json_schema_2020_12_tool')?.inputSchema;
  const needs: Record<string, Record<string, unknown>> = {
    add_numbers: { a: 5, b: 3 },
    valid_tool: { region: 'us-west1' },
    json_schema_echo: { schema },
  };
  return tools
    .filter(({ name }) => name !== 'json_schema_2020_12_tool')
    .map(({ name }) => ({ name, arguments: needs[name] ?? {} }));
}

/** A resource and a prompt, where there are any. */
async function readSomething(): Promise<void> {
  if (scenario !== 'http-standard-headers') return;
  const [resource] = (await client.listResources()).resources;
  if (resource) await client.readResource({ uri: resource.uri });
  const [prompt] = (await client.listPrompts()).prompts;
  if (prompt) await client.getPrompt({ name: prompt.name, arguments: {} });
}
