// The keys of questions: who answers, and what is asked for.
import { expect, test } from 'bun:test';
import { RawObject } from '../../../src/protocol/raw.ts';
import { namedInputs } from '../../../src/upstreams/inputs.ts';

const question = (method: string, params?: object) => ({
  id: { text: '1', key: 'n:1' },
  method,
  params: params && RawObject.of({ ...params }),
});
const form = (...fields: string[]) =>
  question('elicitation/create', {
    requestedSchema: { properties: Object.fromEntries(fields.map((field) => [field, {}])) },
  });

test('say who answers, and for a single field which; each is there once', () => {
  const keys = namedInputs([
    form('name'),
    form('name'),
    form('name', 'email'),
    form(),
    form('a b'),
    form('__proto__'),
    question('elicitation/create', { mode: 'url', url: 'https://example.com' }),
    question('sampling/createMessage', {}),
    question('roots/list'),
    question('sampling/createMessage'),
  ]).keys();
  expect([...keys]).toEqual([
    'user_name',
    'user_name_2',
    'user_input',
    'user_input_2',
    'user_input_3',
    'user___proto__',
    'user_input_4',
    'model_reply',
    'client_roots',
    'model_reply_2',
  ]);
});
