// What it saves that tokens which were verified are remembered. Prints figures and judges nothing: `npm run bench -- tokens`.
import { type Attempt, attemptOf, type Method } from '../plugins/auth/attempt.ts';
import { issuers } from '../plugins/auth/issuers.ts';
import { jwtMethod } from '../plugins/auth/jwt.ts';
import { exchangeOf } from '../src/testing/call.ts';
import { AUDIENCE, startIssuer } from '../test/fixtures/issuer.ts';
import { hostIn } from './host.ts';

const TIMES = 5_000;
const ROUNDS = 5;

const host = hostIn();

/** @returns microseconds for one look, in the best of several rounds */
async function cost(method: Method, attempt: Attempt): Promise<number> {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) {
    const began = performance.now();
    for (let at = 0; at < TIMES; at++) {
      const verdict = await method.verify(attempt);
      if (verdict?.kind !== 'found') throw new Error('the token was not taken');
    }
    best = Math.min(best, ((performance.now() - began) / TIMES) * 1_000);
  }
  return best;
}

async function costs(alg: 'ES256' | 'RS256' | 'EdDSA'): Promise<{ anew: number; remembered: number }> {
  await using issuer = await startIssuer();
  await issuer.rotate('own', alg);
  const headers = { authorization: `Bearer ${await issuer.token({ scope: 'mcp:use' })}` };
  const { signal } = new AbortController();
  const request = { method: 'tools/list', headers, inbound: { url: AUDIENCE } };
  const attempt = attemptOf(exchangeOf(request, 'r', signal, Date.now()), Date.now());
  const known = issuers.parse([{ issuer: issuer.url }]);
  return {
    anew: await cost(jwtMethod(known, 0, host), attempt),
    remembered: await cost(jwtMethod(known, 1, host), attempt),
  };
}

// Else the first one would pay for the compiler.
await costs('ES256');
for (const alg of ['ES256', 'RS256', 'EdDSA'] as const) {
  const { anew, remembered } = await costs(alg);
  const ratio = (anew / remembered).toFixed(1);
  console.log(
    `${alg}: verified each time ${anew.toFixed(1)} µs, remembered ${remembered.toFixed(1)} µs: ${ratio} times as fast`,
  );
}
