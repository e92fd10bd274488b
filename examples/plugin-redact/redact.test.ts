import { expect, test } from 'bun:test';
import { testPlugin } from 'sluice/testing';
import redact from './redact.ts';

const LEAK = 'It belongs to ada.lovelace@example.com, whose token is demo_tok_5f4dcc3b5aa765d61d8327de.';
const MASKED = 'It belongs to [redacted], whose token is [redacted].';
const text = (value: string) => ({ type: 'text', text: value });

test('addresses and tokens in a result are masked, wherever they are', async () => {
  await using it = await testPlugin(redact);
  const { result } = await it.call({
    method: 'tools/call',
    result: {
      content: [text(LEAK)],
      structuredContent: { owner: { name: 'ada@example.com' }, lines: [LEAK, 7] },
    },
  });
  expect(result.value).toEqual({
    content: [text(MASKED)],
    structuredContent: { owner: { name: '[redacted]' }, lines: [MASKED, 7] },
  });
});

test('so are they in notifications and errors', async () => {
  await using it = await testPlugin(redact);
  const { notes, result } = await it.call({
    method: 'tools/call',
    upstream: async ({ emit }) => {
      await emit({ method: 'notifications/message', params: { level: 'info', data: { line: LEAK } } });
      await emit({
        method: 'notifications/progress',
        params: { progressToken: 1, progress: 1, message: LEAK },
      });
      return { content: [text(LEAK)], isError: true };
    },
  });
  expect(notes.map(({ params }) => params)).toEqual([
    { level: 'info', data: { line: MASKED } },
    { progressToken: 1, progress: 1, message: MASKED },
  ]);
  expect(result.value.content).toEqual([text(MASKED)]);
});

test('what holds nothing to mask keeps its bytes', async () => {
  await using it = await testPlugin(redact);
  const params = '{ "level": "info",  "data": { "n": 1.0, "text": "nobody@home" } }';
  const { notes } = await it.call({
    method: 'tools/call',
    notes: [{ method: 'notifications/message', params }],
  });
  expect(notes[0]?.raw?.text).toBe(params);
});

test('pictures, addresses of resources and cursors are left alone', async () => {
  await using it = await testPlugin(redact, { words: ['aGVsbG8'] });
  const result = {
    content: [
      { type: 'image', data: 'aGVsbG8=', mimeType: 'image/png' },
      { type: 'resource', resource: { uri: 'mail://ada@example.com/1', blob: 'aGVsbG8=' } },
    ],
    nextCursor: 'ada@example.com',
  };
  expect((await it.call({ method: 'tools/call', result })).result.value).toEqual(result);
});

test('options: words of your own, another mask, tokens alone', async () => {
  await using it = await testPlugin(redact, { emails: false, words: ['Project X'], mask: '███' });
  const { result } = await it.call({
    method: 'tools/call',
    result: { content: [text(`Project X: ${LEAK}`)] },
  });
  expect(result.value.content).toEqual([
    text('███: It belongs to ada.lovelace@example.com, whose token is ███.'),
  ]);
});
