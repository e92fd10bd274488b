// The plugin as an entry of an upstream's pipeline, through the public kit.
import { describe, expect, test } from 'bun:test';
import { testPlugin } from 'sluice/testing';
import { plugins } from '../../plugins/index.ts';
import signing from '../../plugins/signing.ts';

const secret = 'CANARY-a secret of more than 32 bytes';
const hmac = { scheme: 'hmac-v1' as const, keys: [{ id: 'k1', secret }] };
const entry = { upstream: 'up' };
const CALL = { method: 'tools/call', params: { name: 'echo' } };

test('it is the built-in called "signing"', () => expect(plugins.signing).toBe(signing));

test('every attempt has a nonce and a signature of its own', async () => {
  await using bench = await testPlugin(signing, hmac, entry);
  const { sent } = await bench.call({ ...CALL, attempts: 3 });
  expect(new Set(sent.map(({ headers }) => headers['x-nonce'])).size).toBe(3);
  expect(new Set(sent.map(({ headers }) => headers['x-signature'])).size).toBe(3);
});

describe('keys', () => {
  const keys = [
    { id: 'old', secret, not_after: '2027-01-15T09:00:00Z' },
    { id: 'new', secret: `${secret}2`, not_before: '2027-01-15T08:30:00Z' },
  ];
  test('change with the clock, without a reload', async () => {
    await using bench = await testPlugin(signing, { ...hmac, keys }, entry);
    const signer = async () => (await bench.call(CALL)).sent[0]?.headers['x-api-key-id'];
    expect(await signer()).toBe('old');
    await bench.advance(30 * 60_000);
    expect(await signer()).toBe('new');
  });
  test('that are not valid yet or any more sign nothing, and nothing is sent', async () => {
    const [, next] = keys;
    await using bench = await testPlugin(signing, { ...hmac, keys: [next as (typeof keys)[1]] }, entry);
    const { result, sent, failures } = await bench.call(CALL);
    expect([result.kind, sent]).toEqual(['error', []]);
    expect(failures.map(String)).toEqual(['Error: no key is valid now']);
  });
  test('that are all over refuse the configuration', async () => {
    const over = [{ id: 'k', secret, not_after: '2026-01-01T00:00:00Z' }];
    await expect(testPlugin(signing, { ...hmac, keys: over }, entry)).rejects.toThrow('past its not_after');
  });
  test('are never shown', async () => {
    await expect(
      testPlugin(signing, { ...hmac, keys: [{ id: 'CANARY\n', secret: 'CANARY' }] }, entry),
    ).rejects.not.toThrow('CANARY');
    await using bench = await testPlugin(signing, hmac, entry);
    const { log, result } = await bench.call(CALL);
    expect(JSON.stringify([log, result.value])).not.toContain('CANARY');
  });
});

test('in the pipeline of all it is refused', async () => {
  await expect(testPlugin(signing, hmac)).rejects.toThrow('signing belongs into upstreams.NAME.pipeline');
});

test('a reload signs with the new keys', async () => {
  await using bench = await testPlugin(signing, hmac, entry);
  await bench.reload({ ...hmac, keys: [{ id: 'k2', secret }] });
  expect((await bench.call(CALL)).sent[0]?.headers['x-api-key-id']).toBe('k2');
});

const aws = {
  scheme: 'aws-sigv4' as const,
  region: 'eu-central-1',
  service: 'execute-api',
  keys: [{ id: 'AKID', secret }],
};
for (const [options, names] of [
  [{ scheme: 'api-key' as const, keys: [{ api_key: 'k', api_secret: 's' }] }, ['x-api-key', 'x-api-secret']],
  [{ scheme: 'rfc9421' as const, keys: hmac.keys }, ['content-digest', 'signature-input', 'signature']],
  [
    {
      scheme: 'standard-webhooks' as const,
      keys: [{ id: 'w', secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw' }],
    },
    ['webhook-id', 'webhook-timestamp', 'webhook-signature'],
  ],
  [aws, ['x-amz-date', 'x-amz-content-sha256', 'authorization']],
] as const) {
  test(`${options.scheme} adds its headers and changes no other`, async () => {
    await using bench = await testPlugin(signing, options as never, entry);
    await using plain = await testPlugin({ ...signing, setup: () => ({}) }, options as never, entry);
    const [signed, before] = [(await bench.call(CALL)).sent[0], (await plain.call(CALL)).sent[0]];
    expect(Object.keys(signed?.headers ?? {})).toEqual(expect.arrayContaining([...names]));
    expect(signed).toEqual({
      ...signed,
      ...before,
      headers: { ...signed?.headers, ...before?.headers },
    } as never);
    expect(Object.keys(signed?.headers ?? {})).toHaveLength(
      Object.keys(before?.headers ?? {}).length + names.length,
    );
  });
}
