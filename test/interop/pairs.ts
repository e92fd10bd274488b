// The tests of one half of the matrix: all clients on one transport, all servers on all transports.
import { afterAll, describe, expect, test } from 'bun:test';
import { cpus } from 'node:os';
import { clients, nameOf, type Pair, servers, type Transport, transports } from './matrix.ts';
import { erasOf, missing, type Ran, runPair } from './pair.ts';
import { prepare } from './setup.ts';
import { createVerdicts } from './table.ts';
import { comparable, wantedOf } from './wanted.ts';

/** Pairs that run at once: most of the time one of them waits for an interpreter to start. */
const AT_ONCE = Math.max(3, cpus().length + 1);

export async function testPairs(over: Transport): Promise<void> {
  const languages = await prepare();
  const pairs = clients.flatMap((client, row) =>
    servers.flatMap((server, column) =>
      viasOf(over, row, column).map((via): Pair => ({ client, over, server, via })),
    ),
  );
  const able = pairs.filter((pair) => missing(pair, languages) === undefined);
  const started = new Map<Pair, Promise<Ran>>();
  const verdicts = createVerdicts();

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
        if (why !== undefined) verdicts.skip(pair, why);
        test.skipIf(why !== undefined)(why === undefined ? name : `${name} (${why})`, async () => {
          const { steps, log } = await ran(pair);
          const said = comparable(steps, pair);
          const wanted = wantedOf(pair);
          verdicts.judge(pair, said, wanted);
          if (!Bun.deepEquals(said, wanted)) console.log(log);
          expect(said).toEqual(wanted);
          expect(erasOf({ steps, log })).toEqual([pair.server.era]);
        });
      }
    });
  }

  afterAll(() => console.log(verdicts.text));
}

/**
 * Each client meets each server once, on ways that change from square to square, so that each two eras meet on each
 * two transports. SLUICE_INTEROP=all: on all four ways.
 */
function viasOf(over: Transport, row: number, column: number): readonly Transport[] {
  if (process.env.SLUICE_INTEROP === 'all') return transports;
  const [mine, theirs] = [(row + column) % 2, ((row >> 1) + (column >> 1)) % 2];
  return transports[mine] === over ? transports.slice(theirs, theirs + 1) : [];
}
