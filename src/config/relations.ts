// What no field can say alone: kinds of upstreams, names that must exist, addresses that must differ.
// Runs over the tree whether or not the schema accepts it, so that all problems show at once: each part takes
// nothing for granted and reports only what it is sure of.
import type { JsonObject } from '../protocol/values.ts';
import type { PlacedProblem } from './issues.ts';
import { authEntryProblems } from './relations/auth-entries.ts';
import { authNameProblems } from './relations/auth-names.ts';
import { credentialProblems } from './relations/credentials.ts';
import { endpointProblems } from './relations/endpoints.ts';
import { asList, asMap } from './relations/guess.ts';
import { listenerProblems } from './relations/listeners.ts';
import { offeringProblems } from './relations/offering.ts';
import { pipelineProblems } from './relations/pipeline.ts';
import { listedPipeProblems } from './relations/pipes.ts';
import { upstreamProblems } from './relations/upstreams.ts';
import { wayInProblems } from './relations/ways-in.ts';
import { weakSecretProblems } from './relations/weak-secrets.ts';
import type { Path } from './schema.ts';

/** Fields people bring from elsewhere, at the top. */
const FROM_ELSEWHERE: Readonly<Record<string, Pick<PlacedProblem, 'code' | 'message' | 'hint'>>> = {
  mcpServers: {
    code: 'UPSTREAMS_RENAMED',
    message: '"mcpServers" is called "upstreams" here',
    hint: 'rename the key; its entries can stay as they are',
  },
  listen: {
    code: 'FIELD_UNKNOWN',
    message: 'unknown field "listen"',
    hint: 'write listeners: [{ http: { listen: … } }]',
  },
  port: {
    code: 'FIELD_UNKNOWN',
    message: 'unknown field "port"',
    hint: 'write listeners: [{ http: { listen: 127.0.0.1:… } }]',
  },
  servers: {
    code: 'FIELD_UNKNOWN',
    message: 'unknown field "servers"',
    hint: 'the servers behind the gateway stand under upstreams, each by its name',
  },
  plugins: {
    code: 'FIELD_UNKNOWN',
    message: 'unknown field "plugins"',
    hint: 'they stand in the pipeline, in their order: pipeline: [{ progress: {} }]',
  },
};

/** Fields of one listener, and of one upstream. */
const WITHIN: Readonly<Record<'http' | 'upstream', Readonly<Record<string, string>>>> = {
  http: {
    port: 'it is a part of the address: write listen: 127.0.0.1:…',
    host: 'it is a part of the address: write listen: 127.0.0.1:…; names that clients use stand in hosts',
    path: 'paths are keys of endpoints: write endpoints: { /mcp: {} }',
  },
  upstream: {
    auth: 'what it is sent to log in stands in headers, or is got by `credentials` in its pipeline',
    token: `write headers: { Authorization: "Bearer \${secret:NAME}" }`,
    api_key: `write headers: { X-API-Key: "\${secret:NAME}" }, or what it calls that header`,
  },
};

/** All problems between fields. `plugins` are the names of the built-in plugins. */
export function relationProblems(tree: JsonObject, plugins: readonly string[]): PlacedProblem[] {
  return [
    ...fromElsewhere(tree, plugins),
    ...listenerProblems(tree),
    ...wayInProblems(tree),
    ...authEntryProblems(tree),
    ...authNameProblems(tree),
    ...listedPipeProblems(tree),
    ...endpointProblems(tree),
    ...offeringProblems(tree),
    ...(tree.mcpServers === undefined ? upstreamProblems(tree) : []),
    ...pipelineProblems(tree, plugins),
    ...weakSecretProblems(tree),
    ...credentialProblems(tree),
  ];
}

function fromElsewhere(tree: JsonObject, plugins: readonly string[]): PlacedProblem[] {
  const known = Object.entries(FROM_ELSEWHERE).flatMap(([key, problem]) =>
    Object.hasOwn(tree, key) ? [{ path: [key], on: 'key' as const, ...problem }] : [],
  );
  const misplaced = plugins
    .filter((name) => Object.hasOwn(tree, name))
    .map((name) => unknown([name], `a plugin is an entry of the pipeline: pipeline: [{ ${name}: … }]`));
  return [
    ...known,
    ...misplaced,
    ...asList(tree.listeners).flatMap((each, at) =>
      strangers(asMap(asMap(each).http), ['listeners', at, 'http'], WITHIN.http),
    ),
    ...Object.entries(asMap(tree.upstreams)).flatMap(([name, upstream]) =>
      strangers(asMap(upstream), ['upstreams', name], WITHIN.upstream),
    ),
  ];
}

function strangers(map: JsonObject, path: Path, hints: Readonly<Record<string, string>>): PlacedProblem[] {
  return Object.entries(hints).flatMap(([key, hint]) =>
    Object.hasOwn(map, key) ? [unknown([...path, key], hint)] : [],
  );
}

function unknown(path: Path, hint: string): PlacedProblem {
  return { path, code: 'FIELD_UNKNOWN', message: `unknown field "${String(path.at(-1))}"`, hint, on: 'key' };
}
