// A settled call in the neutral shape. Decides what of an upstream's answer may reach a client.

import { capabilityFor } from '../core/client.ts';
import { errorResult } from '../core/errors.ts';
import type { Exchange } from '../core/exchange.ts';
import { hintsOf, withoutHints, withSoundHints } from '../protocol/caching.ts';
import { errorForSession, statelessResult } from '../protocol/codec.ts';
import { declares, TASKS } from '../protocol/extensions.ts';
import { type Era, McpResult } from '../protocol/message.ts';
import { methodRow } from '../protocol/methods.ts';
import type { RawObject } from '../protocol/raw.ts';
import type { Rest } from '../protocol/rest.ts';
import type { Settled } from './call.ts';
import { notAnswered } from './refused.ts';
import { undeclared } from './undeclared.ts';

/** Codes that describe our hop to the upstream, never the client's hop to us (2026-07-28 basic §Error Codes). */
const HOP_ERRORS = new Set([-32020, -32022]);

const CAPABILITY_MISSING = -32021;

export function decodeSettled(upstream: string, era: Era, x: Exchange, settled: Settled): McpResult {
  if (settled.kind === 'failed') {
    const { code, message, data } = settled.error;
    return errorResult(code, message, { ...data, requestId: x.id });
  }
  if (settled.kind === 'error') return decodeError(upstream, era, x, new McpResult('error', settled.raw));
  if (settled.rest) return streamed(era, x, settled.raw, settled.rest);
  const raw = methodRow(x.request.method)?.cacheable ? hinted(era, x, settled.raw) : settled.raw;
  if (era === '2025') return new McpResult('complete', raw);
  const tasks = x.client.era === '2026' && declares(x.client.capabilities, TASKS);
  const result = statelessResult(x.request.method, settled.raw, tasks);
  if (!result) {
    const type = settled.raw.raw('resultType');
    return invalid(upstream, x, `answered with a resultType that nobody asked for (${type})`);
  }
  // A client of a session is asked, and refuses, where its questions are asked.
  const isAsked = result.kind === 'input_required' && x.client.era === '2026';
  return isAsked ? askable(upstream, x, result) : result;
}

/** Only what the client declared may be asked of it (2026-07-28 patterns/mrtr). */
function askable(upstream: string, x: Exchange, result: McpResult): McpResult {
  const inputs = result.raw.object('inputRequests');
  const asked = (inputs?.keys() ?? []).map((key) => {
    const input = inputs?.object(key);
    return { method: input?.string('method') ?? '', params: input?.object('params') };
  });
  const unknown = asked.find(({ method, params }) => capabilityFor(method, params) === undefined);
  if (unknown) return invalid(upstream, x, `asks the client what no client is asked ("${unknown.method}")`);
  return undeclared(x, asked) ?? result;
}

/** What a server of sessions says of how long its result is good for means nothing; a client of them is shown it. */
function hinted(era: Era, x: Exchange, raw: RawObject): RawObject {
  if (era === '2026') return withSoundHints(raw);
  return x.client.era === '2026' ? withoutHints(raw) : raw;
}

/** What is passed on as it comes is complete, and not known in all: what may yet come of hints is left out. */
function streamed(era: Era, x: Exchange, raw: RawObject, rest: Rest): McpResult {
  const isHinted = methodRow(x.request.method)?.cacheable === true;
  const result = new McpResult('complete', raw, undefined, undefined, era === '2026', rest);
  if (era === '2025')
    return isHinted && x.client.era === '2026'
      ? result.with({ ttlMs: undefined, cacheScope: undefined })
      : result;
  const { ttlMs, scope } = hintsOf(raw);
  return result.with({
    // Nobody else can tell what era a result is of whose type is absent, or yet to come.
    ...(raw.has('resultType') ? {} : { resultType: 'complete' }),
    ...(isHinted ? { ttlMs, cacheScope: scope } : {}),
  });
}

function decodeError(upstream: string, era: Era, x: Exchange, result: McpResult): McpResult {
  if (era === '2025') return result;
  if (result.code !== undefined && HOP_ERRORS.has(result.code)) {
    return invalid(
      upstream,
      x,
      `refused how it was called (${result.code}: ${result.raw.string('message')})`,
    );
  }
  if (x.client.era !== '2025') return result;
  return result.code === CAPABILITY_MISSING
    ? incapable(x, result)
    : errorForSession(x.request.method, result);
}

/** A client of a session cannot declare more than it has, and knows no such error: -32021 came with 2026-07-28. */
function incapable(x: Exchange, { raw }: McpResult): McpResult {
  const required = raw.object('data')?.object('requiredCapabilities');
  // Of extensions, the name of each says what is missing.
  const named = required
    ?.keys()
    .flatMap((key) => (key === 'extensions' ? required.object(key)?.keys() : key) ?? key);
  const names = named?.join(', ') || 'that the client did not declare';
  return notAnswered(x, `The call needs capability ${names}.`, {
    requiredCapabilities: required?.value ?? {},
  });
}

function invalid(upstream: string, x: Exchange, what: string): McpResult {
  return errorResult('UPSTREAM_INVALID', `The upstream "${upstream}" ${what}.`, {
    upstream,
    requestId: x.id,
  });
}
