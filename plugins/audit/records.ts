// What is written down of an exchange: a list of fields, each chosen. Bodies, credentials and addresses are none of
// them. Texts that a client or a server chose are cut.

import { createHash } from 'node:crypto';
import type { Exchange, McpResult, Outbound } from '../../src/plugin.ts';
import type { Flat } from './canonical.ts';
import { pseudonym, saltedDigest } from './digests.ts';

/** Longest text of a field, UTF-16 units. */
const LONGEST = 256;

/** What does not change in the life of a generation. */
export interface Recorder {
  /** For names of principals. */
  readonly key: Uint8Array;
  /** By tool: arguments that are written down as they are. */
  readonly plain: Readonly<Record<string, readonly string[]>>;
  /** Milliseconds since the epoch. */
  now(): number;
}

/** Who and what, in every record of an exchange. */
export function subjectOf(x: Exchange, { key }: Recorder): Flat {
  const { client, principal, request, inbound, route } = x;
  return {
    req_id: x.id,
    tenant: cut(principal.tenant),
    principal: pseudonym(key, principal.tenant, principal.id),
    client: cut([client.info?.string('name'), client.info?.string('version')].filter(Boolean).join(' ')),
    era: client.version,
    transport: client.transport,
    listener: inbound.listener,
    endpoint: inbound.endpoint,
    method: cut(request.method),
    name: route.kind === 'one' ? cut(route.asked ?? '') : undefined,
    generation: x.runsOn.generation,
  };
}

/** An upstream is about to be sent this. */
export function intentOf(x: Exchange, outbound: Outbound, salt: Uint8Array, recorder: Recorder): Flat {
  const { request } = x;
  const args = request.raw?.raw('arguments') ?? request.raw?.text;
  return {
    type: 'intent',
    ...subjectOf(x, recorder),
    upstream: x.leg?.upstream,
    args_digest: args === undefined ? undefined : saltedDigest(salt, args),
    bytes_out: Buffer.byteLength(outbound.body),
    ...plainOf(x, recorder),
  };
}

/** What its caller gets. */
export function outcomeOf(x: Exchange, result: McpResult, salt: Uint8Array, recorder: Recorder): Flat {
  const { raw } = result;
  const data = result.kind === 'error' ? raw.object('data') : undefined;
  return {
    type: 'outcome',
    ...subjectOf(x, recorder),
    upstream: x.route.kind === 'one' ? x.route.upstream : undefined,
    status: x.signal.aborted ? 'cancelled' : statusOf(result),
    rpc_code: result.code,
    code: cut(data?.string('code')),
    plugin: cut(data?.string('plugin')),
    dur_us: Math.max(0, Math.round((recorder.now() - x.startedAt) * 1_000)),
    streamed: result.streams || undefined,
    bytes_in: result.streams ? undefined : Buffer.byteLength(raw.text),
    result_digest: result.streams ? undefined : saltedDigest(salt, raw.text),
  };
}

function statusOf({ kind, raw }: McpResult): string {
  return kind === 'complete' && raw.get('isError') === true ? 'tool_error' : kind;
}

/** Arguments that the operator wants to read: texts, numbers and booleans as texts, `arg.NAME`. */
function plainOf(x: Exchange, { plain }: Recorder): Flat {
  if (x.request.method !== 'tools/call') return {};
  const name = x.route.kind === 'one' ? x.route.asked : undefined;
  const wanted = (name !== undefined && Object.hasOwn(plain, name) ? plain[name] : undefined) ?? [];
  const args = x.request.raw?.object('arguments');
  return Object.fromEntries(
    wanted.flatMap((each) => {
      const value = args?.raw(each);
      return value === undefined ? [] : [[`arg.${each}`, cut(value)]];
    }),
  );
}

function cut(text: string | undefined): string | undefined {
  if (text === undefined || text === '') return undefined;
  return text.length <= LONGEST ? text : `${text.slice(0, LONGEST - 1)}…`;
}

/** Which configuration a log was written under, in one line. */
export function configurationDigest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
