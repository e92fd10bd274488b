// The plugin through the kit: what stands in an entry, whatever a client or a server sends, and what a call waits for.
import { afterAll, describe, expect, test } from 'bun:test';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { saltedDigest } from '../../plugins/audit/digests.ts';
import audit from '../../plugins/audit.ts';
import { McpResult, refuse } from '../../src/plugin.ts';
import { testPlugin } from '../../src/testing.ts';
import { entriesOf, stateWithLog } from '../fixtures/audit/entries.ts';
import { failingDisk } from '../fixtures/audit/failing-disk.ts';
import { until } from '../fixtures/until.ts';

const disk = failingDisk();
const places: string[] = [];
afterAll(() => {
  for (const place of places) rmSync(place, { recursive: true, force: true });
});

type Options = NonNullable<Parameters<typeof testPlugin<typeof audit.schema>>[1]>;

async function bench(options: Options = {}, entry: { upstream?: string } = {}) {
  const { stateDir, directory } = stateWithLog();
  places.push(stateDir);
  const it = await testPlugin(audit, options, { stateDir, ...entry });
  const entries = (type?: string) => entriesOf(directory, type);
  return Object.assign(it, { stateDir, directory, entries });
}
const call = (name: string, args: object = {}) => ({
  method: 'tools/call',
  params: { name, arguments: { ...args } },
});

test('digests can be checked with their salt, and with nothing else', async () => {
  await using it = await bench();
  await it.call({ ...call('echo', { text: 'x' }), result: { content: [] } });
  const [intent] = it.entries('intent');
  const [outcome] = it.entries('outcome');
  await it.dispose();
  const [file = ''] = readdirSync(it.directory).filter((name) => name.startsWith('salts-'));
  const lines = readFileSync(join(it.directory, file), 'utf8').trim().split('\n');
  const salts = new Map(lines.map((line) => line.split(' ') as [string, string]));
  const salt = Buffer.from(salts.get(String(intent?.req_id)) ?? '', 'hex');
  expect(salt).toHaveLength(16);
  expect(saltedDigest(salt, '{"text":"x"}')).toBe(String(intent?.args_digest));
  expect(saltedDigest(salt, '{"content":[]}')).toBe(String(outcome?.result_digest));
});

test('attempts are told apart; a message that is not the call says what it is', async () => {
  await using it = await bench();
  await it.call({ ...call('echo'), attempts: 3 });
  expect(it.entries('intent').map(({ attempt, sent }) => [attempt, sent])).toEqual([
    [undefined, undefined],
    [2, undefined],
    [3, undefined],
  ]);
  expect(it.entries('outcome')).toMatchObject([{ sends: 3 }]);
});

describe('how a call ended', () => {
  const ends: [string, McpResult | object, object][] = [
    ['a result', { content: [] }, { status: 'complete', decision: 'allow' }],
    ['a tool that failed', { content: [], isError: true }, { status: 'tool_error', decision: 'allow' }],
    [
      'an error of the server, which may name what it likes',
      McpResult.error({ code: -32000, message: 'no', data: { code: 'FORBIDDEN' } }),
      { status: 'error', decision: 'allow', rpc_code: -32000 },
    ],
    [
      'an error whose code no entry can hold',
      McpResult.error({ code: -1.5, message: 'no' }),
      { status: 'error', decision: 'allow' },
    ],
    [
      'a refusal of the gateway',
      refuse('TOOL_UNAPPROVED'),
      { status: 'error', decision: 'deny', code: 'TOOL_UNAPPROVED', rpc_code: 1411 },
    ],
    [
      'an upstream that was too slow',
      refuse('UPSTREAM_TIMEOUT'),
      { status: 'error', decision: 'allow', code: 'UPSTREAM_TIMEOUT' },
    ],
  ];
  test.each(ends)('%s', async (_, result, expected) => {
    await using it = await bench();
    await it.call({ ...call('echo'), result: result as McpResult });
    const [outcome] = it.entries('outcome');
    expect(outcome).toMatchObject(expected);
    expect('code' in expected || outcome?.code === undefined).toBe(true);
  });

  test('one that is cancelled has its outcome all the same', async () => {
    await using it = await bench();
    const begun = Promise.withResolvers<void>();
    const running = it.start({
      ...call('slow'),
      async upstream({ signal }) {
        begun.resolve();
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        throw new Error('gone');
      },
    });
    await begun.promise;
    running.cancel();
    await running.outcome.catch(() => {});
    await it.dispose();
    expect(it.entries('outcome')).toMatchObject([{ status: 'cancelled' }]);
  });
});

describe('what is called how', () => {
  const target = async (given: object) => {
    await using it = await bench({ durability: 'strict' });
    await it.call({ method: 'tools/call', ...given });
    const [outcome] = it.entries('outcome');
    return [outcome?.name, typeof outcome?.name_digest];
  };
  test('what is there by its name, what is not by a digest', async () => {
    expect(await target(call('echo'))).toEqual(['echo', 'undefined']);
    const nowhere = { kind: 'none' as const, asked: 'sk_live_1', refusal: refuse('PARAMS_INVALID') };
    expect(await target({ ...call('sk_live_1'), route: nowhere })).toEqual([undefined, 'string']);
    expect(await target({ ...call('x'), route: { kind: 'local' } })).toEqual([undefined, 'string']);
  });

  test('the id of a task opens its result', async () => {
    const one = { kind: 'one' as const, upstream: 'up', asked: 'sealed-id' };
    expect(await target({ method: 'tasks/get', params: { taskId: 'sealed-id' }, route: one })).toEqual([
      undefined,
      'string',
    ]);
  });

  test('of a URI, neither user nor query nor fragment', async () => {
    const at = (asked: string) => ({ kind: 'one' as const, upstream: 'up', asked });
    const read = async (uri: string) =>
      (await target({ method: 'resources/read', params: { uri }, route: at(uri) }))[0];
    expect(await read('https://u:p@host/a/b?key=1#x')).toBe('https://host/a/b');
    expect(await read('file:///etc/motd')).toBe('file:///etc/motd');
  });
});

