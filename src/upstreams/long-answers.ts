// Whether an answer that is longer than is held may be passed on as it comes, judged by what has come of it; then
// its call ends with that. What may not is held after all, within the limits for that.

import type { Host } from '../core/host.ts';
import type { Sink } from '../lib/flow.ts';
import { readId } from '../protocol/jsonrpc.ts';
import type { Era } from '../protocol/message.ts';
import { methodRow } from '../protocol/methods.ts';
import { JsonError, RawJson, RawObject } from '../protocol/raw.ts';
import { ResultScan, type SeenMember } from '../protocol/result-scan.ts';
import type { Call } from './call.ts';
import { type Correlator, keyOf } from './correlate.ts';
import type { UpstreamLimits } from './spec.ts';
import { streamedResult } from './streamed.ts';

export interface LongAnswers {
  readonly upstream: string;
  readonly era: Era;
  readonly limits: UpstreamLimits;
  readonly correlator: Correlator;
  readonly host: Host;
}

/**
 * @param head the beginning of a message; its buffer is given away
 * @param expected whose answer it can only be, where the id comes last, as with the official TypeScript SDK. It is
 *   checked when it comes
 * @returns where its bytes go, the head's too
 */
export function passOn(head: Uint8Array, at: LongAnswers, expected: Call | undefined): Sink | undefined {
  const { correlator, era, limits, upstream, host } = at;
  // A copy: the scan writes into what it reads.
  const seen = peek(head.slice(), limits.json.depth);
  if (!seen) return undefined;
  const call = seen.id === undefined ? expected : correlator.find(seen.id);
  if (!call || call.ended || !mayStream(call, era, seen.members)) return undefined;
  const id = keyOf(call);
  const { rest, sink } = streamedResult({
    upstream,
    limits,
    id,
    completeOnly: era === '2026',
    limitHit: (limit) => host.metrics.limitHits.inc({ limit }),
  });
  sink.push(head);
  correlator.settle(id, { kind: 'result', raw: known(seen.members), rest });
  return sink;
}

type Members = ReadonlyMap<string, SeenMember>;

/** @returns undefined where it is no answer with a result; without an id where that is yet to come */
function peek(head: Uint8Array, depth: number): { id: string | undefined; members: Members } | undefined {
  const scan = new ResultScan({ depth });
  try {
    scan.push(head);
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    return undefined;
  }
  if (!scan.begun) return undefined;
  if (scan.id === undefined) return { id: undefined, members: scan.members };
  const id = readId(scan.id);
  return id && { id: id.key, members: scan.members };
}

/** Tasks and questions are looked into, and a call that waits for its caller has nobody to pass it on to. */
function mayStream({ x, parked, questions }: Call, era: Era, members: Members): boolean {
  const row = methodRow(x.request.method);
  if (!row?.streams || parked || questions.length > 0 || x.request.raw?.has('task')) return false;
  const type = members.get('resultType');
  if (era === '2026' && type && type.text !== '"complete"') return false;
  const structured = members.get('structuredContent');
  // One that has no form there is told of in words, for which the whole of it is needed.
  return x.client.era === '2026' || !structured || structured.isObject;
}

/** The short members, for whoever wants to know something of the result. */
function known(members: Members): RawObject {
  const changes: Record<string, RawJson> = {};
  for (const [key, { text }] of members) if (text !== undefined) changes[key] = new RawJson(text);
  return RawObject.of({}).with(changes);
}
