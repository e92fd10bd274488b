// The server by hand, what it does without being told: it greets, lists its tools, takes log levels and
// subscriptions. It writes down what a client of its era must not do.
import { answered, hello, type Json, STATELESS, SUBSCRIPTION, text } from './eras.ts';
import { Inbox } from './inbox.ts';
import type { Leg } from './leg.ts';
import type { Walk } from './read.ts';
import { httpUpstream } from './upstream-http.ts';
import { sseUpstream } from './upstream-sse.ts';
import { stdioUpstream } from './upstream-stdio.ts';
import type { Arrival, UpstreamWire } from './upstream-wire.ts';

export interface Server {
  readonly wire: UpstreamWire;
  /** What the script answers. */
  readonly inbox: Inbox<Arrival>;
  /** The level last set, by session or process. */
  readonly levels: ReadonlyMap<string, string>;
  /** What the client did that its era forbids. */
  readonly wrong: readonly string[];
  /** How often a client has introduced itself. */
  greetings: number;
  /** What is watched now, over all clients. */
  watched(): { readonly uris: ReadonlySet<string>; readonly lists: ReadonlySet<string> };
  /** Tells of something outside of calls those who asked for it. */
  announce(method: string, params: Json, wanted: (filter: Json) => boolean): Promise<void>;
}

const openings = { http: httpUpstream, stdio: stdioUpstream, sse: sseUpstream } as const;

type Own = (arrival: Arrival) => string;

export async function startServer(walk: Walk, leg: Leg): Promise<Server> {
  const inbox = new Inbox<Arrival>();
  const state = {
    inbox,
    levels: new Map<string, string>(),
    wrong: [] as string[],
    greetings: 0,
    initialized: new Set<string>(),
    uris: new Map<string, Set<string>>(),
    listens: new Map<Arrival, Json>(),
  };
  const own: Readonly<Record<string, Own>> = leg.upstream === '2025' ? ownOf2025(walk) : ownOf2026(walk);
  const listsItself = !walk.steps.some(({ asks }) => asks === 'tools/list');

  function ownOf2025(all: Walk): Record<string, Own> {
    const done = ({ body }: Arrival) => text({ id: body.id, result: {} });
    return {
      initialize({ body, link }) {
        state.greetings++;
        const { capabilities, protocolVersion, clientInfo } = body.params;
        if ('tasks' in capabilities || 'extensions' in capabilities || clientInfo === undefined)
          state.wrong.push(`initialize with ${JSON.stringify(body.params)}`);
        state.uris.set(link, new Set());
        const result = hello('2025', all.offers, protocolVersion, all.instructions);
        return text({ id: body.id, result });
      },
      'notifications/initialized'({ link }) {
        state.initialized.add(link);
        return '';
      },
      'logging/setLevel'(arrival) {
        state.levels.set(arrival.link, arrival.body.params.level);
        return done(arrival);
      },
      'resources/subscribe'(arrival) {
        state.uris.get(arrival.link)?.add(arrival.body.params.uri);
        return done(arrival);
      },
      'resources/unsubscribe'(arrival) {
        if (!state.uris.get(arrival.link)?.delete(arrival.body.params.uri))
          state.wrong.push(`unsubscribed from what was not subscribed to: ${arrival.text}`);
        return done(arrival);
      },
    };
  }

  function ownOf2026(all: Walk): Record<string, Own> {
    return {
      'server/discover'({ body }) {
        state.greetings++;
        return text({ id: body.id, result: hello('2026', all.offers, STATELESS, all.instructions) });
      },
      'subscriptions/listen'(arrival) {
        const { notifications } = arrival.body.params;
        state.listens.set(arrival, notifications);
        const forget = (): void => void state.listens.delete(arrival);
        void arrival.gone?.then(forget);
        const _meta = { [SUBSCRIPTION]: arrival.body.id };
        arrival.send(
          text({ method: 'notifications/subscriptions/acknowledged', params: { notifications, _meta } }),
        );
        return '';
      },
    };
  }

  /** On a pipe a subscription ends with a message. */
  function endsListen({ body, link }: Arrival): boolean {
    if (leg.upstream !== '2026' || body.method !== 'notifications/cancelled') return false;
    const found = [...state.listens.keys()].find(
      (each) => each.link === link && each.body.id === body.params.requestId,
    );
    return found !== undefined && state.listens.delete(found);
  }

  function answer(arrival: Arrival): string | undefined {
    const { body, link } = arrival;
    const method = String(body.method);
    if (body.jsonrpc !== '2.0') state.wrong.push(`no JSON-RPC 2.0: ${arrival.text}`);
    if (endsListen(arrival)) return '';
    const early = leg.upstream === '2025' && !state.initialized.has(link);
    if (early && !/initialize|^ping$|server\/discover/.test(method))
      state.wrong.push(`before notifications/initialized: ${arrival.text}`);
    if (method === 'tools/list' && listsItself)
      return text({ id: body.id, result: answered(leg.upstream, method, { tools: walk.tools }) });
    if (method in own) return own[method]?.(arrival);
    if (method !== 'server/discover' && method !== 'initialize') return undefined;
    return text({ id: body.id, error: { code: -32601, message: 'Method not found' } });
  }

  const wire = await openings[leg.via]({ leg, inbox, answer });
  return Object.assign(state, {
    wire,
    watched() {
      const filters = [...state.listens.values()];
      const listed = filters.flatMap(
        (filter) => (filter.resourceSubscriptions as string[] | undefined) ?? [],
      );
      const flags = filters.flatMap((filter) => Object.keys(filter).filter((name) => filter[name] === true));
      return {
        uris: new Set([...[...state.uris.values()].flatMap((each) => [...each]), ...listed]),
        lists: new Set(flags.map((name) => name.replace('ListChanged', ''))),
      };
    },
    async announce(method: string, params: Json, wanted: (filter: Json) => boolean) {
      if (leg.upstream === '2025') return wire.announce(text({ method, params }));
      for (const [arrival, filter] of state.listens) {
        const _meta = { [SUBSCRIPTION]: arrival.body.id };
        if (wanted(filter)) arrival.send(text({ method, params: { ...params, _meta } }));
      }
    },
  });
}
