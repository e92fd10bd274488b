// What is allowed and denied.
import { describe, expect, test } from 'bun:test';
import { nameRules, uriRules } from '../../../src/router/rules.ts';

describe('rules of names', () => {
  test.each([
    [{ allow: ['get_*'] }, ['get_a'], ['set_a', 'xget_a', '']],
    [{ deny: ['*delete*'] }, ['get_a', ''], ['delete', 'x_delete_y']],
    [{ allow: ['get_*', 'list'], deny: ['get_secret'] }, ['get_a', 'list'], ['get_secret', 'lists']],
    [{ allow: ['*'], deny: ['*'] }, [], ['a']],
    [{ allow: [] }, [], ['a', '']],
  ])('%j', (rules, yes, no) => {
    const passes = nameRules(rules);
    expect(yes.filter((name) => !passes?.(name))).toEqual([]);
    expect(no.filter((name) => passes?.(name))).toEqual([]);
  });

  test('are no test where there are none', () => {
    expect([nameRules(undefined), nameRules({}), uriRules(undefined), uriRules({})]).toEqual(
      Array(4).fill(undefined),
    );
  });
});

describe('rules of URIs', () => {
  const deny = uriRules({ deny: ['file:///secret/*', 'https://example.com/a b*'] });
  test.each([
    'file:///secret/a',
    'FILE:///secret/a',
    'file:///%73ecret/a',
    'file:///%2573ecret/a',
    'file:///secret%2Fa',
    'file:///x/../secret/a',
    'file:///x/%2e%2e/secret/a',
    'file:////secret//a',
    'file:///./secret/a',
    'file:\\\\\\secret\\a',
    'file:///secret/',
    'file:///secret/a?q=1',
    'https://EXAMPLE.com/a%20b',
    'https://example.com/a%20b',
  ])('deny %p however it is written', (uri) => {
    expect(deny?.(uri)).toBe(false);
  });

  test.each([
    'file:///secrets/a',
    'file:///public/secret/a',
    'file:///%FF',
    'demo://a?x=/secret/',
    'file:///secret',
    '',
  ])('do not deny %p', (uri) => {
    expect(deny?.(uri)).toBe(true);
  });

  const allow = uriRules({ allow: ['file:///docs/*', 'https://Example.com/%7Ea/*', 'demo://*'] });
  test.each([
    'file:///docs/a',
    'file:///docs/a/../b',
    'file:///docs/{path}',
    'https://Example.com/%7Ea/x',
    'https://example.com/~a/x',
    'demo://x//y',
    'demo://{id}/b',
  ])('allow %p', (uri) => {
    expect(allow?.(uri)).toBe(true);
  });

  test.each([
    'file:///docs/../secret',
    'file:///docs/%2e%2e/secret',
    'file:///docs/%252e%252e/secret',
    'file:///docs/..\\..\\secret',
    'file:///docs',
    'file:///{path}',
    'other://x',
  ])('do not allow %p', (uri) => {
    expect(allow?.(uri)).toBe(false);
  });
});
