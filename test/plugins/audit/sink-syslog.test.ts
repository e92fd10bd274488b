// The sink `syslog`: messages by the letter of RFC 5424, over each way there is, to real sockets.
import { afterAll, expect, test } from 'bun:test';
import { createSocket } from 'node:dgram';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { genesis, makeEntry } from '../../../plugins/audit/entry.ts';
import { syslogSchema, syslogSink } from '../../../plugins/audit/sinks/syslog.ts';
import { sendOnce } from '../../fixtures/audit/outlet.ts';
import { framesOf, readSyslog } from '../../fixtures/audit/rfc5424.ts';
import { createAuthority } from '../../fixtures/certificates.ts';
import { until } from '../../fixtures/until.ts';

const ended: (() => void)[] = [];
afterAll(() => {
  for (const end of ended) end();
});

const fields = {
  ts: '2026-11-21T06:52:01.123Z',
  boot: '0123456789abcdef',
  type: 'outcome',
  method: 'tools/call',
  name: 'a "quoted" ] name \\ with é',
  status: 'complete',
  dur_us: 1234,
};
const lineOf = (more: Record<string, string | number> = {}, seq = 7): string =>
  makeEntry({ ...fields, ...more }, seq, genesis('test')).line;

const sinkTo = (to: string, more: Record<string, unknown> = {}) =>
  syslogSink(syslogSchema.parse({ kind: 'syslog', to, hostname: 'gw1.example.com', ...more }));

