// How much is kept for clients that reconnect, and what goes first: of one stream, one session, all of them.
import { beforeEach, describe, expect, test } from 'bun:test';
import { ANONYMOUS, NO_CAPABILITIES } from '../../../src/core/client.ts';
import { readEventId } from '../../../src/listeners/event-id.ts';
import type { Replay } from '../../../src/listeners/replay.ts';
import { Replays } from '../../../src/listeners/replays.ts';
import { Session } from '../../../src/listeners/session.ts';
import type { Standing } from '../../../src/listeners/standing.ts';
import { rawId } from '../../../src/protocol/jsonrpc.ts';
import { type SseEvent, SseReader } from '../../../src/protocol/sse.ts';
import { type TestHost, testHost } from '../../fixtures/exchanges.ts';

let host: TestHost;
let replays: Replays;
let limits: ConstructorParameters<typeof Replays>[1] extends () => infer L
  ? { -readonly [K in keyof L]: L[K] }
  : never;

beforeEach(() => {
  host = testHost();
  limits = {
    resumeEvents: 10,
    resumeBytes: 100_000,
    resumeSessionBytes: 50_000,
    resumeTtl: 1_000,
    resumeRetry: 7,
    streamBuffer: 1_000_000,
  };
  replays = new Replays(host, () => limits);
});

function session(version = '2025-11-25'): Session {
  const client = {
    era: '2025',
    version,
    transport: 'http',
    info: undefined,
    capabilities: NO_CAPABILITIES,
    principal: ANONYMOUS,
  } as const;
  const standing = { stop() {}, attached: false } as unknown as Standing;
  return new Session({ path: '/mcp', client, now: 0, standing: () => standing });
}

const open = (of: Session) => replays.open(of, { kind: 'answer', request: rawId(1), headers: {} });
const gone = (replay: Replay) => replay.response.body?.cancel();

async function eventsOf(response: Response): Promise<SseEvent[]> {
  return new SseReader({ eventBytes: 1_000_000 }).push(await response.bytes());
}

/** What a client gets that comes back behind a place. */
async function resumed(replay: Replay, after: number): Promise<string[] | string> {
  const connection = replay.resume(after, {});
  if (typeof connection === 'string') return connection;
  const read = eventsOf(connection.response);
  connection.end();
  return (await read).filter(({ hasData }) => hasData).map(({ data }) => data);
}

describe('one stream', () => {
  test('keeps its newest notifications, and every question', async () => {
    const replay = open(session());
    await gone(replay);
    replay.send('question');
    for (let i = 1; i <= 30; i++) replay.note(`note ${i}`);
    const notes = Array.from({ length: 10 }, (_, i) => `note ${i + 21}`);
    expect(await resumed(replay, 0)).toEqual(['question', ...notes]);
    replay.finish('result');
    expect(await resumed(replay, 31)).toEqual(['result']);
    expect(await resumed(replay, 32)).toBe('over');
    expect(await resumed(replay, 33)).toBe('lost');
  });

  test('has its ids in order, its last one marked, also when it is read again', async () => {
    const replay = open(session());
    replay.note('a');
    replay.finish('b');
    const ids = (await eventsOf(replay.response)).map(({ id }) => readEventId(id ?? ''));
    expect(ids.map((id) => [id?.stream, id?.place, id?.last])).toEqual([
      [replay.name, 0, false],
      [replay.name, 1, false],
      [replay.name, 2, true],
    ]);
    await replay.done;
    const again = replay.resume(1, {});
    if (typeof again === 'string') throw new Error(again);
    expect((await eventsOf(again.response)).map(({ id }) => readEventId(id ?? '')?.last)).toEqual([true]);
  });

  test('primes those clients alone that know what it means', async () => {
    for (const [version, primed] of [
      ['2025-11-25', true],
      ['2025-06-18', false],
      ['2025-03-26', false],
    ] as const) {
      const replay = open(session(version));
      replay.end();
      expect(await replay.response.text()).toBe(
        primed ? `id: a.${replay.name}.0.MQ\nretry: 7\ndata:\n\n` : '',
      );
    }
  });

  test('nobody waits for a client that is gone', async () => {
    limits.streamBuffer = 10;
    const replay = open(session());
    const patience = replay.note('x'.repeat(100));
    expect(patience).toBeInstanceOf(Promise);
    await gone(replay);
    await patience;
    expect(replay.note('x'.repeat(100))).toBeUndefined();
    replay.finish('r');
    await replay.done;
  });

  test('nobody waits for a connection that its client has given up', async () => {
    limits.streamBuffer = 10;
    const replay = open(session());
    const patience = replay.note('x'.repeat(100));
    const next = replay.resume(0, {});
    await patience;
    expect(replay.note('y')).toBeInstanceOf(Promise);
    if (typeof next === 'string') throw new Error(next);
    replay.finish('r');
    expect((await eventsOf(next.response)).map(({ data }) => data[0])).toEqual(['x', 'y', 'r']);
  });
});

