// Users of this machine, on a Unix socket: the system says who is at the other end, nobody else.
import { expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import auth from '../../plugins/auth.ts';
import { configOf, startInProcess } from '../fixtures/in-process.ts';
import { modern, modernHeaders } from '../fixtures/raw.ts';
import { answer, json } from '../fixtures/rogue.ts';
import { running } from '../fixtures/running.ts';
import { send } from '../fixtures/wire.ts';

const run = running();
const [uid, gid] = [process.getuid?.() ?? -1, process.getgid?.() ?? -1];

async function asked(peers: object[], headers: Record<string, string> = {}) {
  const dir = mkdtempSync(join(tmpdir(), 'sluice-users-'));
  const socketPath = join(dir, 'mcp.sock');
  const rogue = await run.rogue((hit, res) => json(res, answer(hit)));
  const config = {
    ...configOf({ up: { url: rogue.url } }),
    listeners: [{ http: { listen: `unix:${socketPath}` } }],
    pipeline: [{ auth: { peers } }],
  };
  const gateway = await startInProcess(config, { plugins: { auth } });
  const { status } = await send('http://localhost/mcp', {
    socketPath,
    headers: { ...modernHeaders('tools/call', 'echo'), ...headers },
    body: modern('tools/call', { name: 'echo', arguments: {} }),
  });
  const reason = gateway.lines.findLast(({ message }) => message === 'refused')?.fields.reason;
  await gateway.stop();
  rmSync(dir, { recursive: true, force: true });
  return [status, reason, rogue.of('tools/call').length];
}

test.skipIf(process.platform === 'win32')('one that a rule names is let in', async () => {
  expect(await asked([{ uid }])).toEqual([200, undefined, 1]);
  expect(await asked([{ uid: uid + 1 }, { gid }])).toEqual([200, undefined, 1]);
});

test.skipIf(process.platform === 'win32')('no other is, whoever it says it is', async () => {
  expect(await asked([{ uid: uid + 1 }, { uid, gid: gid + 1 }])).toEqual([401, 'peer_unknown', 0]);
  const says = { 'x-forwarded-user': String(uid + 1), 'x-remote-user': String(uid + 1) };
  expect(await asked([{ uid: uid + 1 }], says)).toEqual([401, 'peer_unknown', 0]);
  expect(await asked([{ uid }], { authorization: 'Bearer x' })).toEqual([401, 'scheme_unknown', 0]);
});
