// How long a result may be kept, and by whom, as it says itself.
import { expect, test } from 'bun:test';
import {
  forOneCaller,
  hintsOf,
  withHints,
  withoutHints,
  withSoundHints,
} from '../../../src/protocol/caching.ts';
import { McpResult } from '../../../src/protocol/message.ts';
import { RawObject } from '../../../src/protocol/raw.ts';

const raw = (text: string) => RawObject.trusted(text);

test.each([
  ['{"ttlMs":5,"cacheScope":"public"}', 5, 'public'],
  ['{"ttlMs":5.0,"cacheScope":"private"}', 5, 'private'],
  ['{"ttlMs":0,"cacheScope":"PUBLIC"}', 0, 'private'],
  ['{"ttlMs":-1,"cacheScope":null}', 0, 'private'],
  ['{"ttlMs":0.5}', 0, 'private'],
  ['{"ttlMs":"5"}', 0, 'private'],
  ['{"ttlMs":1e400}', 0, 'private'],
  ['{"ttlMs":[5]}', 0, 'private'],
  ['{}', 0, 'private'],
] as const)('%s', (text, ttlMs, scope) => {
  expect(hintsOf(raw(text))).toEqual({ ttlMs, scope });
});

test('only what is no hint is replaced, and nothing is added', () => {
  for (const sound of ['{ "ttlMs": 5.0, "cacheScope": "public" }', '{"ttlMs":0}', '{"a":1.0}']) {
    const own = raw(sound);
    expect(withSoundHints(own)).toBe(own);
  }
  const replaced = (text: string) => withSoundHints(raw(text)).text;
  expect(replaced('{"ttlMs":-5,"a":1.0,"cacheScope":"public"}')).toBe(
    '{"ttlMs":0,"a":1.0,"cacheScope":"public"}',
  );
  expect(replaced('{"cacheScope":"all"}')).toBe('{"cacheScope":"private"}');
});

test('hints are put in and taken out', () => {
  expect(withHints(raw('{"a":1,"ttlMs":9}'), { ttlMs: 3, scope: 'public' }).text).toBe(
    '{"a":1,"ttlMs":3,"cacheScope":"public"}',
  );
  expect(withoutHints(raw('{"a":1.0,"ttlMs":9,"cacheScope":"public"}')).text).toBe('{"a":1.0}');
});

test('what was changed for its caller is for that one alone', () => {
  const result = McpResult.complete({ tools: [], ttlMs: 5, cacheScope: 'public' });
  expect(forOneCaller('tools/list', result).value).toEqual({ tools: [], ttlMs: 5, cacheScope: 'private' });
  expect(forOneCaller('tools/call', result)).toBe(result);
  const own = McpResult.complete({ tools: [], ttlMs: 5, cacheScope: 'private' });
  expect(forOneCaller('tools/list', own)).toBe(own);
});
