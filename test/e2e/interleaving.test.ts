// Random interleavings of many calls on one shared process of 2025: progress, questions, cancellations and results
// in any order, and never a word to the wrong caller.
import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { openSession, type RawSession } from '../fixtures/clients.ts';
import { configOf, startInProcess } from '../fixtures/in-process.ts';
import { until } from '../fixtures/until.ts';
import { Inbox } from '../walk/inbox.ts';
import { stdioUpstream } from '../walk/upstream-stdio.ts';
import type { Arrival } from '../walk/upstream-wire.ts';

const CALLERS = 6;
const RUNS = 40;

interface Event {
  readonly at: number;
  readonly what: string;
}
const event: fc.Arbitrary<Event> = fc.record({
  at: fc.nat(CALLERS - 1),
  what: fc.constantFrom('report', 'report', 'ask', 'cancel', 'answer'),
});

/** One call of a client with a session of its own; all of them use the same id and token. */
interface Caller {
  readonly session: RawSession;
  /** Whether it can be asked. */
  readonly able: boolean;
  readonly name: string;
  // biome-ignore lint/suspicious/noExplicitAny: messages of every shape
  readonly heard: any[];
  cancelled: boolean;
  /** Whether its server waits for an answer. */
  asking: boolean;
  over: boolean;
  /** The last value the server has reported. */
  progress: number;
}

const message = (body: object): string => JSON.stringify({ jsonrpc: '2.0', ...body });

/** A server that takes calls without a word. @param calls where they are, by the name in their arguments */
async function startServer(calls: Map<string, Arrival>, inbox: Inbox<Arrival>) {
  const answer = (arrival: Arrival): string | undefined => {
    const { id, method, params } = arrival.body;
    const serverInfo = { name: 's', version: '1' };
    if (method === 'initialize') {
      const { protocolVersion } = params;
      return message({ id, result: { protocolVersion, capabilities: { tools: {} }, serverInfo } });
    }
    if (method === 'tools/list') return message({ id, result: { tools: [] } });
    if (method === 'tools/call') calls.set(params.arguments.name, arrival);
    return method === 'tools/call' || method === 'notifications/initialized' ? '' : undefined;
  };
  const leg = { client: '2025', over: 'http', upstream: '2025', via: 'stdio' } as const;
  return stdioUpstream({ leg, inbox, answer });
}

/** Makes the call, hears all of its answer, and answers what it is asked with what it was asked. */
async function live(caller: Caller): Promise<void> {
  const { session, name, heard } = caller;
  const answer = await session.call('t', { name }, { id: 1, token: 1 });
  const isStream = answer.type.startsWith('text/event-stream');
  for (let data = isStream ? await answer.data() : await answer.text(); data; data = await answer.data()) {
    const body = JSON.parse(data);
    heard.push(body);
    if (body.method !== 'elicitation/create') continue;
    const result = { action: 'accept', content: { echo: body.params.message, by: name } };
    await session.tell({ id: body.id, result });
  }
  caller.over = true;
}

class Play {
  readonly #asked: Promise<void>[] = [];

  constructor(
    readonly callers: readonly Caller[],
    readonly calls: ReadonlyMap<string, Arrival>,
    readonly inbox: Inbox<Arrival>,
  ) {}

  /** Those whose call is at the server, which goes on with it. */
  get open(): Caller[] {
    return this.callers.filter(
      ({ name, over, cancelled, asking }) => this.calls.has(name) && !over && !cancelled && !asking,
    );
  }

  async happen({ at, what }: Event): Promise<void> {
    if (this.callers.every(({ over }) => over)) return;
    await until(() => this.open.length > 0);
    const caller = this.open[at % this.open.length];
    const arrival = this.calls.get(caller?.name ?? '');
    if (!caller || !arrival) return;
    if (what === 'report') this.#report(caller, arrival);
    else if (what === 'ask') this.#ask(caller, arrival);
    else if (what === 'cancel') await this.#cancel(caller, arrival);
    else await this.#answer(caller, arrival);
  }

