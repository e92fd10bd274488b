// Templates against URIs, and the place of a name in a request.
import { describe, expect, test } from 'bun:test';
import { type MethodRow, methodRow } from '../../../src/protocol/methods.ts';
import { renamed, targetOf } from '../../../src/router/target.ts';
import { matchesTemplate } from '../../../src/router/template.ts';
import { exchange } from '../../fixtures/exchanges.ts';

describe('a template', () => {
  test.each([
    ['a://{id}', 'a://1', true],
    ['a://{id}', 'a://', true],
    ['a://{id}', 'b://1', false],
    ['a://{x}/b/{y}', 'a://1/b/2', true],
    ['a://{x}/b/{y}', 'a://1/c/2', false],
    ['a://{x}/b', 'a://1/b', true],
    ['a://{x}/b', 'a://1/bc', false],
    ['a://{x}{y}', 'a://', true],
    ['a://fixed', 'a://fixed', true],
    ['a://fixed', 'a://fixed/', false],
    ['{+path}', 'anything at all', true],
    ['{x}a{y}a', 'aa', true],
    ['{x}a{y}a', 'a', false],
    ['ab{x}ba', 'aba', false],
    ['a://{x', 'a://1', false],
    ['a://(.*)+', 'a://(.*)+', true],
    ['', '', true],
  ])('%p matches %p: %p', (template, uri, matches) => {
    expect(matchesTemplate(template, uri)).toBe(matches);
  });

  test('made to be slow is not', () => {
    const template = `${'{a}x'.repeat(2_000)}y`;
    expect(matchesTemplate(template, 'x'.repeat(100_000))).toBe(false);
  });
});

describe('the target of a request', () => {
  const target = (method: string, params: object) =>
    targetOf(exchange(method, params).request, methodRow(method) as MethodRow);

  test('is where its method says', () => {
    expect(target('tools/call', { name: 'a', uri: 'b' })).toEqual({ kind: 'tool', name: 'a' });
    expect(target('prompts/get', { name: 'a' })).toEqual({ kind: 'prompt', name: 'a' });
    expect(target('resources/read', { name: 'a', uri: 'b' })).toEqual({ kind: 'resource', name: 'b' });
    expect(target('tasks/get', { taskId: 't' })).toEqual({ kind: 'task', name: 't' });
    expect(target('completion/complete', { ref: { type: 'ref/prompt', name: 'p' } })).toEqual({
      kind: 'prompt',
      name: 'p',
    });
    expect(target('completion/complete', { ref: { type: 'ref/resource', uri: 'a://{x}' } })).toEqual({
      kind: 'template',
      name: 'a://{x}',
    });
    expect(target('tools/list', { name: 'a' })).toBeUndefined();
  });

  test('is not there when it is no text, or of another kind', () => {
    for (const name of [undefined, null, 7, ['a'], { a: 1 }])
      expect(target('tools/call', { name })).toBeUndefined();
    expect(target('completion/complete', { ref: { type: 'ref/resource', name: 'p' } })).toBeUndefined();
    expect(target('completion/complete', { ref: 'p' })).toBeUndefined();
    expect(target('completion/complete', {})).toBeUndefined();
  });

  test('is replaced alone: every other byte stays', () => {
    const text = '{ "name" : "up__a", "arguments": {"n":1.0, "name":"up__a"} }';
    const { request } = exchange('tools/call', text);
    expect(renamed(request, methodRow('tools/call') as MethodRow, 'a').raw?.text).toBe(
      '{ "name" : "a", "arguments": {"n":1.0, "name":"up__a"} }',
    );
    const completion = exchange(
      'completion/complete',
      '{"ref":{"type":"ref/prompt","name":"up__a"},"argument":{"name":"x","value":"1e400"}}',
    );
    expect(renamed(completion.request, methodRow('completion/complete') as MethodRow, 'a').raw?.text).toBe(
      '{"ref":{"type":"ref/prompt","name":"a"},"argument":{"name":"x","value":"1e400"}}',
    );
    const read = exchange('resources/read', { uri: 'a' });
    expect(renamed(read.request, methodRow('resources/read') as MethodRow, 'b')).toBe(read.request);
  });
});
