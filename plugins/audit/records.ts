// What is written down of an exchange: a list of fields, each chosen. Bodies, credentials, addresses and ids that open
// something are none of them. Texts that a client or a server chose are cleaned.
//
// Not there, though one could want it: the JSON-RPC id of the client, which plugins do not see and `req_id` stands for;
// a version of the policy beside `generation`, which `boot` makes unique; the definition of the tool, which the pin file
// has.

import type { Exchange, McpResult, Outbound } from '../../src/plugin.ts';
import { RawObject } from '../../src/plugin.ts';
import type { Flat } from './canonical.ts';
import type { Cleaner } from './clean.ts';
import { keyedDigest, newSalt, pseudonym, saltedDigest } from './digests.ts';
import { ALWAYS } from './fields.ts';

/** What does not change in the life of a generation. */
export interface Recorder {
  /** For names of principals. */
  readonly key: Uint8Array;
  /** By tool: arguments that are written down as they are. */
  readonly plain: Readonly<Record<string, readonly string[]>>;
  readonly clean: Cleaner;
  /** Fields that are written beside those that each record has; undefined: all there are. */
  readonly fields?: ReadonlySet<string> | undefined;
}

/** Fields whose texts somebody else chose. */
const CHOSEN = new Set(['tenant', 'client', 'era', 'method', 'name', 'sent', 'by', 'reason', 'rule', 'asks']);
const PLAIN = 'arg.';

/** What is written of a record. */
function written(record: Flat, { clean, fields }: Recorder): Flat {
  const out: Record<string, Flat[string]> = {};
  for (const [name, value] of Object.entries(record)) {
    const isPlain = name.startsWith(PLAIN);
    if (fields && !fields.has(isPlain ? 'arguments' : name) && !ALWAYS.has(name)) continue;
    out[name] = typeof value === 'string' && (isPlain || CHOSEN.has(name)) ? clean(value) : value;
  }
  return out;
}

/** What is remembered of an exchange until its outcome. */
export class Trace {
  readonly #began = performance.now();
  /** Messages that left for upstreams. */
  sends = 0;
  readonly #attempts = new WeakMap<Exchange, number>();
  /** Whether its outcome is written, or will be. */
  isOver = false;
  /** Its digests have this one: without it they say nothing. */
  readonly salt = newSalt();
  isSaltKept = false;

