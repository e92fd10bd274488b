// Where a request would go and what would look at it, for `sluice explain`. Asks no upstream.

import type { Client } from '../core/client.ts';
import { ANONYMOUS, NO_CAPABILITIES } from '../core/client.ts';
import { Exchange } from '../core/exchange.ts';
import type { Route } from '../core/route.ts';
import { McpRequest } from '../protocol/message.ts';
import { methodRow } from '../protocol/methods.ts';
import { RawObject } from '../protocol/raw.ts';
import { STATELESS } from '../protocol/versions.ts';
import type { OfferKind } from '../router/offering.ts';
import type { Generation } from './generation.ts';
import type { SetUp } from './steps.ts';
import type { Explanation } from './types.ts';

const CLIENT: Client = {
  era: '2026',
  version: STATELESS,
  transport: 'stdio',
  info: undefined,
  capabilities: NO_CAPABILITIES,
  principal: ANONYMOUS,
};
/** Those that concern one message. */
const HOOKS = ['onCaller', 'onRequest', 'onNotification', 'onResult', 'onSend', 'onClose'] as const;

/** @returns undefined when there is no such endpoint */
export function explain(
  generation: Generation,
  method: string,
  name: string | undefined,
  path: string | undefined,
): Explanation | undefined {
  const endpoint =
    path === undefined ? generation.endpoints.values().next().value : generation.endpoints.get(path);
  if (!endpoint) return undefined;
  const member = methodRow(method)?.name ?? 'name';
  const params = name === undefined || member === 'ref' ? {} : { [member]: name };
  const x = new Exchange({
    id: 'explain',
    client: CLIENT,
    inbound: { listener: 'explain', endpoint: endpoint.path, headers: new Headers() },
    request: new McpRequest(method, RawObject.of(params)),
    route: { kind: 'local' },
    signal: new AbortController().signal,
    now: 0,
  });
  const kind = kindOf(method);
  const route = endpoint.router.route(x);
  x.reroute(route);
  const tell = (where: string) => (step: SetUp) => ({
    id: step.id,
    where,
    hooks: HOOKS.filter((hook) => step.hooks[hook] !== undefined),
    mode: step.mode,
    applies: step.applies(x),
  });
  return {
    method,
    name,
    endpoint: endpoint.path,
    route: described(route, method),
    notes: name === undefined || kind === undefined ? [] : endpoint.offering.reasons(kind, name),
    steps: [
      ...generation.steps.map(tell('pipeline')),
      ...upstreamsOf(route).flatMap((leg) =>
        (generation.legSteps.get(leg) ?? []).map(tell(`upstreams.${leg}.pipeline`)),
      ),
    ],
  };
}

/** The list that has what the method asks for; a completion can be for several. */
function kindOf(method: string): OfferKind | undefined {
  const kinds: Readonly<Record<string, OfferKind>> = {
    'tools/call': 'tools',
    'prompts/get': 'prompts',
    'resources/read': 'resources',
  };
  return Object.hasOwn(kinds, method) ? kinds[method] : undefined;
}

function upstreamsOf(route: Route): readonly string[] {
  if (route.kind === 'one') return [route.upstream];
  return route.kind === 'all' ? route.upstreams : [];
}

function described(route: Route, method: string): string {
  switch (route.kind) {
    case 'one':
      return route.name === undefined
        ? `upstream ${route.upstream}`
        : `upstream ${route.upstream}, as ${route.name}`;
    case 'all':
      return `all of ${route.upstreams.join(', ')}`;
    case 'local':
      return 'answered by the gateway';
    case 'undecided':
      return `the upstream whose ${methodRow(method) ? 'list' : 'extension'} has it`;
    case 'none':
      return `refused: ${route.refusal.raw.string('message') ?? ''}`;
  }
}
