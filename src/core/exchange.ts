// The spine: one client request and all that comes back. Its identity is stable for its life; the message
// it carries is replaced, never mutated. Knows nothing of wires.

import type { McpRequest, McpResult } from '../protocol/message.ts';
import { progressFact, type Reassurance } from './call-progress.ts';
import type { Client, Principal } from './client.ts';
import { type Fact, Facts, fact } from './facts.ts';
import type { HttpAnswer } from './http-answer.ts';
import type { Outbound, Refusal } from './outbound.ts';
import type { Peer } from './peer.ts';
import { type Phase, phaseOf } from './phases.ts';
import type { Route } from './route.ts';

/** One upstream's share of an exchange. */
export interface Leg {
  readonly upstream: string;
}

/** Looks at, and may change, the last bytes of a message to an upstream. */
export interface Sender {
  (outbound: Outbound, x: Exchange): Outbound | undefined | Promise<Outbound | undefined>;
  /** As `Hooks.passesOn`. */
  readonly passesOn?: readonly string[] | undefined;
  /** The message was turned away: whether this one has something else to give. Absent: it never has. */
  readonly refused?: (refusal: Refusal, x: Exchange) => Promise<boolean>;
}

/** Those of a pipeline that may see an exchange. */
export interface SendersOf {
  (x: Exchange): readonly Sender[];
  /** Whether what one of them adds is each caller's own. */
  readonly perCaller?: boolean;
}

/** Something that a client can ask an upstream for. */
export interface Thing {
  readonly kind: 'tool' | 'prompt' | 'resource' | 'template';
  /** The name, URI or URI template that the client knows it by. */
  readonly name: string;
  readonly upstream: string;
  /** The same as the upstream has it. */
  readonly own: string;
}

/** Runs after the last byte; changes nothing. */
export type Closer = (x: Exchange, result: McpResult) => void;

/** What the listener knows of the call beside the message. One object for each HTTP request, or for a pipe. */
export interface Inbound {
  readonly listener: string;
  /** The endpoint's path. */
  readonly endpoint: string;
  /** Request headers; empty on stdio. Names are lower-case. */
  readonly headers: Headers;
  /** The peer's address; asked for only when needed, since the answer costs more than the rest of the door. */
  readonly remote?: (() => string | undefined) | undefined;
  /** Who is at the other end of the connection; asked for only when needed, too. */
  readonly peer?: (() => Peer | undefined) | undefined;
  /** The HTTP method; absent where no HTTP request brought the message. */
  readonly method?: string | undefined;
  /** The public URL of what was asked: from the configuration, never from the request. */
  readonly url?: string | undefined;
  /** The query of the request with its `?`, or nothing. */
  readonly query?: string | undefined;
  /** The exact text of what was posted, once it has been read. */
  readonly body?: (() => string | undefined) | undefined;
  /** What the HTTP request gets for an answer, with all that it brought; absent where no HTTP request came. */
  readonly answer?: HttpAnswer | undefined;
  /** Nobody sent it: the gateway asks for the session of its client, as whom that was found to be. */
  readonly isOwn?: boolean | undefined;
}

/** The generation an exchange runs on. */
export interface RunsOn {
  readonly generation: number;
  /** Keeps it, and the upstreams below, until the returned function is first called. */
  hold(): () => void;
}

const NOTHING: RunsOn = { generation: 0, hold: () => () => {} };

export interface ExchangeInit {
  readonly id: string;
  readonly client: Client;
  readonly inbound: Inbound;
  readonly request: McpRequest;
  readonly route: Route;
  readonly signal: AbortSignal;
  readonly now: number;
  /** As `Exchange.isOwn`. */
  readonly isOwn?: boolean | undefined;
  /** As `Exchange.round`. */
  readonly round?: number | undefined;
  /** Absent for exchanges that nothing can be parked in. */
  readonly runsOn?: RunsOn | undefined;
}

/** What a leg shares with the exchange it belongs to. */
interface Within {
  readonly facts: Facts;
  readonly leg: Leg;
  readonly senders: Sender[];
  readonly views: ((thing: Thing) => boolean)[];
  readonly decided: (by: string) => unknown;
}

