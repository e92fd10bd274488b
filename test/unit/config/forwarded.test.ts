// A header by which callers prove themselves is not passed on to an upstream.
import { expect, test } from 'bun:test';
import { relationProblems } from '../../../src/config/relations.ts';
import type { JsonObject } from '../../../src/protocol/values.ts';

const problems = (auth: JsonObject, forward: JsonObject[string]) =>
  relationProblems(
    {
      upstreams: { up: { url: 'https://up.example', pipeline: [{ credentials: { forward } }] } },
      pipeline: [{ auth }],
    },
    ['auth', 'credentials'],
  ).map(({ path, code }) => [path.join('.'), code]);

test('whatever its letter case', () => {
  expect(problems({ api_keys: { header: 'X-Team-Key' } }, ['x-locale', 'x-team-key'])).toEqual([
    ['upstreams.up.pipeline.0.credentials.forward.1', 'FORWARD_CREDENTIAL'],
  ]);
});

test('others are', () => {
  expect(problems({ api_keys: { header: 'x-team-key' } }, ['x-locale'])).toEqual([]);
  expect(problems({}, ['x-team-key'])).toEqual([]);
});

test("what has the wrong shape is the schema's to report", () => {
  expect(problems({ api_keys: { header: 7 } }, 'x-team-key')).toEqual([]);
  expect(problems({ api_keys: null }, [7])).toEqual([]);
});
