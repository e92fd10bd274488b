// What a server of 2026-07-28 asks, as clients of older revisions know it.
import { describe, expect, test } from 'bun:test';
import { questionForSession } from '../../../src/protocol/questions.ts';
import { RawObject } from '../../../src/protocol/raw.ts';

const NONE = RawObject.of({});
const told = (version: string, params: object, method = 'elicitation/create', capabilities = {}) =>
  questionForSession(
    { version, capabilities: RawObject.of({ ...capabilities }) },
    method,
    RawObject.of({ ...params }),
    () => 'made',
  )?.value;

describe('an elicitation', () => {
  test('by URL has an id for 2025-11-25, its own where it has one', () => {
    const url = { mode: 'url', message: 'Sign in', url: 'https://example.com/?a=1' };
    expect(told('2025-11-25', url)).toEqual({ ...url, elicitationId: 'made' });
    expect(told('2025-11-25', { ...url, elicitationId: 'own' })).toEqual({ ...url, elicitationId: 'own' });
  });

  test('by form keeps its bytes for 2025-11-25', () => {
    const form = RawObject.trusted(
      '{ "mode": "form", "message": "x", "requestedSchema": {"properties": { }} }',
    );
    expect(
      questionForSession(
        { version: '2025-11-25', capabilities: NONE },
        'elicitation/create',
        form,
        () => 'made',
      ),
    ).toBe(form);
  });

  test('has no mode before, and a choice with titles is enum and enumNames', () => {
    const titledChoice = {
      type: 'string',
      title: 'One',
      oneOf: [
        { const: 'a', title: 'First' },
        { const: 'b', title: 'Second' },
      ],
    };
    const several = { type: 'array', items: { anyOf: [{ const: 'a', title: 'First' }] } };
    const plain = { type: 'string', enum: ['a'] };
    const schema = { type: 'object', properties: { titledChoice, several, plain }, required: ['plain'] };
    expect(told('2025-06-18', { mode: 'form', message: 'x', requestedSchema: schema })).toEqual({
      message: 'x',
      requestedSchema: {
        ...schema,
        properties: {
          titledChoice: { type: 'string', title: 'One', enum: ['a', 'b'], enumNames: ['First', 'Second'] },
          several,
          plain,
        },
      },
    });
  });

  test('with choices that are not what they should be is left alone', () => {
    const requestedSchema = { properties: { a: { oneOf: [{ const: 1 }] }, b: { oneOf: 'x' }, c: 7 } };
    expect(told('2025-06-18', { message: 'x', requestedSchema })).toEqual({ message: 'x', requestedSchema });
  });
});

test('other questions, and those without parameters, are as they are', () => {
  const params = { messages: [], mode: 'form' };
  expect(told('2025-06-18', params, 'sampling/createMessage')).toEqual(params);
  expect(
    questionForSession({ version: '2025-06-18', capabilities: NONE }, 'roots/list', undefined, () => 'made'),
  ).toBeUndefined();
});

test('context of other servers is for clients that say they have some', () => {
  const ask = { messages: [], includeContext: 'thisServer' };
  const sampling = 'sampling/createMessage';
  expect(told('2025-11-25', ask, sampling, { sampling: {} })).toEqual({ messages: [] });
  expect(told('2025-11-25', ask, sampling, { sampling: { context: {} } })).toEqual(ask);
  expect(told('2025-06-18', ask, sampling, { sampling: {} })).toEqual(ask);
  expect(told('2025-11-25', { includeContext: 'none' }, sampling)).toEqual({ includeContext: 'none' });
});
