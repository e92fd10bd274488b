// What happens where a plugin fails that says who calls, or what they may: nobody is let in. And who stands above sees
// whom those below refuse.
import { expect, test } from 'bun:test';
import { definePlugin, McpResult, z } from 'sluice/plugin';
import { type Case, changes } from './case.ts';
import { come, FIRST, startScene, WAYS } from './scene.ts';
import { tryAll } from './try.ts';

/** What a hook of another's plugin may do. */
const FAULTS: Readonly<Record<string, () => unknown>> = {
  throws: () => {
    throw new Error('out of order');
  },
  'throws nothing': () => {
    throw undefined;
  },
  rejects: () => Promise.reject(new Error('out of order')),
  hangs: () => new Promise(() => {}),
  'says yes': () => true,
  'says a word': () => 'ada',
  'says 0': () => 0,
  'says an empty object': () => ({}),
  'says an empty list': () => [],
  'returns a function': () => () => true,
};
/** And one that says who calls. */
const JUNK: Readonly<Record<string, () => unknown>> = {
  'lets in a principal that is null': () => ({ principal: null }),
  'lets in one that is a text': () => ({ principal: 'ada' }),
  'lets in one without an id': () => ({ principal: { scopes: [] } }),
  'lets in one with an empty id': () => ({ principal: { id: '', scopes: [] } }),
  'lets in one without scopes': () => ({ principal: { id: 'ada' } }),
  'lets in one whose scopes are a text': () => ({ principal: { id: 'ada', scopes: 'mcp:read' } }),
  'lets in one until nobody knows when': () => ({
    principal: { id: 'ada', scopes: [], expires: Number.NaN },
  }),
  'answers in the place of the upstream': () => McpResult.complete({}),
};

const faults: Readonly<Record<string, () => unknown>> = { ...FAULTS, ...JUNK };
const fault = (said: string | null): unknown => (said === null ? undefined : faults[said]?.());
const seen: string[] = [];

const broken = definePlugin({
  name: 'broken',
  api: 1,
  about: 'Fails as it is told.',
  schema: z.strictObject({}),
  setup: () => ({
    onCaller: ({ inbound }) => fault(inbound.headers.get('x-caller')) as undefined,
    onRequest: (_, { inbound }) => fault(inbound.headers.get('x-request')) as undefined,
  }),
});
const above = definePlugin({
  name: 'above',
  api: 1,
  about: 'Notes what comes of requests.',
  schema: z.strictObject({}),
  setup: () => ({
    onResult(result) {
      seen.push(result.raw.object('data')?.string('code') ?? result.kind);
    },
  }),
});

const told = (header: string, what: Readonly<Record<string, unknown>>) =>
  Object.fromEntries(
    Object.keys(what).map((name) => [`${header} ${name}`, { lines: [`${header}: ${name}`] }]),
  );
/** Of 2025 an error is an answer like others. */
const answers = WAYS.filter(({ body, isModern, needs }) => body && !isModern && needs !== 'place');
const others = WAYS.filter((way) => !answers.includes(way));
const failed = { code: -32603 };
const cases: Case[] = [
  ...changes(59, told('x-caller', faults), { ...failed, ways: others, status: 500 }),
  ...changes(59, told('x-caller', faults), { ...failed, ways: answers, status: 200 }),
  // Of HTTP+SSE the stream itself is no request, and the answer to what is posted is in the stream.
  ...changes(59, told('x-request', FAULTS), {
    ...failed,
    ways: others.filter(({ path }) => path === '/mcp'),
    status: 500,
  }),
  ...changes(59, told('x-request', FAULTS), { ...failed, ways: answers, status: 200 }),
];

const scene = tryAll({
  cases,
  start: () =>
    startScene({
      plugins: { broken, above },
      pipeline: (issuers) => ['above', { auth: { issuers } }, { broken: {}, timeout: '40ms' }],
    }),
  challenge: () => /./,
});

test.each(FIRST)('who stands above sees that nobody was let in by $name', async (way) => {
  const before = seen.length;
  expect((await come(scene(), way, 'x', {}, { proof: [] })).status).toBe(401);
  expect(seen.slice(before)).toEqual(['UNAUTHENTICATED']);
});