describe('limits', () => {
  const big = 'x'.repeat(10_000);

  test('of a session are kept by its own streams: delivered ones go, then notes, then what waits longest', async () => {
    const mine = session();
    const delivered = open(mine);
    const read = delivered.response.text();
    delivered.finish(big);
    await read;
    await delivered.done;
    const oldest = open(mine);
    await gone(oldest);
    oldest.finish(big);
    const noted = open(mine);
    await gone(noted);
    for (let i = 0; i < 3; i++) noted.note(`${i}${big}`);
    // The sixth makes it too much.
    expect(replays.find(mine, delivered.name)).toBeUndefined();
    expect(await host.figure('limitHits')).toBe(0);
    noted.note(`3${big}`);
    expect(await host.figure('limitHits', { limit: 'resume_session_bytes' })).toBe(1);
    expect(((await resumed(noted, 0)) as string[]).map((text) => text[0])).toEqual(['1', '2', '3']);
    const asking = open(mine);
    await gone(asking);
    asking.send(big);
    expect(replays.find(mine, oldest.name)).toBeUndefined();
    expect(await resumed(asking, 0)).toEqual([big]);
  });

  test('of all are kept by all', async () => {
    const streams = Array.from({ length: 12 }, () => ({
      own: session(),
      replay: undefined as Replay | undefined,
    }));
    for (const each of streams) {
      each.replay = open(each.own);
      await gone(each.replay);
      each.replay.finish(big);
      expect(replays.bytes).toBeLessThanOrEqual(limits.resumeBytes);
    }
    const kept = streams.map(({ own, replay }) => replays.find(own, replay?.name ?? '') !== undefined);
    expect(kept).toEqual([...Array(5).fill(false), ...Array(7).fill(true)]);
    expect(await host.figure('limitHits', { limit: 'resume_bytes' })).toBe(5);
    expect(await host.figure('resumeBytes')).toBe(replays.bytes);
  });

  test('are kept when one event is larger than all of them: that stream is lost, its reader is not', async () => {
    const mine = session();
    const replay = open(mine);
    const read = eventsOf(replay.response);
    replay.send('y'.repeat(60_000));
    expect([replays.bytes, replay.resume(0, {})]).toEqual([0, 'lost']);
    replay.finish('r');
    expect((await read).map(({ data }) => data.length)).toEqual([0, 60_000, 1]);
    // What came after the loss can be had again.
    expect(await resumed(replay, 1)).toEqual(['r']);
  });

  test('bound how many streams there are of which nothing is kept, such as those of cancelled calls', async () => {
    const mine = session();
    const ended = [];
    for (let i = 0; i < 100; i++) {
      const replay = open(mine);
      ended.push(replay);
      replay.end();
      await replay.response.text();
      await replay.done;
    }
    const there = ended.filter(({ name }) => replays.find(mine, name));
    expect(there).toEqual(ended.slice(-there.length));
    expect(there.length).toBeWithin(1, 50);
    expect(replays.bytes).toBeLessThanOrEqual(limits.resumeSessionBytes);
    mine.end();
    expect(replays.bytes).toBe(0);
  });

  test('a thousand chatty streams with a reader each stay within them', async () => {
    const all = Array.from({ length: 1_000 }, () => open(session()));
    for (let i = 0; i < 20; i++) for (const replay of all) replay.note('x'.repeat(500));
    expect(replays.bytes).toBeLessThanOrEqual(limits.resumeBytes);
    const reads = all.map((replay) => eventsOf(replay.response));
    for (const replay of all) replay.finish('r');
    for (const read of reads) expect((await read).length).toBe(22);
  });
});

describe('time', () => {
  test('what nobody came back for is given up, what has a reader is not', async () => {
    const mine = session();
    const [left, read, later] = [open(mine), open(mine), open(mine)];
    await gone(left);
    left.note('a');
    read.note('b');
    host.turn(999);
    await gone(later);
    later.note('c');
    replays.sweep();
    expect(replays.find(mine, left.name)).toBe(left);
    host.turn(1);
    replays.sweep();
    expect([left, read, later].map(({ name }) => replays.find(mine, name) !== undefined)).toEqual([
      false,
      true,
      true,
    ]);
    // The call behind it runs on to its end, for nobody.
    expect(left.open).toBe(false);
    left.finish('r');
    await left.done;
    host.turn(1_000);
    replays.sweep();
    expect(replays.find(mine, later.name)).toBeUndefined();
    read.end();
    await read.response.text();
    await read.done;
    host.turn(1_000);
    replays.sweep();
    expect([replays.bytes, await host.figure('resumeBytes')]).toEqual([0, 0]);
  });

  test('the end of a session is the end of what was kept for it; what is read is read to its end', async () => {
    const mine = session();
    const [left, read] = [open(mine), open(mine)];
    await gone(left);
    left.send('a');
    read.send('b');
    mine.end();
    expect(replays.bytes).toBe(0);
    expect(replays.find(mine, left.name)).toBeUndefined();
    read.finish('r');
    expect((await eventsOf(read.response)).map(({ data }) => data)).toEqual(['', 'b', 'r']);
    const late = open(mine);
    late.finish('r');
    expect(replays.bytes).toBe(0);
  });

  test('a new standing stream is the end of the one before', async () => {
    const mine = session();
    const stand = () => replays.open(mine, { kind: 'standing', headers: {} });
    const [answer, first] = [open(mine), stand()];
    first.note('a');
    const second = stand();
    expect([first, second, answer].map(({ name }) => replays.find(mine, name) !== undefined)).toEqual([
      false,
      true,
      true,
    ]);
  });
});