test('arguments that are wanted stand there as they are, cut, and no others', async () => {
  await using it = await bench({ arguments: { merge: ['repository', 'number', 'absent'] } });
  await it.call(call('merge', { repository: 'r'.repeat(400), number: 7, token: 'secret' }));
  await it.call(call('other', { repository: 'secret' }));
  const [intent] = it.entries('intent');
  expect(intent?.['arg.number']).toBe('7');
  expect(String(intent?.['arg.repository'])).toHaveLength(256);
  expect(JSON.stringify(it.entries())).not.toContain('secret');
});

test('a question of the server is named, what it asks is not', async () => {
  await using it = await bench();
  const raw = {
    inputRequests: {
      a: { method: 'sampling/createMessage', params: { messages: ['secret'] } },
      b: { method: 'elicitation/create', params: { message: 'secret' } },
    },
  };
  const asking = McpResult.complete(raw);
  await it.call({ ...call('ask'), result: new McpResult('input_required', asking.raw) });
  expect(it.entries('outcome')).toMatchObject([
    { status: 'input_required', asks: 'elicitation/create sampling/createMessage' },
  ]);
  expect(JSON.stringify(it.entries())).not.toContain('secret');
});

test('in the pipeline of an upstream it sees that one’s share', async () => {
  await using it = await bench({}, { upstream: 'billing' });
  await it.call(call('pay'));
  expect(it.entries('intent')).toMatchObject([{ upstream: 'billing' }]);
  expect(it.entries('outcome')).toMatchObject([{ upstream: 'billing', decision: 'allow' }]);
});

describe('a disk that takes nothing', () => {
  test('strict: the call is refused and nothing is sent; where it was, its result is not handed out', async () => {
    await using it = await bench();
    await it.call(call('echo'));
    const late = it.call({
      ...call('echo'),
      upstream: () => {
        disk.fail('write', 'ENOSPC');
        return { content: ['done'] };
      },
    });
    expect((await late).result.value).toMatchObject({ code: 1509, data: { code: 'AUDIT_UNAVAILABLE' } });
    const { result, request, sent } = await it.call(call('echo'));
    expect([result.http, result.headers?.['retry-after'], request, sent]).toEqual([503, '1', undefined, []]);
    expect((await it.call({ method: 'tools/list', result: { tools: [] } })).result.kind).toBe('complete');
  });

  test('best effort: it goes on', async () => {
    await using it = await bench({ durability: 'best_effort', queue: 2 });
    await it.call(call('echo'));
    disk.fail('write', 'ENOSPC');
    for (let n = 0; n < 5; n++) expect((await it.call(call('echo'))).result.kind).toBe('complete');
    expect(it.counts.get('lost')).toBeGreaterThan(5);
    await until(() => it.levels.get('writable') === 0);
  });
});

describe('a log that is changed while it is written', () => {
  const change = (directory: string) => {
    const [name = ''] = readdirSync(directory).filter((each) => each.startsWith('segment-'));
    const file = join(directory, name);
    writeFileSync(file, readFileSync(file, 'utf8').replace('"name":"echo"', '"name":"ohce"'));
  };

  test('the look at it ends the gateway, and does so although nobody has called since the start', async () => {
    await using it = await bench();
    await it.call(call('echo'));
    change(it.directory);
    await it.advance(30_000);
    expect(it.faults.map(({ message, hint }) => [message, hint])).toEqual([
      [
        expect.stringContaining('the entry is not the one that was written'),
        expect.stringContaining('sluice audit repair'),
      ],
    ]);
  });

  test('or is only told, once for each break', async () => {
    await using it = await bench({ health: { every: '1s', on_break: 'log' } });
    await it.call(call('echo'));
    change(it.directory);
    await it.advance(5_000);
    expect(it.faults).toEqual([]);
    expect(it.counts.get('broken')).toBe(5);
    expect(it.log.filter(({ message }) => message.includes('is not what was written'))).toHaveLength(1);
  });
});

test('without a place for its files it lets nothing pass', async () => {
  await using it = await testPlugin(audit);
  expect((await it.call(call('echo'))).result.value).toMatchObject({ data: { code: 'AUDIT_UNAVAILABLE' } });
});

test('a reload goes on in the same log, and says what holds until the next start', async () => {
  await using it = await bench();
  await it.call(call('echo'));
  await it.reload({ level: 2, durability: 'best_effort' });
  await it.call(call('echo'));
  await it.dispose();
  expect(it.entries('segment')).toHaveLength(1);
  expect(it.entries('outcome')).toHaveLength(2);
  expect(it.log.some(({ message }) => message.includes('change with the next start'))).toBe(true);
  await expect(it.reload({ origin: 'another' })).rejects.toThrow('another origin needs another directory');
});
