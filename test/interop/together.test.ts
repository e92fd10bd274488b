// Several clients in front of one process of a server, which is where SDKs and gateways mix people up.
import { describe, expect, test } from 'bun:test';
import { plainConfig, startGateway } from '../fixtures/gateway.ts';
import { connectPeer } from '../fixtures/peers.ts';
import { clients, type Pair, type Server, servers, transports } from './matrix.ts';
import { commandOf, erasOf, missing, runTogether } from './pair.ts';
import { prepare } from './setup.ts';
import { comparable, wantedOf } from './wanted.ts';

const languages = await prepare();
const NOTE = 'note://pinned';

describe('a server of both eras that commits itself to the first one it hears', () => {
  const both: readonly Server[] = servers
    .filter(({ sdk, era }) => sdk === 'python-2' && era === '2026')
    .map((server) => ({ ...server, pinned: [] }));
  const [server] = both;
  if (server === undefined) throw new Error('there is no such server');
  const pairs = clients
    .filter(({ sdk }) => sdk === 'python-2')
    .map((client): Pair => ({ client, over: 'http', server, via: 'stdio' }));

  for (const via of transports) {
    const why = pairs.map((pair) => missing(pair, languages)).find((reason) => reason !== undefined);
    test.skipIf(why !== undefined)(
      `serves clients of either over ${via}${why ? ` (${why})` : ''}`,
      async () => {
        const ran = await runTogether(
          pairs.map(({ client }) => client),
          { over: 'http', server, via },
          languages,
        );
        for (const [at, pair] of pairs.entries()) {
          const theirs = { ...pair, server: { ...server, era: pair.client.era }, via };
          const said = comparable(ran[at]?.steps ?? {}, pair);
          const wanted = wantedOf(theirs);
          // Each changes the resource, so the revision is anybody's guess.
          for (const steps of [said, wanted]) steps.subscribe = { ...steps.subscribe, text: 'revision N' };
          expect(said).toEqual(wanted);
        }
        expect(ran.map(erasOf)).toEqual([
          ['2025', '2026'],
          ['2025', '2026'],
        ]);
      },
    );
  }
});

describe('two subscriptions of one resource at one process', () => {
  for (const server of servers) {
    const command = server.command(languages);
    // The Go SDK keeps one request id for each resource and connection: a second subscription takes the place of
    // the first, and the end of either ends both. It does the same without a gateway.
    const lacks = server.sdk === 'go' && server.era === '2026' ? 'the SDK keeps only one' : undefined;
    const why = 'missing' in command ? command.missing : lacks;
    const name = `${server.sdk}@${server.era}`;
    test.skipIf(why !== undefined)(why === undefined ? name : `${name} (${why})`, async () => {
      const [program = '', ...args] = commandOf(server, languages);
      const era = server.pinned?.includes('stdio') ? { era: server.era } : {};
      const upstream = { command: program, args: [...args, 'stdio'], ...era };
      const gateway = await startGateway(plainConfig({ up: upstream }));
      try {
        const [ada, bob] = [await connectPeer('modern', gateway), await connectPeer('modern', gateway)];
        const [adas, bobs, bobsNext] = [deferred(), deferred(), deferred()];
        const waiting = [bobs, bobsNext];
        const leave = await ada.watch(NOTE, adas.resolve);
        const stop = await bob.watch(NOTE, (uri) => waiting.shift()?.resolve(uri));
        await ada.call('touch', {});
        expect(await Promise.all([adas.promise, bobs.promise])).toEqual([NOTE, NOTE]);
        await leave();
        await ada.call('touch', {});
        expect(await bobsNext.promise).toBe(NOTE);
        await stop();
        await Promise.all([ada.close(), bob.close()]);
      } finally {
        await gateway.stop();
      }
    });
  }
});

const deferred = () => Promise.withResolvers<string>();
