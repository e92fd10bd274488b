// What an upstream asks of a client of 2026-07-28 that did not declare it: the call ends with what is missing.

import { canAnswer, capabilityFor } from '../core/client.ts';
import { errorResult } from '../core/errors.ts';
import type { Exchange } from '../core/exchange.ts';
import type { McpResult } from '../protocol/message.ts';
import type { JsonObject } from '../protocol/values.ts';
import type { Question } from './call.ts';

/** @returns undefined where the client can be asked all of it */
export function undeclared(
  x: Exchange,
  questions: readonly Pick<Question, 'method' | 'params'>[],
): McpResult | undefined {
  const missing = questions
    .filter(({ method, params }) => !canAnswer(x.client, method, params))
    .map(({ method, params }) => capabilityFor(method, params) ?? {});
  if (missing.length === 0) return undefined;
  const requiredCapabilities = missing.reduce(united, {});
  const names = Object.entries(requiredCapabilities).flatMap(([name, parts]) => {
    const own = Object.keys(parts as JsonObject);
    return own.length === 0 ? [name] : own.map((part) => `${name}.${part}`);
  });
  return errorResult('CAPABILITY_MISSING', `The upstream asks for what needs ${names.join(', ')}.`, {
    requestId: x.id,
    requiredCapabilities,
  });
}

function united(all: JsonObject, more: JsonObject): JsonObject {
  const both = Object.entries(more).map(([name, parts]) => [
    name,
    { ...(all[name] as JsonObject | undefined), ...(parts as JsonObject) },
  ]);
  return { ...all, ...Object.fromEntries(both) };
}
