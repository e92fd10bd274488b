// What some callers see.
import { describe, expect, test } from 'bun:test';
import type { Principal } from '../../../src/core/client.ts';
import { createViews, sightOf } from '../../../src/router/view.ts';

const ann: Principal = {
  id: 'ann@acme.com',
  tenant: 'acme',
  scopes: ['read', 'write'],
  groups: ['ops', 'dev'],
};
const bob: Principal = { id: 'bob@other.com', scopes: [] };

describe('views', () => {
  test('are none where none are given', () => expect(createViews([])).toBeUndefined());

  test.each([
    [{}, true],
    [{ principals: ['ann@*'] }, true],
    [{ principals: ['bob@*', 'ann@acme.com'] }, true],
    [{ principals: ['ann'] }, false],
    [{ tenants: ['ac*'] }, true],
    [{ tenants: ['other'] }, false],
    [{ groups: ['ops'] }, true],
    [{ groups: ['admins', 'de*'] }, true],
    [{ groups: ['admins'] }, false],
    [{ scopes: ['read'] }, true],
    [{ scopes: ['read', 'write'] }, true],
    [{ scopes: ['read', 'admin'] }, false],
    [{ groups: ['ops'], tenants: ['other'] }, false],
    [{ groups: ['ops'], tenants: ['acme'], scopes: ['write'], principals: ['*'] }, true],
  ])('for %j: %p', (callers, expected) => {
    expect(createViews([{ for: callers }])?.(ann).sight.tool === undefined).toBe(expected);
  });

  test.each([{ groups: ['*'] }, { tenants: ['*'] }, { scopes: ['read'] }])(
    'for %j are not for who has none',
    (callers) => {
      expect(createViews([{ for: callers }])?.(bob).sight.tool?.('a')).toBe(false);
    },
  );

  test('hold from the first that is for the caller; without one nothing is there', () => {
    const views = createViews([
      { for: { groups: ['ops'] }, tools: { deny: ['*_secret'] } },
      { for: { principals: ['*@acme.com'] }, tools: { allow: ['get_*'] }, prompts: { deny: ['*'] } },
    ]);
    const sees = (caller: Principal) =>
      (['tool', 'prompt', 'resource', 'template'] as const).map(
        (kind) => views?.(caller).sight[kind]?.('x') ?? 'all',
      );
    expect(sees(ann)).toEqual([true, 'all', 'all', 'all']);
    expect(sees({ ...ann, groups: [] })).toEqual([false, false, 'all', 'all']);
    expect(sees(bob)).toEqual([false, false, false, false]);
  });

  test('judge what is read by its URI and templates by their text', () => {
    const { resource, template } = sightOf({ resources: { deny: ['file:///secret/*'] } });
    expect(resource?.('file:///%73ecret/a')).toBe(false);
    expect(template?.('file:///secret/{name}')).toBe(false);
    expect(template?.('file:///{path}')).toBe(true);
  });
});
