// The tests of one half of the matrix: all clients on one transport, all servers on all transports.
import { afterAll, describe, expect, test } from 'bun:test';
import { cpus } from 'node:os';
import { clients, nameOf, type Pair, servers, type Transport, transports } from './matrix.ts';
import { missing, type Ran, runPair } from './pair.ts';
import { prepare } from './setup.ts';
import { comparable, wantedOf } from './wanted.ts';

/** Pairs that run at once: most of the time one of them waits for an interpreter to start. */
const AT_ONCE = Math.max(3, cpus().length + 1);

export async function testPairs(over: Transport): Promise<void> {
  const languages = await prepare();
  const pairs = clients.flatMap((client, row) =>
    servers.flatMap((server, column) =>
      viasOf(over, row + column).map((via): Pair => ({ client, over, server, via })),
    ),
  );
  const able = pairs.filter((pair) => missing(pair, languages) === undefined);
  const started = new Map<Pair, Promise<Ran>>();
  const verdicts = new Map<Pair, string>();

  /** Pairs run in the order of their tests, some ahead of the one that is waited for. */
  function ran(pair: Pair): Promise<Ran> {
    const at = able.indexOf(pair);
    for (const next of able.slice(at, at + AT_ONCE)) {
      if (started.has(next)) continue;
      const running = runPair(next, languages);
      running.catch(() => {});
      started.set(next, running);
    }
    return started.get(pair) ?? runPair(pair, languages);
  }

  for (const client of clients) {
    describe(`${nameOf(client)} over ${over}`, () => {
      for (const pair of pairs.filter((each) => each.client === client)) {
        const why = missing(pair, languages);
        const name = `and ${nameOf(pair.server)} over ${pair.via}`;
        verdicts.set(pair, why === undefined ? '·' : '-');
        test.skipIf(why !== undefined)(why === undefined ? name : `${name} (${why})`, async () => {
          verdicts.set(pair, 'FAILED');
          const { steps, log } = await ran(pair);
          const said = comparable(steps, pair);
          if (!Bun.deepEquals(said, wantedOf(pair))) console.log(log);
          expect(said).toEqual(wantedOf(pair));
          verdicts.set(pair, 'ok');
        });
      }
    });
  }

  afterAll(() => {
    for (const reason of new Set(pairs.map((pair) => missing(pair, languages)))) {
      if (reason !== undefined) console.log(`skipped: ${reason}`);
    }
    console.log(tableOf(over, verdicts));
  });
}

/** Over stdio each client meets each server once, on one transport here and on the other there: time is short. */
function viasOf(over: Transport, square: number): readonly Transport[] {
  return over === 'http' ? transports : transports.slice(square % 2, (square % 2) + 1);
}

function tableOf(over: Transport, verdicts: ReadonlyMap<Pair, string>): string {
  const columns = servers.flatMap((server) => transports.map((via) => ({ server, via })));
  const rows = clients.map((client) => {
    const cells = columns.map(({ server, via }) => {
      const pair = [...verdicts.keys()].find(
        (each) => each.client === client && each.server === server && each.via === via,
      );
      return pair === undefined ? '' : (verdicts.get(pair) ?? '');
    });
    return [`${nameOf(client)} ${over}`, ...cells];
  });
  const head = ['', ...columns.map(({ server, via }) => `${nameOf(server)} ${via}`)];
  return [head, ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
}
