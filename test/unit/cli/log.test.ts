// The log: what can never get into it, that one entry is one line, and that it changes while it runs.
import { expect, test } from 'bun:test';
import { createLogger, type Format, type Level } from '../../../src/cli/log.ts';
import { cleanFields, cleanText, isSecretKey, visible, visibleLines } from '../../../src/cli/log-fields.ts';

const NOON = Date.UTC(2026, 10, 20, 12, 0, 0);

function recorder(format: Format, level: Level = 'info', color = false) {
  const lines: string[] = [];
  const logger = createLogger({ level, format, color, write: (line) => lines.push(line), now: () => NOON });
  return { lines, logger, log: logger.log };
}

test('a JSON line has level, time, fields and message', () => {
  const { lines, log } = recorder('json');
  log.with({ upstream: 'demo' }).warn('link lost', { tries: 3, fatal: false, none: undefined });
  expect(lines).toEqual([
    '{"level":"warn","time":"2026-11-20T12:00:00.000Z","upstream":"demo","tries":3,"fatal":false,"msg":"link lost"}\n',
  ]);
});

test('a field cannot pass for level, time or message', () => {
  const { lines, log } = recorder('json');
  log.info('true', { level: 'error', msg: 'false', time: 'never' });
  const line = lines[0] ?? '';
  expect(JSON.parse(line)).toEqual({
    level: 'info',
    time: '2026-11-20T12:00:00.000Z',
    level_: 'error',
    msg_: 'false',
    time_: 'never',
    msg: 'true',
  });
  expect(line.match(/"level"|"msg"|"time"/g)).toHaveLength(3);
});

const nasty = 'a\nb\r\u001b[31mred\u009b2J\u2028\u202ehidden\u0000';

test('nothing in a value begins a line or steers a terminal', () => {
  for (const format of ['json', 'human'] as const) {
    const { lines, log } = recorder(format);
    log.info(nasty, { name: nasty, [nasty]: 1 });
    expect(lines).toHaveLength(1);
    expect(lines[0]?.slice(0, -1)).not.toMatch(/[\p{Cc}\p{Bidi_Control}\u2028\u2029]/u);
    expect(lines[0]).toEndWith('\n');
  }
});

test('JSON keeps such a value as it was', () => {
  const { lines, log } = recorder('json');
  log.info('x', { name: nasty });
  expect(JSON.parse(lines[0] ?? '').name).toBe(nasty);
});

test('values of secret names are never printed, whatever their case and spelling', () => {
  const names = [
    ...['authorization', 'Authorization', 'token', 'access_token', 'accessToken', 'client-secret', 'secret'],
    ...['password', 'api_key', 'apiKey', 'X-API-Key', 'requestState', 'request_state', 'set-cookie'],
  ];
  const { lines, log } = recorder('json');
  for (const name of names) log.info('x', { [name]: 'hunter2' });
  expect(lines.filter((line) => line.includes('hunter2'))).toEqual([]);
  expect(lines).toHaveLength(names.length);
});

test('names that only sound like it are', () => {
  expect(['progressToken', 'tokens', 'name', 'key', 'secrets_read'].filter(isSecretKey)).toEqual([]);
});

test('a credential in a text is hidden', () => {
  expect(cleanText('sent Authorization: Bearer abc.def-123 to x')).toBe(
    'sent Authorization: Bearer •••• to x',
  );
  expect(cleanText('basic dXNlcjpwYXNz')).toBe('basic ••••');
});

test('a value that is known is hidden before a text is cut: no beginning of it is left', () => {
  const redact = (text: string) => text.replaceAll('canary-4711', '••••');
  expect(cleanText(`${'y'.repeat(1020)}canary-4711`, redact)).toStartWith(`${'y'.repeat(1020)}•`);
  expect(cleanFields({ text: `${'y'.repeat(1020)}canary-4711` }, redact).text).not.toMatch(/yc/);
  const lines: string[] = [];
  const write = (line: string) => void lines.push(line);
  const { log } = createLogger({ level: 'info', format: 'json', color: false, write, redact });
  log.with({ bound: 'a canary-4711' }).info('canary-4711', { field: 'canary-4711' });
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ msg: '••••', bound: 'a ••••', field: '••••' });
});

test('messages and values end at 1 KB, whole characters only', () => {
  const { lines, log } = recorder('json');
  log.info('x', { short: 'y'.repeat(1024), long: 'z'.repeat(5000), wide: 'é'.repeat(1000) });
  const { short, long, wide } = JSON.parse(lines[0] ?? '');
  expect(short).toBe('y'.repeat(1024));
  expect(long).toBe(`${'z'.repeat(1024)}… (5000 bytes)`);
  expect(wide).toBe(`${'é'.repeat(512)}… (2000 bytes)`);
  expect(cleanText(`a${'é'.repeat(1000)}`)).toBe(`a${'é'.repeat(511)}… (2001 bytes)`);
});

test('the level holds for loggers made before it changed', () => {
  const { lines, logger, log } = recorder('json', 'warn');
  const child = log.with({ plugin: 'p' });
  child.info('not yet');
  logger.setLevel('debug');
  child.debug('now');
  logger.setLevel('error');
  child.warn('no more');
  logger.notice('always');
  expect(lines.map((line) => JSON.parse(line).msg)).toEqual(['now', 'always']);
});

test('people get time, level, message and fields on one short line', () => {
  const { lines, logger, log } = recorder('human');
  log.info('call', {
    tool: 'echo',
    text: 'two words',
    empty: '',
    id: '0703c39c-d325-4192-94cf-c4987a817a09',
  });
  expect(lines[0]?.slice(8)).toBe(' info  call  tool=echo  text="two words"  empty=""  id=0703c39c\n');
  expect(lines[0]).toMatch(/^\d\d:\d\d:\d\d /);
  logger.setFormat('json');
  log.info('call');
  expect(JSON.parse(lines[1] ?? '').msg).toBe('call');
});

test('colours only where they are wanted', () => {
  const plain = recorder('human');
  plain.log.error('x', { a: 1 });
  const coloured = recorder('human', 'info', true);
  coloured.log.error('x', { a: 1 });
  expect(plain.lines[0]).not.toContain('\u001b');
  expect(coloured.lines[0]).toContain('\u001b[31merror\u001b[0m');
});

test('texts of several lines keep their lines and lose what steers', () => {
  expect(visibleLines('a\n\tb\r\n\u001b[2Jc')).toBe('a\n\tb\n\\u001b[2Jc');
  expect(visible('a\tb\n')).toBe('a\\tb\\n');
});