/** Established by an auth plugin; read through `exchange.principal`. */
export const principalFact = fact<Principal>('principal');

/** A credential as its caller sent it, verified. */
export interface CallerToken {
  readonly token: string;
  /** What it is to a token exchange (RFC 8693 §3), such as `urn:ietf:params:oauth:token-type:access_token`. */
  readonly type: string;
  readonly issuer?: string | undefined;
}

/** Read through `exchange.caller.token`, by plugins that exchange it. Not to be logged; it never leaves for an upstream. */
export const callerTokenFact = fact<CallerToken>('caller token');

export class Exchange {
  readonly id: string;
  readonly client: Client;
  readonly inbound: Inbound;
  /** Aborts when the caller cancels, disconnects (2026-07-28), a deadline passes, or the gateway stops. */
  readonly signal: AbortSignal;
  /** Milliseconds since the epoch at which the exchange began. */
  readonly startedAt: number;
  /** Nobody sent it: the gateway looks something up for a call, or asks for a session. */
  readonly isOwn: boolean;
  /** More than 1 where the gateway itself goes on with a call, with what its client has answered meanwhile. */
  readonly round: number;
  /** Present inside an upstream's own pipeline. */
  readonly leg: Leg | undefined;
  readonly runsOn: RunsOn;
  readonly #facts: Facts;
  readonly #senders: Sender[];
  readonly #views: ((thing: Thing) => boolean)[];
  readonly #closers: Closer[] = [];
  /** For the pipeline: what its entries have said of the caller, by entry. */
  readonly callers = new Map<object, McpResult | undefined>();
  #request: McpRequest;
  #route: Route;
  #held = 0;
  #closed = false;
  readonly #above: Within['decided'] | undefined;
  #decidedBy: string | undefined;

  constructor(init: ExchangeInit, within?: Within) {
    this.id = init.id;
    this.client = init.client;
    this.inbound = init.inbound;
    this.signal = init.signal;
    this.startedAt = init.now;
    this.#request = init.request;
    this.#route = init.route;
    this.#facts = new Facts(within?.facts);
    this.leg = within?.leg;
    this.isOwn = init.isOwn ?? init.inbound.isOwn ?? false;
    this.round = init.round ?? 1;
    this.runsOn = init.runsOn ?? NOTHING;
    this.#senders = within?.senders ?? [];
    this.#views = within?.views ?? [];
    this.#above = within?.decided;
  }

  get request(): McpRequest {
    return this.#request;
  }

  /** Where it goes, as far as that is known: what upstreams have to be asked for is decided below the plugins. */
  get route(): Route {
    return this.#route;
  }

  get principal(): Principal {
    return this.get(principalFact) ?? this.client.principal;
  }

  /** The id of the entry that answered in the place of the upstream: refused, failed or gave a result of its own. */
  get decidedBy(): string | undefined {
    return this.#decidedBy;
  }

  /** For the pipeline: this entry answers. What is asked of several is not decided by the entry of one of them. */
  decided(by: string): void {
    this.#decidedBy ??= by;
    this.#above?.(by);
  }

  /** The client as whom the plugins have found it to be. */
  get caller(): Client {
    const { client, principal } = this;
    const token = this.get(callerTokenFact) ?? client.token;
    return principal === client.principal && token === client.token
      ? client
      : { ...client, principal, token };
  }

  get<T>(key: Fact<T>): T | undefined {
    return this.#facts.get(key);
  }

  set<T>(key: Fact<T>, value: T): void {
    this.#facts.set(key, value);
  }

  /**
   * From here on, for this exchange, only those things exist for which `exists` holds: others are not in its lists,
   * and asking for one is asking for something unknown.
   * @throws Error in the pipeline of an upstream: what there is was decided before
   */
  narrow(exists: (thing: Thing) => boolean): void {
    if (this.leg)
      throw new Error('narrow is for the pipeline of all upstreams: this one belongs to one of them');
    this.#views.push(exists);
  }

