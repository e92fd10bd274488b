// What a client of 2026-07-28 would have had to declare, by what it is asked.
import { expect, test } from 'bun:test';
import { RawObject } from '../../../src/protocol/raw.ts';
import { undeclared } from '../../../src/upstreams/undeclared.ts';
import { clientOf, codeOf, exchange } from '../../fixtures/exchanges.ts';

const form = { method: 'elicitation/create', params: undefined };
const url = { method: 'elicitation/create', params: RawObject.of({ mode: 'url' }) };
const sampling = { method: 'sampling/createMessage', params: RawObject.of({}) };
const withTools = { method: 'sampling/createMessage', params: RawObject.of({ tools: [] }) };
const withChoice = { method: 'sampling/createMessage', params: RawObject.of({ toolChoice: {} }) };
const roots = { method: 'roots/list', params: undefined };

const asked = (capabilities: object, ...questions: Parameters<typeof undeclared>[1]) =>
  undeclared(
    exchange('tools/call', { name: 'ask' }, { id: 'x', client: clientOf({ capabilities }) }),
    questions,
  );

test.each([
  [{}, [form], { elicitation: { form: {} } }],
  [{ elicitation: { url: {} } }, [form], { elicitation: { form: {} } }],
  [{ elicitation: {} }, [url], { elicitation: { url: {} } }],
  [{}, [url, form], { elicitation: { form: {}, url: {} } }],
  [{}, [sampling], { sampling: {} }],
  [{ sampling: {} }, [sampling, withTools], { sampling: { tools: {} } }],
  [{ sampling: { context: {} } }, [withChoice], { sampling: { tools: {} } }],
  [{}, [withTools, sampling, roots], { sampling: { tools: {} }, roots: {} }],
])('with %j, of %j it lacks %j', (capabilities, questions, requiredCapabilities) => {
  const result = asked(capabilities, ...questions);
  expect(result && codeOf(result)).toBe('CAPABILITY_MISSING');
  expect(result?.http).toBe(400);
  expect(result?.value).toMatchObject({ code: -32021, data: { requestId: 'x', requiredCapabilities } });
});

test('nothing, where it declared all of it', () => {
  expect(asked({ elicitation: {}, roots: {} }, form, roots)).toBeUndefined();
  expect(asked({ elicitation: { url: {} }, sampling: { tools: {} } }, url, withTools)).toBeUndefined();
  expect(asked({})).toBeUndefined();
});

test('the message names it', () => {
  expect(asked({}, url, roots)?.raw.string('message')).toBe(
    'The upstream asks for what needs elicitation.url, roots.',
  );
});
