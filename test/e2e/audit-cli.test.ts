// The log of a real gateway, looked at from the command line: while it is written, after it was damaged by hand, after a
// repair, and by the second verifier.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { askPython, python } from '../fixtures/audit/python.ts';
import { call } from '../fixtures/clients.ts';
import { type Child, demoConfig, Home, urlOf } from '../unit/cli/child.ts';

const home = new Home();
const directory = home.path('state/sluice/audit');
let gateway: Child;
let url: string;

async function start(): Promise<void> {
  gateway = home.start(['run']);
  url = await urlOf(gateway);
}

async function stop(): Promise<number> {
  gateway.signal('SIGTERM');
  return gateway.exited;
}

async function calls(times: number): Promise<void> {
  for (let at = 0; at < times; at++) await (await call(url, 'echo', { text: String(at) })).text();
}

const audit = (...args: string[]) => home.run(['audit', ...args]);
const publicKey = (): string => {
  const [first = ''] = readFileSync(join(directory, 'segment-0000000000000001.jsonl'), 'utf8').split('\n');
  return JSON.parse(first).key;
};

/** Changes a digit of the last entry that says `text`. @returns its number */
function tamper(text: string): number {
  const names = readdirSync(directory).filter((each) => each.startsWith('segment-'));
  const files = names.sort().map((name) => join(directory, name));
  // The last one may have been begun just now.
  const file = files.findLast((each) => readFileSync(each, 'utf8').includes(text)) ?? '';
  const lines = readFileSync(file, 'utf8').split('\n');
  const at = lines.findLastIndex((line) => line.includes(text));
  const { seq } = JSON.parse(lines[at] ?? '');
  lines[at] = (lines[at] ?? '').replace('"generation":1', '"generation":2');
  chmodSync(file, 0o600);
  writeFileSync(file, lines.join('\n'));
  return seq;
}

beforeAll(async () => {
  const options =
    '{ origin: gateway.example.com/1, level: 2, segment: 1048576, checkpoint: { every: 20ms } }';
  home.write('gateway.yaml', demoConfig(`pipeline:\n  - audit: ${options}\n`));
  await start();
  await calls(120);
});
afterAll(() => home[Symbol.asyncDispose]());

test('a log passes while it is written', async () => {
  const writing = calls(60);
  for (let at = 0; at < 3; at++) {
    const { code, out } = await audit('verify');
    expect({ code, out }).toMatchObject({ code: 0 });
    expect(out).toContain(`passed: ${directory} (gateway.example.com/1)`);
    expect(out).not.toContain('own word');
  }
  await writing;
});

test('calls are found, and shown as they come', async () => {
  const { out } = await audit('query', '--tool', 'echo', '--type', 'outcome', '--limit', '1000', '--json');
  const found = out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(found).toHaveLength(180);
  expect(found.every(({ status, decision }) => status === 'complete' && decision === 'allow')).toBe(true);
  const one = await audit('query', '--req-id', found[7].req_id);
  expect(one.out.trimEnd().split('\n')).toHaveLength(2);
  const follow = home.start(['audit', 'tail', '-f', '-n', '1']);
  await follow.until(/\n/);
  const [before = ''] = follow.out.trimStart().split(' ');
  await calls(1);
  const [, after] = await follow.until(/(\d+) {2}\S+ \S+ {2}outcome .*tools\/call echo/);
  expect(Number(after)).toBeGreaterThan(Number(before));
  await follow.kill();
});

test('nobody repairs what a gateway writes', async () => {
  const seq = tamper('"type":"intent"');
  const judged = await audit('verify');
  expect(judged).toMatchObject({ code: 1 });
  expect(judged.out).toContain(`first: entry ${seq}, hash`);
  const { code, err } = await audit('repair', '--yes');
  expect(code).toBe(2);
  expect(err).toContain('stop the gateway first');
  await stop();
});

test('a gateway does not start on a damaged log, and does after a repair', async () => {
  const refused = home.start(['run']);
  expect(await refused.exited).toBe(10);
  expect(refused.err).toContain('sluice audit repair');
  if (python !== null) expect(askPython(directory, ['--key', publicKey()])).toMatchObject({ code: 1 });
  const repaired = await audit('repair', '--yes');
  expect(repaired.code).toBe(0);
  expect(repaired.out).toContain('REPAIRED at entry');
  await start();
  await calls(10);
  expect(await stop()).toBe(0);
  const judged = await audit('verify', '--json');
  expect(judged.code).toBe(0);
  expect(JSON.parse(judged.out)).toMatchObject({
    verdict: 'passed',
    logs: [{ findings: [], repairs: [{ kind: 'hash' }], isOwnKey: false }],
  });
  if (python !== null) expect(askPython(directory, ['--key', publicKey()])).toMatchObject({ code: 0 });
});

test('an entry of it is proved to somebody who has the key alone', async () => {
  const { out } = await audit('prove', '--seq', '40');
  const proof = home.write('40.proof', out);
  const checked = await audit('prove', '--check', proof, '--key', publicKey());
  expect(checked.code).toBe(0);
  expect(checked.out).toStartWith('passed: entry 40 is in the log gateway.example.com/1 of');
});
