// One walk on one leg: a gateway between a client and a server by hand, and what is known of every call so far.
import type { AnyPlugin } from '../../src/core/plugin.ts';
import { configOf, type InProcess, startInProcess } from '../fixtures/in-process.ts';
import { until } from '../fixtures/until.ts';
import { type ClientWire, httpWire, type Sent, type Session } from './client-http.ts';
import { sseWire } from './client-sse.ts';
import { stdioWire } from './client-stdio.ts';
import { type Call, CLIENT, type Json, type Question } from './eras.ts';
import { differences, exact, written } from './exact.ts';
import type { Message } from './inbox.ts';
import type { Leg } from './leg.ts';
import type { Walk } from './read.ts';
import { type Server, startServer } from './server.ts';
import type { Arrival } from './upstream-wire.ts';

/** A question from its asking to its answer, by the id it has at either edge. */
export interface Asked extends Question {
  upstreamId?: string;
  clientId?: unknown;
  answer?: Json;
}

/** A call by the name it has in the walk. */
export interface Known extends Call {
  id: unknown;
  sent: Sent;
  arrival?: Arrival;
  /** The newest round of questions. */
  asked: Map<string, Asked>;
  /** What the server, and then the client, was given to give back. */
  upstreamState?: string;
  clientState?: string | undefined;
}

const openClient = { http: httpWire, stdio: stdioWire, sse: sseWire } as const;

export class Scene {
  readonly calls = new Map<string, Known>();
  readonly session: Session = {};
  /** A subscription of 2026, or what a session of 2025 hears on its own. */
  watching: { sent: Sent; id: unknown; filter: Json } | undefined;
  standing: Sent['inbox'] | undefined;
  /** What a session of 2025 has set. */
  level: string | undefined;
  #next = 7;

  private constructor(
    readonly walk: Walk,
    readonly leg: Leg,
    readonly server: Server,
    readonly gateway: InProcess,
    readonly client: ClientWire,
  ) {}

  static async open(
    walk: Walk,
    leg: Leg,
    revision: string,
    plugins: Readonly<Record<string, AnyPlugin>> = {},
  ): Promise<Scene> {
    const server = await startServer(walk, leg);
    const config = configOf({ up: server.wire.config }, { drain: '100ms', ...walk.config });
    const gateway = await startInProcess(config, { plugins });
    const session: Session = {};
    const client = await openClient[leg.over](gateway, leg, session);
    const scene = new Scene(walk, leg, server, gateway, client);
    Object.assign(scene, { session });
    if (leg.client === '2025') await scene.#initialize(revision);
    return scene;
  }

  async #initialize(revision: string): Promise<void> {
    const params = { protocolVersion: revision, capabilities: this.walk.capabilities, clientInfo: CLIENT };
    const sent = this.client.request({ jsonrpc: '2.0', id: 0, method: 'initialize', params });
    const { body } = await this.next(sent);
    const known = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'].includes(revision);
    const version = known ? revision : '2025-11-25';
    this.expect(
      {
        jsonrpc: '2.0',
        id: 0,
        result: {
          protocolVersion: version,
          capabilities: this.walk.offers,
          serverInfo: '…',
          ...(this.walk.instructions !== undefined && { instructions: this.walk.instructions }),
        },
      },
      JSON.stringify(body),
    );
    const id = (await sent.head)?.headers['mcp-session-id'];
    if (this.leg.over === 'http' && !/^[!-+\--~]+$/.test(String(id)))
      throw new Error(`no single session id: ${id}`);
    Object.assign(this.session, { version, ...(id !== undefined && { id }) });
    await this.client.say({ jsonrpc: '2.0', method: 'notifications/initialized' });
  }

  newId(): number {
    return this.#next++;
  }

  call(name: string): Known {
    const known = this.calls.get(name);
    if (!known) throw new Error(`there is no call named ${name}`);
    return known;
  }

  /** Where the call is at the server. */
  arrival(name: string): Arrival {
    const { arrival } = this.call(name);
    if (!arrival) throw new Error(`the call named ${name} has not reached the upstream`);
    return arrival;
  }

  /** The very next message for what was sent. */
  async next({ inbox, head }: Sent): Promise<Message> {
    const message = await inbox.take();
    if (message) return message;
    throw new Error(`the answer ended without it (HTTP ${(await head)?.status ?? 'none'})`);
  }

  /** @throws Error that names every difference between what should be on the wire and what is */
  expect(expected: unknown, text: string): void {
    const found = differences(written(expected), exact(text));
    if (found.length > 0) throw new Error(`${found.join('\n')}\nin ${text}`);
  }

  async close(): Promise<void> {
    await this.gateway.stop();
    await this.server.wire.stop();
  }

  /** All that a call leaves in the gateway is gone. */
  async settled(): Promise<void> {
    await until(() => {
      const { inFlight, upstreams } = this.gateway.gateway.report();
      const [up] = upstreams;
      return inFlight === 0 && up !== undefined && up.calls + up.tokens + up.parked === 0;
    });
  }

  /** What has come on either side that no step has taken. */
  get leftovers(): string[] {
    return [
      ...this.client.inboxes.flatMap(({ rest }) => rest.map(({ text }) => `the client also got ${text}`)),
      ...this.server.inbox.rest.map(({ text }) => `the upstream also got ${text}`),
      ...this.server.wrong,
    ];
  }
}
