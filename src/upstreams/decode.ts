// A settled call in the neutral shape. Decides what of an upstream's answer may reach a client.

import { errorResult } from '../core/errors.ts';
import type { Exchange } from '../core/exchange.ts';
import { type Era, McpResult } from '../protocol/message.ts';
import { statelessResult } from '../protocol/codec.ts';
import type { Settled } from './call.ts';

/** Codes that describe our hop to the upstream, never the client's hop to us (2026-07-28 basic §Error Codes). */
const HOP_ERRORS = new Set([-32020, -32022]);

export function decodeSettled(upstream: string, era: Era, x: Exchange, settled: Settled): McpResult {
  if (settled.kind === 'failed') {
    const { code, message, data } = settled.error;
    return errorResult(code, message, { ...data, requestId: x.id });
  }
  if (settled.kind === 'error') {
    const result = new McpResult('error', settled.raw);
    const hop = era === '2026' && result.code !== undefined && HOP_ERRORS.has(result.code);
    return hop ? invalid(upstream, x, `refused how it was called (${result.code}: ${result.raw.string('message')})`) : result;
  }
  if (era === '2025') return new McpResult('complete', settled.raw);
  const extensions = x.client.capabilities.has('extensions');
  return (
    statelessResult(x.request.method, settled.raw, extensions) ??
    invalid(upstream, x, `answered with a resultType that nobody asked for (${settled.raw.raw('resultType')})`)
  );
}

function invalid(upstream: string, x: Exchange, what: string): McpResult {
  return errorResult('UPSTREAM_INVALID', `The upstream "${upstream}" ${what}.`, { upstream, requestId: x.id });
}