  #report(caller: Caller, { body, send }: Arrival): void {
    const { progressToken } = body.params._meta;
    const params = { progressToken, progress: ++caller.progress, message: caller.name };
    send(message({ method: 'notifications/progress', params }));
  }

  /** A question names no call. It is asked of its own caller, or of nobody. */
  #ask(caller: Caller, { send }: Arrival): void {
    const { name, able } = caller;
    const question = `${name}${crypto.randomUUID()}`;
    const params = { message: question, requestedSchema: { type: 'object', properties: {} } };
    send(message({ id: question, method: 'elicitation/create', params }));
    const answered = { action: 'accept', content: { echo: question, by: name } };
    caller.asking = true;
    const said = this.inbox.take(({ body }) => body.id === question && body.method === undefined);
    const judged = said.then((answer) => {
      caller.asking = false;
      expect(answer?.body.result).toEqual(able ? answered : { action: 'cancel' });
    });
    this.#asked.push(judged);
  }

  async #cancel(caller: Caller, { body, finish }: Arrival): Promise<void> {
    caller.cancelled = true;
    const heard = this.inbox.take(
      (each) => each.body.method === 'notifications/cancelled' && each.body.params.requestId === body.id,
    );
    await caller.session.tell({ method: 'notifications/cancelled', params: { requestId: 1 } });
    await heard;
    // What comes too late is nobody's.
    finish(message({ id: body.id, result: { content: [{ type: 'text', text: `${caller.name}too late` }] } }));
    await until(() => caller.over);
  }

  async #answer(caller: Caller, { body, finish }: Arrival): Promise<void> {
    finish(message({ id: body.id, result: { content: [{ type: 'text', text: caller.name }] } }));
    await until(() => caller.over);
  }

  /** Ends what is left, and looks at what everybody has heard. */
  async end(): Promise<void> {
    while (this.callers.some(({ over }) => !over)) await this.happen({ at: 0, what: 'answer' });
    await Promise.all(this.#asked);
    for (const { name, heard, progress, cancelled } of this.callers) {
      expect(heard.filter((each) => !/waiting/.test(each.params?.message) && !has(each, name))).toEqual([]);
      const reports = heard.filter(({ params }) => params?.message === name);
      // What was on its way when the client cancelled may be lost.
      const all = upTo(cancelled ? reports.length : progress);
      expect(reports.map(({ params }) => params.progress)).toEqual(all);
      expect(
        heard.filter(({ params }) => params?.progressToken !== undefined && params.progressToken !== 1),
      ).toEqual([]);
      const results = heard.filter(({ method }) => method === undefined);
      expect(results.map(({ id }) => id)).toEqual(cancelled ? [] : [1]);
      expect(results.some((each) => has(each, 'too late'))).toBe(false);
    }
  }
}

const has = (body: unknown, part: string): boolean => JSON.stringify(body).includes(part);
const upTo = (count: number): number[] => [...Array(count).keys()].map((at) => at + 1);

test('callers with one id and one token on one process hear what is their own, in order, in whatever order it happens', async () => {
  const inbox = new Inbox<Arrival>();
  const calls = new Map<string, Arrival>();
  const upstream = await startServer(calls, inbox);
  const config = { up: { ...upstream.config, era: '2025', instances: { per: 'shared' } } };
  await using gateway = await startInProcess(configOf(config));
  const sessions = await Promise.all(
    upTo(CALLERS).map((n) =>
      openSession(gateway.url, { capabilities: n % 2 === 0 ? { elicitation: {} } : {} }),
    ),
  );
  let run = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(event, { maxLength: 40 }), async (events) => {
      run++;
      const callers = sessions.map((session, i): Caller => {
        const name = `run-${run}-call-${i}-`;
        return {
          session,
          able: i % 2 === 1,
          name,
          heard: [],
          cancelled: false,
          asking: false,
          over: false,
          progress: 0,
        };
      });
      const play = new Play(callers, calls, inbox);
      const lives = callers.map(live);
      for (const each of events) await play.happen(each);
      await play.end();
      await Promise.all(lives);
      await until(() => gateway.gateway.report().inFlight === 0);
      const [up] = gateway.gateway.report().upstreams;
      expect(up).toMatchObject({ calls: 0, tokens: 0, parked: 0, links: 1 });
      expect(inbox.rest).toEqual([]);
    }),
    { numRuns: RUNS },
  );
  await gateway.stop();
  await upstream.stop();
}, 120_000);