/** One that collects what comes, and can be asked for the messages in it. */
async function listening(make: (take: (socket: Socket) => void) => Server) {
  const parts: Buffer[] = [];
  const sockets: Socket[] = [];
  const server = make((socket) => {
    sockets.push(socket);
    socket.on('data', (part) => parts.push(Buffer.from(part))).on('error', () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ended.push(() => server.close());
  const { port } = server.address() as { port: number };
  return { port, sockets, messages: () => [...framesOf(Buffer.concat(parts))].map(readSyslog) };
}

async function overUdp(lines: readonly string[], more: Record<string, unknown> = {}) {
  const socket = createSocket('udp4');
  const got: Buffer[] = [];
  socket.on('message', (message) => void got.push(message));
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  ended.push(() => socket.close());
  const sink = sinkTo(`udp://127.0.0.1:${socket.address().port}`, more);
  await sendOnce(sink, lines);
  await until(() => got.length === lines.length);
  await sink.close?.();
  return got;
}

test('a message has the entry as structured data, escaped, and as it stands in the log', async () => {
  const line = lineOf();
  const [bytes] = await overUdp([line]);
  const message = readSyslog(bytes as Buffer);
  expect(message).toMatchObject({
    facility: 13,
    severity: 6,
    timestamp: fields.ts,
    hostname: 'gw1.example.com',
    app: 'sluice',
    process: fields.boot,
    id: 'outcome',
    text: line,
  });
  expect(message.data.meta).toEqual({ sequenceId: '7' });
  expect(message.data['sluice@32473']).toEqual({
    seq: '7',
    method: 'tools/call',
    name: fields.name,
    status: 'complete',
    dur_us: '1234',
  });
});

test('a message that is too long has the structured data alone', async () => {
  const [bytes] = await overUdp([lineOf({ client: 'x'.repeat(300) })], { longest: 700 });
  expect(bytes?.length).toBeLessThan(700);
  expect(readSyslog(bytes as Buffer)).toMatchObject({ text: undefined });
});

test.each([
  [{ type: 'incident' }, 4],
  [{ type: 'recovery' }, 4],
  [{ status: 'error' }, 5],
  [{ decision: 'deny' }, 5],
  [{}, 6],
])('%j has severity %d', async (more, severity) => {
  const [bytes] = await overUdp([lineOf(more)], { facility: 'local3', enterprise: 4242 });
  const message = readSyslog(bytes as Buffer);
  expect([message.facility, message.severity]).toEqual([19, severity]);
  expect(Object.keys(message.data)).toEqual(['meta', 'sluice@4242']);
});

test('what a client chose cannot leave its place: no new message, no new element', async () => {
  const name = '"][evil@1 a="b"]\n<13>1 - - - - - - forged\u0000\u202e';
  const [bytes] = await overUdp([lineOf({ name, type: 'a b]\n', boot: '\u0007é' })]);
  const message = readSyslog(bytes as Buffer);
  expect(Object.keys(message.data)).toEqual(['meta', 'sluice@32473']);
  expect(message.data['sluice@32473']?.name).toBe(name);
  expect([message.id, message.process]).toEqual(['ab]', '-']);
});

test('over TCP each message is counted, and the connection stays', async () => {
  const server = await listening((take) => createServer(take));
  const sink = sinkTo(`tcp://127.0.0.1:${server.port}`);
  await sendOnce(sink, [lineOf({}, 1), lineOf({ name: 'é'.repeat(50) }, 2)]);
  await sendOnce(sink, [lineOf({}, 3)]);
  await until(() => server.messages().length === 3);
  expect(server.messages().map(({ data }) => data.meta?.sequenceId)).toEqual(['1', '2', '3']);
  expect(server.sockets.length).toBe(1);
  await sink.close?.();
});

test('a connection outlives the time of the attempt that opened it', async () => {
  const it = await listening((take) => createServer(take));
  const sink = sinkTo(`tcp://127.0.0.1:${it.port}`);
  const attempt = new AbortController();
  await sink.send([lineOf({}, 7)], attempt.signal);
  attempt.abort(new Error('its time is over'));
  await sendOnce(sink, [lineOf({}, 8)]);
  await until(() => it.messages().length >= 2);
  expect([it.sockets.length, it.messages().length]).toEqual([1, 2]);
  await sink.close?.();
});

test('after a connection broke, what may not have arrived is sent once more', async () => {
  const server = await listening((take) => createServer(take));
  const sink = sinkTo(`tcp://127.0.0.1:${server.port}`);
  await sendOnce(sink, [lineOf({}, 1)]);
  await until(() => server.messages().length === 1);
  server.sockets[0]?.destroy();
  // It is heard of in its own time; until then a message may be written into nowhere.
  await until(async () => {
    await sendOnce(sink, [lineOf({}, 2)]).catch(() => {});
    return server.sockets.length === 2;
  });
  await until(() => server.messages().filter(({ data }) => data.meta?.sequenceId === '2').length > 0);
  await sink.close?.();
});

test('nobody there is a fault', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  const wrong = await sendOnce(sinkTo(`tcp://127.0.0.1:${port}`), [lineOf()]).catch(
    (error: unknown) => error,
  );
  expect(wrong).toMatchObject({ code: 'ECONNREFUSED' });
});

test('over TLS with an authority of its own, and not where that does not vouch for the server', async () => {
  const authority = createAuthority('logs');
  const { cert, key } = authority.issue({ host: '127.0.0.1' });
  const server = await listening((take) => createTlsServer({ cert, key }, take));
  const sink = sinkTo(`tls://127.0.0.1:${server.port}`, { ca: authority.cert });
  await sendOnce(sink, [lineOf({}, 4)]);
  await until(() => server.messages().length === 1);
  await sink.close?.();
  const other = sinkTo(`tls://127.0.0.1:${server.port}`, { ca: createAuthority('other').cert });
  expect(await sendOnce(other, [lineOf({}, 5)]).catch((error: Error) => error)).toBeInstanceOf(Error);
  expect(server.messages().length).toBe(1);
});

const RECEIVER = `
import os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print("ready", flush=True)
for _ in range(2): print(s.recv(65536).hex(), flush=True)
`;

test('over a Unix socket, a datagram for each message, as /dev/log has it', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-syslog-'));
  const path = join(directory, 'log');
  const receiver = Bun.spawn(['python3', '-c', RECEIVER, path], { stdout: 'pipe' });
  const sink = sinkTo(`unix:${path}`);
  try {
    const lines = receiver.stdout.pipeThrough(new TextDecoderStream()).getReader();
    expect((await lines.read()).value).toContain('ready');
    await sendOnce(sink, [lineOf({}, 1), lineOf({}, 2)]);
    let text = '';
    for (let part = await lines.read(); !part.done; part = await lines.read()) text += part.value;
    const got = text
      .trim()
      .split('\n')
      .map((each) => readSyslog(Buffer.from(each, 'hex')));
    expect(got.map(({ data }) => data.meta?.sequenceId)).toEqual(['1', '2']);
    await receiver.exited;
    expect(await sendOnce(sink, [lineOf()]).catch((error: Error) => error)).toMatchObject({ reason: 'busy' });
    expect(await sendOnce(sink, [lineOf()]).catch((error: Error) => error)).toMatchObject({
      reason: 'unreachable',
    });
  } finally {
    receiver.kill();
    rmSync(directory, { recursive: true });
  }
});

test.each([
  ['udp://logs.example.com:514', false],
  ['tcp://192.0.2.1', false],
  ['tcp://127.0.0.1:1514', true],
  ['udp://[::1]:514', true],
  ['tls://logs.example.com', true],
  ['unix:/dev/log', true],
  ['logs.example.com:514', false],
  ['tls://user:secret@logs.example.com', false],
  ['tls://logs.example.com:70000', false],
  ['unix:log', false],
])('%s may be written: %p', (to, isAllowed) => {
  expect(syslogSchema.safeParse({ kind: 'syslog', to }).success).toBe(isAllowed);
});

test('plain text to another machine is a choice that has to be written down', () => {
  const to = 'udp://logs.example.com:514';
  expect(syslogSchema.safeParse({ kind: 'syslog', to, unencrypted: true }).success).toBe(true);
});
