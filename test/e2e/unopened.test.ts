// An upstream in two places, of which the first has served calls until connections to it cannot be opened any more:
// nothing has been sent, so the other place gets the call, whatever it does.
import { afterEach, describe, expect, test } from 'bun:test';
import type { TlsOptions } from 'node:tls';
import { type Era, type Faulty, good, startFaulty } from '../faults/faulty.ts';
import { clientOf, ERAS } from '../faults/scene.ts';
import { createAuthority } from '../fixtures/certificates.ts';
import { configOf, startInProcess } from '../fixtures/in-process.ts';

const [FIRST, SECOND] = ['first.example.test', 'second.example.test'];

const ending: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end();
});

const authority = createAuthority('an authority');
const trusted = { ...authority.issue({ host: '*.example.test' }) };
const noName = Object.assign(new Error('no such name'), { code: 'ENOTFOUND' });

interface Breaking {
  /** Where its name leads then. */
  readonly leads?: () => string[];
  /** What is there then. */
  readonly serves?: TlsOptions;
}

const breaks: Readonly<Record<string, Breaking>> = {
  'has no address': {
    leads() {
      throw noName;
    },
  },
  'leads to the metadata of a cloud': { leads: () => ['169.254.169.254'] },
  'has a certificate that nobody vouches for': {
    serves: createAuthority('another').issue({ host: FIRST }),
  },
  'wants a certificate of the gateway': {
    serves: { ...trusted, requestCert: true, rejectUnauthorized: true, ca: authority.cert },
  },
  'does not speak TLS any more that is new enough': { serves: { ...trusted, maxVersion: 'TLSv1.1' } },
  'is not there': {},
};

async function serve(era: Era, tls: TlsOptions, port = 0): Promise<Faulty> {
  const server = await startFaulty({ era, form: 'json', act: good, tls, port });
  ending.push(server.stop);
  return server;
}

for (const era of ERAS)
  describe(`a place of ${era} that`, () => {
    for (const [what, { leads, serves }] of Object.entries(breaks))
      test(what, async () => {
        const [first, second] = [await serve(era, trusted), await serve(era, trusted)];
        let address = () => ['127.0.0.1'];
        const up = {
          urls: [`https://${FIRST}:${first.port}/mcp`, `https://${SECOND}:${second.port}/mcp`],
          tls: { ca: authority.cert },
          balance: 'first',
          breaker: 'off',
        };
        const gateway = await startInProcess(configOf({ up, beside: { builtin: 'demo' } }), {
          lookUp: async (name) => (name === FIRST ? address() : ['127.0.0.1']),
        });
        ending.push(gateway.stop);
        const call = await clientOf(gateway.url, era);
        const answered = async (id: number) => (await (await call('up', id)).text()).includes('"result"');
        expect(await answered(1)).toBe(true);
        expect([first.calls, second.calls]).toEqual([1, 0]);
        await first.stop();
        if (leads) address = leads;
        const instead = serves && (await serve(era, serves, first.port));
        // The connection that was kept may not be known to be closed yet.
        await answered(2);
        const before = second.calls;
        for (const id of [3, 4, 5]) expect(await answered(id)).toBe(true);
        expect([instead?.calls ?? 0, second.calls - before]).toEqual([0, 3]);
      });
  });
