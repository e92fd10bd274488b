// An upstream whose tools are pinned, as its callers see it.
import { isKept, wantsFresh } from '../../../src/core/fresh.ts';
import { type PinStore, pinMemory } from '../../../src/core/pin-store.ts';
import { McpNotification } from '../../../src/protocol/message.ts';
import type { JsonObject } from '../../../src/protocol/values.ts';
import { type PinPolicy, pinned } from '../../../src/router/pins.ts';
import { exchange, nobody, testHost, toolCall } from '../../fixtures/exchanges.ts';
import { source } from './sources.ts';

export const tool = (name: string, description = 'does it', more: object = {}) => ({
  name,
  description,
  inputSchema: { type: 'object', properties: { path: { type: 'string' } } },
  ...more,
});

export function world(policy: Partial<PinPolicy> = {}, store: PinStore = pinMemory(), most = 1_000) {
  const host = testHost();
  let pages: object[][] = [[]];
  const upstream = source('files', {
    'tools/list': (x) => {
      const { request } = x;
      if (isListKept && !x.get(wantsFresh)) {
        x.set(isKept, true);
        return { tools: [tool('a')] };
      }
      const page = Number(request.raw?.string('cursor') ?? 0);
      const next = page + 1 < pages.length ? { nextCursor: String(page + 1) } : {};
      return { tools: pages[page], ...next };
    },
    'tools/call': { content: [] },
    'subscriptions/listen': async (_, emit) => {
      await emit(McpNotification.of('notifications/tools/list_changed', {}));
      return {};
    },
  });
  let isListKept = false;
  const whole = { onDrift: 'block', onNew: 'allow', recheck: 60_000, ...policy } as const;
  const handle = pinned(
    { upstream: 'files', policy: whole, store, host, pages: 10, most, again: 1_000 },
    upstream.handle,
  );
  return {
    host,
    store,
    upstream,
    /** From now on a list is what it was, unless a fresh one is wanted. */
    keepsList() {
      isListKept = true;
    },
    tellsOfChange: () => handle(exchange('subscriptions/listen'), nobody),
    has(...all: object[][]) {
      pages = all;
    },
    async list(cursor?: string) {
      const params: JsonObject = cursor === undefined ? {} : { cursor };
      const result = await handle(exchange('tools/list', params), nobody);
      return (result.value.tools as unknown as { name: string }[]).map(({ name }) => name);
    },
    call: async (name: string) => {
      const result = await handle(toolCall(name), nobody);
      return result.kind === 'error' ? result.raw.object('data')?.string('code') : 'called';
    },
  };
}