  /** Whether anything was hidden by `narrow`. */
  get isNarrowed(): boolean {
    return this.#views.length > 0;
  }

  /** For the router: whether all who narrowed it let the thing be. */
  shows(thing: Thing): boolean {
    return this.#views.every((exists) => exists(thing));
  }

  /** For the pipeline: undoes what was narrowed since `before` was taken. @returns whether anything was */
  widen(before: number): boolean {
    return this.#views.splice(before).length > 0;
  }

  /** How often it was narrowed. */
  get narrowings(): number {
    return this.#views.length;
  }

  /** For the pipeline: the message from here on. */
  replace(request: McpRequest): void {
    this.#request = request;
  }

  /** For the router: the place from here on. */
  reroute(route: Route): void {
    this.#route = route;
  }

  /** What runs over the last bytes of this exchange's messages to upstreams, in order. */
  get senders(): readonly Sender[] {
    return this.#senders;
  }

  /** For the pipeline: `sender` runs on every leg from here on. */
  addSender(sender: Sender): void {
    this.#senders.push(sender);
  }

  /** For the pipeline: `closer` runs once, after the last byte of the answer. Latest first. */
  addCloser(closer: Closer): void {
    this.#closers.push(closer);
  }

  /** For the listener, once: the answer is out, or nobody waits for it any more. */
  close(result: McpResult): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const closer of this.#closers.reverse()) closer(this, result);
  }

  /** Whether a plugin waits for something slow, such as a person; deadlines of hooks rest meanwhile. */
  get held(): boolean {
    return this.#held > 0;
  }

  /**
   * Waits for something slow without running into the entry's `timeout`.
   * @param phase what the call waits for, in words: as `waits` has it
   * @throws the signal's reason when the exchange is cancelled meanwhile
   */
  async hold<T>(wait: Promise<T>, { phase }: { phase?: string | Phase } = {}): Promise<T> {
    this.#held++;
    const over = phase === undefined ? undefined : this.waits(phase);
    try {
      return await Promise.race([wait, aborted(this.signal)]);
    } finally {
      this.#held--;
      over?.();
    }
  }

  /** What the call waits for, in words; `processing` where it waits for nothing. */
  get phase(): string {
    return this.get(progressFact)?.phases.current.name ?? 'processing';
  }

  /**
   * Says what the call waits for from here on, such as `waiting for approval`. Its operator sees that, and its client,
   * where it wants progress, is told when it lasts.
   * @returns ends it; harmless when called again
   */
  waits(phase: string | Phase): () => void {
    return this.get(progressFact)?.phases.begin(phaseOf(phase)) ?? (() => {});
  }

  /** A client that wants progress hears what its call waits for whenever it has heard nothing for so long. */
  reassure(reassurance: Reassurance | undefined): void {
    this.get(progressFact)?.reassure(reassurance);
  }

  get reassurance(): Reassurance | undefined {
    return this.get(progressFact)?.reassurance;
  }

  /**
   * One upstream's share: own request and signal, reads this exchange's facts. Of another method it is something that
   * the gateway has to look up first.
   */
  fork(upstream: string, request: McpRequest, signal = this.signal): Exchange {
    const isOwn = this.isOwn || request.method !== this.#request.method;
    return new Exchange(
      { ...this.#init(), request, signal, isOwn },
      {
        facts: this.#facts,
        leg: { upstream },
        senders: [...this.#senders],
        views: this.#views,
        decided: (by) => this.#route.kind === 'one' && this.decided(by),
      },
    );
  }

  /** The next round of the same call: a new exchange, judged afresh by every plugin. */
  again(request: McpRequest, route: Route): Exchange {
    return new Exchange({ ...this.#init(), request, route, round: this.round + 1 });
  }

  #init(): ExchangeInit {
    return {
      id: this.id,
      client: this.client,
      inbound: this.inbound,
      request: this.#request,
      route: this.#route,
      signal: this.signal,
      now: this.startedAt,
      runsOn: this.runsOn,
      isOwn: this.isOwn,
      round: this.round,
    };
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  if (signal.aborted) reject(signal.reason);
  else signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  return promise;
}
