// Whether the time that a bad API key takes says anything of how near it comes to a good one: the method alone, and a
// whole gateway over HTTP. Prints figures and judges nothing: `npm run bench -- key-timing`.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { apiKeys, apiKeysSchema } from '../plugins/auth/api-keys.ts';
import { attemptOf } from '../plugins/auth/attempt.ts';
import { mintKey } from '../plugins/auth/key-file.ts';
import { keyOf, newKey } from '../plugins/auth/key-text.ts';
import { plugins } from '../plugins/index.ts';
import { exchangeOf } from '../src/testing/call.ts';
import { configOf, DEMO, startInProcess } from '../test/fixtures/in-process.ts';
import { modern, modernHeaders } from '../test/fixtures/raw.ts';
import { hostIn } from './host.ts';
import { medianOf, rankSum, welch } from './statistics.ts';

const SAMPLES = 2_000;
const WARM = 500;

/** Ways to be wrong, each with keys of its own for every sample, so that no text was seen before. */
function kinds(good: string): Record<string, () => string> {
  const [, id = '', rest = ''] = good.split('_');
  const secret = rest.slice(0, -6);
  const but = (at: number) => (): string => {
    const other = secret[at] === '0' ? '1' : '0';
    return keyOf(id, secret.slice(0, at) + other + secret.slice(at + 1));
  };
  return {
    'unknown id': () => newKey().key,
    'known id, all else wrong': () => keyOf(id, newKey().key.split('_')[2]?.slice(0, -6) ?? ''),
    'known id, first letter wrong': but(0),
    'known id, middle letter wrong': but(21),
    'known id, last letter wrong': but(42),
    'no key at all': () => newKey().key.slice(0, -1),
  };
}

type Look = (key: string) => unknown;

/** Microseconds of each look, the kinds in another order each time: what the machine does beside falls on all of them. */
async function measured(good: string, look: Look): Promise<Map<string, number[]>> {
  const all = Object.entries(kinds(good));
  const times = new Map<string, number[]>(all.map(([name]) => [name, []]));
  for (let at = -WARM; at < SAMPLES; at++) {
    const turn = all.map(([name, make]) => ({ name, key: make(), order: Math.random() }));
    for (const { name, key } of turn.sort((a, b) => a.order - b.order)) {
      const began = performance.now();
      await look(key);
      const took = (performance.now() - began) * 1_000;
      if (at >= 0) times.get(name)?.push(took);
    }
  }
  return times;
}

function print(title: string, times: Map<string, number[]>): void {
  console.log(`${title}: ${SAMPLES} samples each, against an unknown id`);
  const base = times.get('unknown id') ?? [];
  for (const [name, own] of times) {
    const median = medianOf(own).toFixed(2).padStart(8);
    const difference = (medianOf(own) - medianOf(base)).toFixed(2).padStart(7);
    const told =
      own === base
        ? ''
        : `  ${difference} µs  t ${welch(own, base).toFixed(2).padStart(7)}  z ${rankSum(own, base).toFixed(2).padStart(7)}`;
    console.log(`  ${name.padEnd(30)} ${median} µs${told}`);
  }
}

const stateDir = mkdtempSync(join(tmpdir(), 'sluice-timing-'));
const { key } = mintKey(
  join(stateDir, 'api-keys.json'),
  { principal: 'ada', scopes: [], groups: [] },
  Date.now(),
);

const host = hostIn(stateDir);
const method = apiKeys(apiKeysSchema.parse({}), host);
const { signal } = new AbortController();
const attempt = (text: string) =>
  attemptOf(exchangeOf({ method: 'tools/list', headers: { 'x-api-key': text } }, 'r', signal, 0), Date.now());
const times = await measured(key, (text) => method.verify(attempt(text)));
print('the method alone', times);

await using gateway = await startInProcess(configOf(DEMO, { pipeline: [{ auth: { api_keys: {} } }] }), {
  plugins,
  stateDir,
});
const body = JSON.stringify(modern('tools/list'));
const headers = {
  ...modernHeaders('tools/list'),
  'content-type': 'application/json',
  accept: 'application/json, text/event-stream',
};
print(
  'over HTTP',
  await measured(key, async (text) => {
    const got = await fetch(gateway.url, {
      method: 'POST',
      body,
      headers: { ...headers, 'x-api-key': text },
    });
    await got.arrayBuffer();
    if (got.status !== 401) throw new Error(`${got.status}`);
  }),
);
rmSync(stateDir, { recursive: true, force: true });
process.exit(0);
