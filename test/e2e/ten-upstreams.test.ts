// Ten servers of every transport and era behind one endpoint: whatever a client of either era does with what is
// listed reaches the server that it is of, and no other.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { configOf, type InProcess, startInProcess } from '../fixtures/in-process.ts';
import { has, type Member, memberStdio, serveMember, serveOlderMember } from '../fixtures/member.ts';
import {
  connectPeer,
  httpPeerKinds,
  type Peer,
  type PeerKind,
  peerKinds,
  textOf,
} from '../fixtures/peers.ts';
import { until } from '../fixtures/until.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

/** In the order of the configuration, which is that of the lists. */
const NAMES = ['ash', 'birch', 'cedar', 'date', 'elm', 'fir', 'gum', 'hazel', 'ivy', 'juniper'] as const;
/** One for each way in which updates come: a stream of a session, a subscription, a pipe. */
const WATCHED = ['birch', 'cedar', 'hazel'] as const;

let members: Member[];
let upstreams: Record<string, object>;
let gateway: InProcess;
let dir: string;

beforeAll(async () => {
  const [ash, birch, cedar, date, juniper] = [
    serveMember('ash'),
    serveMember('birch', '2025'),
    serveMember('cedar', '2026'),
    serveMember('date'),
    serveMember('juniper', '2025'),
  ];
  const [elm, fir] = await Promise.all([serveOlderMember('elm'), serveOlderMember('fir')]);
  members = [ash, birch, cedar, date, juniper, elm, fir];
  upstreams = {
    ash: { url: ash.url },
    birch: { url: birch.url },
    cedar: { url: cedar.url },
    date: { url: date.url, era: '2025' },
    elm: { url: elm.url, type: 'sse' },
    fir: { url: fir.url },
    gum: memberStdio('gum'),
    hazel: memberStdio('hazel', '2025'),
    ivy: memberStdio('ivy', '2026'),
    juniper: { url: juniper.url, sessions: { per: 'shared' } },
  };
  expect(Object.keys(upstreams)).toEqual([...NAMES]);
  gateway = await startInProcess(configOf(upstreams));
  dir = mkdtempSync(join(tmpdir(), 'sluice-ten-'));
  writeFileSync(join(dir, 'gateway.yaml'), stringify({ version: 1, upstreams }));
});

afterAll(async () => {
  await gateway?.stop();
  await Promise.all(members.map((member) => member.stop()));
  rmSync(dir, { recursive: true, force: true });
});

function overStdio(kind: PeerKind): Promise<Peer> {
  const env = Object.fromEntries(
    ['XDG_STATE_HOME', 'XDG_CACHE_HOME', 'XDG_CONFIG_HOME', 'XDG_RUNTIME_DIR', 'HOME'].map((name) => [
      name,
      dir,
    ]),
  );
  const args = [MAIN, 'stdio', '--config', join(dir, 'gateway.yaml')];
  return connectPeer(kind, {
    command: process.execPath,
    args,
    env: { ...env, PATH: process.env.PATH ?? '' },
  });
}

const clients: readonly [string, () => Promise<Peer>][] = [
  ...httpPeerKinds.map(
    (kind) => [`${kind} over HTTP`, () => connectPeer(kind, { url: gateway.url })] as const,
  ),
  ...peerKinds.map((kind) => [`${kind} over stdio`, () => overStdio(kind)] as const),
].map(([name, connect]) => [name, connect]);

for (const [client, connect] of clients)
  describe(`a client that is ${client}`, () => {
    let peer: Peer;
    beforeAll(async () => {
      peer = await connect();
    });
    afterAll(() => peer?.close());

    const all = <Kind extends 'tools' | 'prompts' | 'resources' | 'templates'>(kind: Kind): string[] =>
      NAMES.flatMap((name) => has(name)[kind]);

    test('lists what all of them have, in their order, each once', async () => {
      expect(await peer.tools()).toEqual(all('tools'));
      expect(await peer.prompts()).toEqual(all('prompts'));
      expect(await peer.resources()).toEqual(all('resources'));
      expect(await peer.templates()).toEqual(all('templates'));
    });

    test('calls each tool by its name, all at once', async () => {
      const called = await Promise.all(
        NAMES.flatMap((name) => [
          peer.call(`${name}__who`, {}),
          peer.call(`${name}__echo`, { text: `to ${name}` }),
        ]),
      );
      expect(called.map(textOf)).toEqual(NAMES.flatMap((name) => [name, `${name}: to ${name}`]));
    });

    test('reads each resource, by its own URI and by a template', async () => {
      const read = await Promise.all(
        NAMES.flatMap((name) => [peer.read(`${name}://readme`), peer.read(`${name}://item/seven`)]),
      );
      expect(read).toEqual(NAMES.flatMap((name) => [has(name).readme, `Item seven of ${name}.`]));
    });

    test('gets each prompt', async () => {
      const got = await Promise.all(NAMES.map((name) => peer.prompt(`${name}__greet`, { whom: 'Ada' })));
      expect(got).toEqual(NAMES.map((name) => has(name).greeting));
    });

    test('has arguments completed by the server that they are of', async () => {
      const completed = await Promise.all(
        NAMES.flatMap((name) => [
          peer.complete({ type: 'ref/prompt', name: `${name}__greet` }, { name: 'whom', value: `${name}-a` }),
          peer.complete(
            { type: 'ref/resource', uri: `${name}://item/{id}` },
            { name: 'id', value: `${name}-al` },
          ),
        ]),
      );
      expect(completed).toEqual(NAMES.flatMap((name) => [has(name).completed, [`${name}-alder`]]));
    });

    test('hears of each update of what it watches once, and of no other', async () => {
      const heard: string[] = [];
      const leave = await Promise.all(
        WATCHED.map((name) => peer.watch(`${name}://clock`, (uri) => heard.push(uri))),
      );
      const expected: string[] = [];
      for (const name of [...WATCHED, ...WATCHED]) {
        await Promise.all(
          NAMES.filter((each) => each === name || !watches(each)).map((each) =>
            peer.call(`${each}__touch`, {}),
          ),
        );
        expected.push(`${name}://clock`);
        await until(() => heard.length >= expected.length);
        expect(heard).toEqual(expected);
      }
      await Promise.all(leave.map((end) => end()));
      await Promise.all(WATCHED.map((name) => peer.call(`${name}__touch`, {})));
      expect(heard).toEqual(expected);
    });
  });

const watches = (name: string): boolean => (WATCHED as readonly string[]).includes(name);
