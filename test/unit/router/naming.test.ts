// Names made for clients, and taken apart again.
import { describe, expect, test } from 'bun:test';
import { joined, nameTemplate, PREFIX, unjoined } from '../../../src/lib/name-template.ts';
import { createNaming, type NamingRules } from '../../../src/router/naming.ts';
import { shortName } from '../../../src/router/short-name.ts';

describe('a template', () => {
  test('has both parts, and something between them', () => {
    expect(nameTemplate('{upstream}__{tool}')).toEqual(PREFIX);
    expect(nameTemplate('a-{tool}_{upstream}-b')).toEqual({
      before: 'a-',
      between: '_',
      after: '-b',
      leads: false,
    });
    for (const text of [
      '{upstream}',
      '{tool}',
      '{upstream}{tool}',
      '{tool}_{tool}',
      '{a}_{tool}',
      '',
      '{{tool}}_{upstream}',
    ])
      expect(nameTemplate(text)).toBeUndefined();
  });

  test.each([
    ['{upstream}__{tool}', 'git__hub__x', 'git', 'hub__x'],
    ['{upstream}__{tool}', 'git__', 'git', ''],
    ['{upstream}__{tool}', 'git_x', 'git', undefined],
    ['{tool}_{upstream}', 'a_b_git', 'git', 'a_b'],
    ['{tool}_{upstream}', 'a_b_hub', 'git', undefined],
    ['x-{upstream}-{tool}-y', 'x-git-a-y', 'git', 'a'],
    ['x-{upstream}-{tool}-y', 'x-git-y', 'git', undefined],
    ['x-{upstream}-{tool}-y', 'x-git-a-z', 'git', undefined],
  ])('%p takes %p of %p apart: %p', (text, name, upstream, own) => {
    const template = nameTemplate(text);
    if (!template) throw new Error(`no template: ${text}`);
    expect(unjoined(template, upstream, name)).toBe(own);
    if (own !== undefined) expect(joined(template, upstream, own)).toBe(name);
  });
});

const naming = (rules: Partial<NamingRules>) =>
  createNaming({ upstreams: ['git', 'files'], template: PREFIX, shortens: true, ...rules });

describe('naming', () => {
  test('knows what it made', () => {
    const names = naming({});
    expect(names.full('git', 'a.b')).toBe('git__a.b');
    expect(names.shown('git__a.b')).toBe(shortName('git__a.b'));
    expect(names.candidates('git__a')).toEqual([{ upstream: 'git', own: 'a' }]);
    expect(names.candidates('nobody__a')).toEqual([]);
  });

  test('does not take the whole name where a short form is shown', () => {
    const short = shortName('git__a.b');
    expect(naming({}).candidates('git__a.b')).toEqual([]);
    expect(naming({}).maybeShort(short)).toBe(true);
    expect(naming({ shortens: false }).candidates('git__a.b')).toEqual([{ upstream: 'git', own: 'a.b' }]);
    expect(naming({ shortens: false }).maybeShort(short)).toBe(false);
  });

  test('leaves names alone where it is told to', () => {
    const names = naming({ template: undefined, shortens: false });
    expect(names.full('git', 'a.b')).toBe('a.b');
    expect(names.candidates('a.b').map(({ upstream }) => upstream)).toEqual(['git', 'files']);
  });

  test('finds every upstream that a name can be of', () => {
    const names = naming({ upstreams: ['a', 'a_'] });
    expect(names.candidates('a___x')).toEqual([
      { upstream: 'a', own: '_x' },
      { upstream: 'a_', own: 'x' },
    ]);
  });

  test('gives a renamed tool its new name alone, and nobody else that name', () => {
    const names = naming({ renames: new Map([['git', new Map([['search', 'find']])]]) });
    expect(names.full('git', 'search')).toBe('git__find');
    expect(names.full('git', 'find')).toBeUndefined();
    expect(names.full('files', 'find')).toBe('files__find');
    expect(names.candidates('git__find')).toEqual([{ upstream: 'git', own: 'search' }]);
    expect(names.candidates('git__search')).toEqual([]);
  });

  test('swaps names', () => {
    const names = naming({
      renames: new Map([
        [
          'git',
          new Map([
            ['a', 'b'],
            ['b', 'a'],
          ]),
        ],
      ]),
    });
    expect([names.full('git', 'a'), names.full('git', 'b')]).toEqual(['git__b', 'git__a']);
    expect(names.candidates('git__b')).toEqual([{ upstream: 'git', own: 'a' }]);
  });

  test('gives an alias in place of every other name', () => {
    const names = naming({
      aliases: new Map([['find', { upstream: 'git', own: 'search' }]]),
      renames: new Map([['git', new Map([['search', 'look']])]]),
    });
    expect(names.full('git', 'search')).toBe('find');
    expect(names.candidates('find')).toEqual([{ upstream: 'git', own: 'search' }]);
    expect(names.candidates('git__search')).toEqual([]);
    expect(names.candidates('git__look')).toEqual([]);
  });

  test('keeps the name of an alias from others', () => {
    const names = naming({
      template: undefined,
      aliases: new Map([['find', { upstream: 'git', own: 'search' }]]),
    });
    expect(names.full('files', 'find')).toBeUndefined();
    expect(names.candidates('find')).toEqual([{ upstream: 'git', own: 'search' }]);
  });
});
