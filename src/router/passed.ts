// Lists of one upstream that is shown as it is: they pass as they come, with their pages and cursors. While it fails
// or hangs, its list of before stands in, where that was one page.

import { catalogue, type ErrorName, GatewayError } from '../core/errors.ts';
import type { Exchange } from '../core/exchange.ts';
import type { Emit } from '../core/handler.ts';
import type { Host } from '../core/host.ts';
import { BESIDE } from '../protocol/caching.ts';
import { type McpResult, withMeta } from '../protocol/message.ts';
import { STALE } from './merged.ts';
import type { OfferKind } from './offering.ts';
import type { Source } from './source.ts';
import type { Stock } from './stock.ts';

export interface Passing {
  readonly source: Source;
  readonly stock: Stock;
  readonly host: Host;
  /** Aborts when the generation is to go. */
  readonly leaving: AbortSignal;
}

/** What the upstream answered instead of a list. */
class Answered extends GatewayError {
  constructor(
    code: ErrorName,
    readonly answer: McpResult,
  ) {
    super(code, answer.raw.string('message'));
  }
}

export async function passedList(
  kind: OfferKind,
  x: Exchange,
  emit: Emit,
  { source, stock, host, leaving }: Passing,
): Promise<McpResult> {
  const pass = (signal: AbortSignal, hear: Emit): Promise<McpResult> =>
    source.handle(x.fork(source.name, x.request, signal), hear);
  if (isOneOfItsOwn(x)) return pass(x.signal, emit);
  const kept = stock.passed(source, kind, x);
  if (!isWhole(kept.known)) {
    const result = await pass(x.signal, emit);
    if (result.kind === 'complete') kept.keep(result);
    return result;
  }
  const ask = async (signal: AbortSignal): Promise<McpResult> => {
    const leave = x.runsOn.hold();
    try {
      const result = await pass(signal, () => undefined);
      if (result.kind === 'complete') return result;
      throw new Answered(codeOf(result), result);
    } finally {
      leave();
    }
  };
  const { value, failure } = await kept.get(ask, leaving);
  if (!failure && value) return value;
  const answer = failure instanceof Answered ? failure.answer : undefined;
  if (value && failure && (!answer || isAway(answer))) {
    const fields = { requestId: x.id, upstream: source.name, list: kind, error: failure.message };
    host.log.info('listed as it was before', fields);
    return asBefore(value, source.name, failure);
  }
  return answer ?? pass(x.signal, emit);
}

/** A further page, one that is asked for in its own way, or one whose progress or log messages somebody wants. */
function isOneOfItsOwn({ request: { raw, meta } }: Exchange): boolean {
  const asks = raw?.keys().some((key) => key !== '_meta') === true;
  const says = (raw?.object('_meta')?.with(BESIDE).keys().length ?? 0) > 0;
  return asks || says || meta.progressToken !== undefined || meta.logLevel !== undefined;
}

function isWhole(result: McpResult | undefined): boolean {
  return result !== undefined && !result.raw.has('nextCursor');
}

/** Whether it is an error of this gateway's, which could not reach the upstream; the upstream's own are answers. */
function isAway(result: McpResult): boolean {
  return result.http !== undefined && catalogue[codeOf(result)].fault === 'upstream';
}

function codeOf(result: McpResult): ErrorName {
  const said = result.http === undefined ? undefined : result.raw.object('data')?.string('code');
  return said !== undefined && said in catalogue ? (said as ErrorName) : 'UPSTREAM_INVALID';
}

/** Stale at once, and it says so. */
function asBefore(result: McpResult, upstream: string, { code }: GatewayError): McpResult {
  const told = { [STALE]: [{ upstream, why: code }] };
  const meta = withMeta(result.raw, told)?.object('_meta');
  return result.with({
    ...(result.raw.has('ttlMs') ? { ttlMs: 0 } : {}),
    ...(result.raw.has('cacheScope') ? { cacheScope: 'private' } : {}),
    _meta: meta,
  });
}
