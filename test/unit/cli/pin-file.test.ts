// The approved definitions on disk: read by people, written by several, never lost to a bad file.
import { afterEach, describe, expect, test } from 'bun:test';
import {
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CliError } from '../../../src/cli/exit.ts';
import { pinDiff } from '../../../src/cli/pin-diff.ts';
import { openPinFile } from '../../../src/cli/pin-file.ts';
import type { Pin } from '../../../src/core/pin-store.ts';
import { recordingLog } from '../../../src/testing/host.ts';
import type { Line } from '../../fixtures/in-process.ts';

const dirs: string[] = [];
afterEach(() => {
  for (const dir of dirs.splice(0)) rmSync(dir, { recursive: true, force: true });
});

function place() {
  const dir = mkdtempSync(join(tmpdir(), 'sluice-pins-'));
  dirs.push(dir);
  const lines: Line[] = [];
  const file = join(dir, 'pins.json');
  return { dir, file, lines, open: () => openPinFile({ file, dir, log: recordingLog(lines) }) };
}

const pin = (n: number): Pin => ({
  digest: `sha256:${String(n).padStart(64, '0')}`,
  seen: '2026-11-20T12:00:00.000Z',
  definition: { name: 'a', description: `number ${n}` },
});

test('what one approves the others see, in one order, whoever wrote first', () => {
  const { open, file, dir } = place();
  const [one, other] = [open(), open()];
  one.approve('z', new Map([['b', pin(1)]]));
  other.approve('a', new Map([['c', pin(2)]]));
  one.approve('z', new Map([['a', pin(3)]]));
  expect([...other.approved('z').keys()].sort()).toEqual(['a', 'b']);
  expect(open().upstreams()).toEqual(['a', 'z']);
  const written = JSON.parse(readFileSync(file, 'utf8'));
  expect(Object.keys(written.upstreams)).toEqual(['a', 'z']);
  expect(Object.keys(written.upstreams.z)).toEqual(['a', 'b']);
  expect(readdirSync(dir)).toEqual(['pins.json']);
});

test('first sight never takes the place of what is approved', () => {
  const { open } = place();
  const store = open();
  store.approve('u', new Map([['a', pin(1)]]));
  store.approve('u', new Map([['a', pin(2)]]));
  expect(store.approved('u').get('a')).toEqual(pin(1));
  store.renew('u', new Map([['a', pin(2)]]));
  expect(store.approved('u').get('a')).toEqual(pin(2));
});

test('what waits is accepted by name or as a whole, and the version tells of it', () => {
  const { open } = place();
  const [gateway, command] = [open(), open()];
  gateway.approve('u', new Map([['a', pin(1)]]));
  gateway.setWaiting(
    'u',
    new Map([
      ['a', pin(2)],
      ['b', pin(3)],
    ]),
  );
  const before = gateway.version();
  expect(command.accept('u', ['a', 'none'])).toEqual(['a']);
  expect(gateway.version()).toBeGreaterThan(before);
  expect(gateway.approved('u').get('a')).toEqual(pin(2));
  expect([...gateway.waiting('u').keys()]).toEqual(['b']);
  expect(command.accept('u')).toEqual(['b']);
  expect(command.accept('u')).toEqual([]);
  expect(command.forget('u', ['b'])).toEqual(['b']);
  expect([...gateway.approved('u').keys()]).toEqual(['a']);
});

test('a tool may be called like a member every object has', () => {
  const { open } = place();
  open().approve(
    'u',
    new Map([
      ['__proto__', pin(1)],
      ['constructor', pin(2)],
    ]),
  );
  expect([...open().approved('u').keys()].sort()).toEqual(['__proto__', 'constructor']);
});

describe('a file that is none', () => {
  const bad: [string, string, RegExp][] = [
    ['no JSON', '{', /is not JSON/],
    ['another version', '{"version":2,"upstreams":{}}', /version is not 1/],
    ['a list', '[]', /the top is not an object/],
    [
      'no digest',
      '{"version":1,"upstreams":{"u":{"t":{"digest":"x","seen":"","definition":{}}}}}',
      /u\.t\.digest/,
    ],
  ];
  test.each(bad)('%s: refused at the start, with what to do', (_, text, says) => {
    const { open, file } = place();
    writeFileSync(file, text);
    expect(open).toThrow(CliError);
    expect(open).toThrow(says);
  });

  test('while it runs: what was read before holds, and the log says so once', () => {
    const { open, file, lines } = place();
    const store = open();
    store.approve('u', new Map([['a', pin(1)]]));
    writeFileSync(file, 'oh no');
    expect(store.approved('u').get('a')).toEqual(pin(1));
    expect(store.approved('u').size).toBe(1);
    expect(store.problem()).toContain('is not JSON');
    expect(lines.map(({ level }) => level)).toEqual(['error']);
    writeFileSync(file, '{"version":1,"upstreams":{}}');
    expect(store.problem()).toBeUndefined();
  });
});

test('a link stays a link', () => {
  const { open, file, dir } = place();
  writeFileSync(join(dir, 'real.json'), '{"version":1,"upstreams":{}}');
  symlinkSync(join(dir, 'real.json'), file);
  open().approve('u', new Map([['a', pin(1)]]));
  expect(lstatSync(file).isSymbolicLink()).toBe(true);
  expect(JSON.parse(readFileSync(join(dir, 'real.json'), 'utf8')).upstreams.u.a.digest).toBe(pin(1).digest);
});

test('where the disk takes nothing, it holds for this process and is said', () => {
  const { dir, lines } = place();
  const store = openPinFile({ file: join(dir, 'not', 'pins.json'), dir, log: recordingLog(lines) });
  writeFileSync(join(dir, 'not'), '');
  store.approve('u', new Map([['a', pin(1)]]));
  expect(store.approved('u').get('a')).toEqual(pin(1));
  expect(lines.map(({ level }) => level)).toEqual(['error']);
});

describe('a difference', () => {
  test('is told by members, and shows what nobody sees', () => {
    const before = { name: 'a', inputSchema: { type: 'object', required: ['x'] } };
    const after = {
      name: 'a',
      description: 'hi\u{e0041}\u202e',
      inputSchema: { type: 'object', required: [] },
    };
    expect(pinDiff(before, after, false)).toEqual([
      '  inputSchema.required[0]',
      '  - x',
      '  description',
      '  + hi\\u{e0041}\\u{202e}',
      '  inputSchema.required',
      '  + []',
    ]);
  });
});
