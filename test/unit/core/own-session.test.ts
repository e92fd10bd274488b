// A session serves whom it belongs to: whatever plugins find out, and whichever of them answers.
import { expect, test } from 'bun:test';
import { ANONYMOUS, type Identity, NO_CAPABILITIES } from '../../../src/core/client.ts';
import { errorResult } from '../../../src/core/errors.ts';
import { Exchange, principalFact } from '../../../src/core/exchange.ts';
import type { Handler } from '../../../src/core/handler.ts';
import { ownSessionOnly } from '../../../src/core/own-session.ts';
import { McpRequest, McpResult } from '../../../src/protocol/message.ts';

/** `grace@north` is of a tenant. */
function identity(name: string): Identity {
  const [id = '', tenant] = name.split('@');
  return tenant === undefined ? { id } : { id, tenant };
}

function exchange(owner: string | undefined): Exchange {
  const principal = owner === undefined ? undefined : identity(owner);
  return new Exchange({
    id: 'r',
    client: {
      era: '2025',
      version: '2025-11-25',
      transport: 'http',
      info: undefined,
      capabilities: NO_CAPABILITIES,
      principal: ANONYMOUS,
      session: { key: 'k', ended: new AbortController().signal, principal },
    },
    inbound: { listener: 'l', endpoint: '/mcp', headers: new Headers() },
    request: new McpRequest('tools/list', undefined),
    route: { kind: 'local' },
    signal: new AbortController().signal,
    now: 0,
  });
}

const kindOf = (result: McpResult): string => result.raw.object('data')?.string('code') ?? result.kind;

/** What a call of `caller` gets in a session of `owner`, and whether it went beyond the plugins. */
async function outcome(owner?: string, caller?: string, answer?: McpResult): Promise<[string, boolean]> {
  let passed = false;
  const plugins = (next: Handler): Handler => {
    return async (x, emit) => {
      if (caller !== undefined) x.set(principalFact, { ...identity(caller), scopes: [] });
      return answer ?? next(x, emit);
    };
  };
  const run = ownSessionOnly(plugins, async () => {
    passed = true;
    return McpResult.complete({});
  });
  return [kindOf(await run(exchange(owner), () => undefined)), passed];
}

test('its own principal passes, and so does everybody where it belongs to nobody yet', async () => {
  expect(await outcome('grace', 'grace')).toEqual(['complete', true]);
  expect(await outcome('grace@north', 'grace@north')).toEqual(['complete', true]);
  expect(await outcome('anonymous')).toEqual(['complete', true]);
  expect(await outcome(undefined, 'grace')).toEqual(['complete', true]);
});

test('another, or one that does not say who it is, finds no such session', async () => {
  expect(await outcome('grace', 'ada')).toEqual(['SESSION_UNKNOWN', false]);
  expect(await outcome('grace')).toEqual(['SESSION_UNKNOWN', false]);
  expect(await outcome('grace@north', 'grace@south')).toEqual(['SESSION_UNKNOWN', false]);
  expect(await outcome('grace@north', 'grace')).toEqual(['SESSION_UNKNOWN', false]);
  expect(await outcome('anonymous', 'ada')).toEqual(['SESSION_UNKNOWN', false]);
});

test('what a plugin answers is for its own principal; what it refuses is told as it is', async () => {
  const cached = McpResult.complete({ content: [] });
  expect(await outcome('grace', 'ada', cached)).toEqual(['SESSION_UNKNOWN', false]);
  expect(await outcome('grace', 'grace', cached)).toEqual(['complete', false]);
  expect(await outcome('grace', undefined, errorResult('UNAUTHENTICATED'))).toEqual([
    'UNAUTHENTICATED',
    false,
  ]);
});