  /** A message leaves. @returns the how many-th it is of this upstream's share */
  sent(leg: Exchange): number {
    this.sends++;
    const attempt = (this.#attempts.get(leg) ?? 0) + 1;
    this.#attempts.set(leg, attempt);
    return attempt;
  }

  get micros(): number {
    return Math.round((performance.now() - this.#began) * 1_000);
  }
}

/** Who and what, in every record of an exchange. */
export function subjectOf(x: Exchange, { key }: Recorder): Flat {
  const { client, principal, request, inbound } = x;
  return {
    req_id: x.id,
    tenant: principal.tenant,
    principal: nameOf(principal, key),
    client: [client.info?.string('name'), client.info?.string('version')].filter(Boolean).join(' '),
    era: client.version,
    transport: client.transport,
    listener: inbound.listener,
    endpoint: inbound.endpoint,
    method: request.method,
    generation: x.runsOn.generation,
    ...targetOf(x, key),
  };
}

type Principal = Exchange['principal'];

/** By principal: most are the same object for many calls. */
const named = new WeakMap<Uint8Array, WeakMap<Principal, string>>();

function nameOf(principal: Principal, key: Uint8Array): string {
  const own = named.get(key) ?? new WeakMap<Principal, string>();
  named.set(key, own);
  const { tenant, id, issuer } = principal;
  const name = own.get(principal) ?? pseudonym(key, tenant, id, issuer);
  own.set(principal, name);
  return name;
}

/** An upstream is about to be sent this. */
export function intentOf(x: Exchange, outbound: Outbound, trace: Trace, recorder: Recorder): Flat {
  const { request } = x;
  const attempt = trace.sent(x);
  const args = request.raw?.raw('arguments') ?? request.raw?.text;
  const record = {
    type: 'intent',
    ...subjectOf(x, recorder),
    upstream: x.leg?.upstream,
    sent: sentOf(outbound, request.method),
    attempt: attempt > 1 ? attempt : undefined,
    args_digest: args === undefined ? undefined : saltedDigest(trace.salt, args),
    bytes_out: Buffer.byteLength(outbound.body),
    ...plainOf(x, recorder),
  };
  return written(record, recorder);
}

/** A stream of what happens begins. */
export function openedOf(x: Exchange, recorder: Recorder): Flat {
  return written({ type: 'opened', ...subjectOf(x, recorder) }, recorder);
}

/** How the rest of a result that is passed on as it comes has ended. */
export interface Rested {
  readonly bytes: number;
  readonly error: Error | undefined;
}

/** What its caller gets. */
export function outcomeOf(
  x: Exchange,
  result: McpResult,
  trace: Trace,
  recorder: Recorder,
  rested?: Rested,
): Flat {
  const { raw } = result;
  const code = codeOf(result);
  // Of what was never held there is no digest: whoever wants one has it of what it received.
  const isHeld = !result.streams;
  const record = {
    type: 'outcome',
    ...subjectOf(x, recorder),
    upstream: x.leg?.upstream ?? (x.route.kind === 'one' ? x.route.upstream : undefined),
    decision: decisionOf(x, result, code),
    plugin: x.decidedBy,
    // What the entry says for logs alone.
    by: result.why?.by,
    reason: result.why?.reason,
    rule: code === undefined ? undefined : raw.object('data')?.string('rule'),
    status: statusOf(x, result, rested),
    rpc_code: wholeOf(result.code),
    code,
    asks: asksOf(result),
    dur_us: trace.micros,
    sends: trace.sends > 0 ? trace.sends : undefined,
    streamed: isHeld ? undefined : true,
    bytes_in: isHeld ? Buffer.byteLength(raw.text) : rested?.bytes,
    result_digest: isHeld ? saltedDigest(trace.salt, raw.text) : undefined,
  };
  return written(record, recorder);
}

/** An upstream may give any number for a code: one that an entry cannot hold must not keep the entry out of the log. */
function wholeOf(code: number | undefined): number | undefined {
  return Number.isSafeInteger(code) ? code : undefined;
}

/** An error of the gateway's own: an upstream's may say anything in the same place. */
function codeOf({ kind, http, raw }: McpResult): string | undefined {
  const code = kind === 'error' && http !== undefined ? raw.object('data')?.string('code') : undefined;
  return code !== undefined && /^[A-Z][A-Z_]{1,63}$/.test(code) ? code : undefined;
}

/**
 * `allow`: an upstream was asked, or could have been. `deny`: an entry or the gateway said no. `answer`: an entry
 * answered by itself. `fail`: an entry failed. `none`: the caller went away before anybody had decided.
 */
function decisionOf(x: Exchange, { kind }: McpResult, code: string | undefined): string {
  if (x.decidedBy === undefined) return code !== undefined && DENIALS.has(code) ? 'deny' : 'allow';
  if (kind !== 'error') return 'answer';
  if (code === 'CANCELLED') return 'none';
  return code === 'PLUGIN_FAILED' ? 'fail' : 'deny';
}

/** Refusals that are no entry's. */
const DENIALS: ReadonlySet<string> = new Set([
  'BUSY',
  'CAPABILITY_MISSING',
  'HEADER_MISMATCH',
  'SESSION_UNKNOWN',
  'STATE_INVALID',
  'STOPPING',
  'SUBSCRIPTIONS_FULL',
  'TOOL_UNAPPROVED',
]);

function statusOf({ signal }: Exchange, { kind, raw, streams }: McpResult, rested?: Rested): string {
  if (signal.aborted) return 'cancelled';
  if (rested?.error) return 'broken_off';
  return kind === 'complete' && !streams && raw.get('isError') === true ? 'tool_error' : kind;
}

/** What an upstream wants of the client before it goes on, each once. */
function asksOf({ kind, raw }: McpResult): string | undefined {
  const requests = kind === 'input_required' ? raw.object('inputRequests') : undefined;
  if (!requests) return undefined;
  const methods = requests.keys().map((key) => requests.object(key)?.string('method') ?? '');
  return [...new Set(methods)].sort().join(' ');
}

/** What a message is where it is not the request itself: a method, `answer`, or `GET`. */
export function sentOf({ method, body }: Outbound, asked: string): string | undefined {
  if (body === '') return method;
  const said = RawObject.trusted(body).string('method') ?? 'answer';
  return said === asked ? undefined : said;
}

/**
 * The thing that is asked for. As it is called where there is such a thing or may be; else its digest, since the text
 * may be anything. Who holds the id of a task has its result.
 */
function targetOf({ route, request }: Exchange, key: Uint8Array): Flat {
  const isKnown = route.kind === 'one' || route.kind === 'undecided';
  const asked = isKnown ? route.asked : nameIn(request.raw);
  if (asked === undefined || asked === '') return {};
  if (isKnown && !request.method.startsWith('tasks/')) return { name: plainName(asked) };
  return { name_digest: keyedDigest(key, asked) };
}

function nameIn(params: RawObject | undefined): string | undefined {
  return params?.string('name') ?? params?.string('uri');
}

/** Of a URI, no user, query or fragment: they may hold what opens something. */
function plainName(name: string): string {
  if (!/^[a-z][a-z0-9+.-]*:/i.test(name)) return name;
  return name.replace(/[?#].*$/s, '').replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/@]*@/i, '$1');
}

/** Arguments that the operator wants to read: texts, numbers and booleans as texts, `arg.NAME`. */
function plainOf({ request, route }: Exchange, { plain }: Recorder): Flat {
  if (request.method !== 'tools/call') return {};
  const name = route.kind === 'one' ? route.asked : undefined;
  const wanted = (name !== undefined && Object.hasOwn(plain, name) ? plain[name] : undefined) ?? [];
  const args = request.raw?.object('arguments');
  return Object.fromEntries(
    wanted.flatMap((each) => {
      const value = args?.raw(each);
      return value === undefined ? [] : [[`arg.${each}`, value]];
    }),
  );
}
