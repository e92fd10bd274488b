// Whatever upstreams, tools and options there are: no two things have one name, every name leads back to its thing,
// and a name hangs on nothing but its own thing.
import { expect, test } from 'bun:test';
import { nameTemplate } from '../../../src/lib/name-template.ts';
import { RawObject } from '../../../src/protocol/raw.ts';
import { createOffering, type OfferingOptions, type Part } from '../../../src/router/offering.ts';
import { exchange } from '../../fixtures/exchanges.ts';

const x = exchange('tools/list', {});

/** Numbers that look random and are the same every time (mulberry32). */
function randomOf(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return (((t ^ (t >>> 14)) >>> 0) / 4_294_967_296) * below;
  };
}

const UPSTREAMS = ['a', 'a_', 'a-b', 'ab', 'b', 'b_', 'a_b', 'x'.repeat(32)];
const PIECES = [
  'a',
  'b',
  '_',
  '__',
  '.',
  '-',
  'é',
  ' ',
  '/',
  'get',
  'deadbeef',
  'x'.repeat(30),
  'y'.repeat(58),
];
const TEMPLATES = [
  undefined,
  '{upstream}__{tool}',
  '{tool}_{upstream}',
  '{upstream}_{tool}',
  'm-{upstream}.{tool}-z',
  '{tool}b{upstream}',
];

function scene(seed: number): { options: OfferingOptions; parts: Part[] } {
  const random = randomOf(seed);
  const int = (below: number): number => Math.floor(random(below));
  const pick = <T>(all: readonly T[]): T => all[int(all.length)] as T;
  const name = (): string => Array.from({ length: 1 + int(4) }, () => pick(PIECES)).join('');
  const upstreams = [...new Set(Array.from({ length: 1 + int(4) }, () => pick(UPSTREAMS)))];
  const parts = upstreams.map((upstream) => ({
    upstream,
    items: Array.from({ length: int(12) }, () => RawObject.of({ name: name() })),
  }));
  const template = pick(TEMPLATES);
  const all = parts.flatMap(({ upstream, items }) =>
    items.map((item) => ({ upstream, own: item.string('name') ?? '' })),
  );
  const aliases = all.length === 0 || int(2) === 0 ? [] : [{ name: 'alias', ...pick(all) }];
  const renamed = all.length === 0 ? undefined : pick(all);
  const offers = new Map(
    renamed && int(2) === 0 ? [[renamed.upstream, { overrides: { [renamed.own]: { name: name() } } }]] : [],
  );
  const options = {
    upstreams,
    template: template === undefined ? undefined : nameTemplate(template),
    shortNames: int(3) > 0,
    collisions: pick(['first', 'refuse', 'prefix'] as const),
    aliases,
    offers,
  };
  return { options, parts };
}

test('names are one for one, and lead back', () => {
  let things = 0;
  for (let seed = 0; seed < 3_000; seed++) {
    const { options, parts } = scene(seed);
    const offering = createOffering(options);
    const all = offering.offered('tools', parts, x);
    things += all.length;
    const where = JSON.stringify({ seed, options, names: all.map(({ name }) => name) });
    if (new Set(all.map(({ name }) => name)).size !== all.length)
      throw new Error(`two have one name: ${where}`);
    for (const one of all) {
      if (one.item.string('name') !== one.name) throw new Error(`listed under another name: ${where}`);
      const way = offering.way('tools', one.name);
      const back = way ?? all.find(({ name }) => name === one.name);
      if (back === 'nowhere' || back?.upstream !== one.upstream || back.own !== one.own)
        throw new Error(`${one.name} leads elsewhere: ${where}`);
    }
  }
  expect(things).toBeGreaterThan(20_000);
});

test('a name is one that every client takes, where that is asked for, and stays what it is alone', () => {
  for (let seed = 0; seed < 1_000; seed++) {
    const { options, parts } = scene(seed);
    const offering = createOffering({ ...options, shortNames: true, collisions: 'first' });
    for (const one of offering.offered('tools', parts, x)) {
      expect(one.name).toMatch(/^[A-Za-z0-9_-]{1,58}$/);
      const alone = { upstream: one.upstream, items: [RawObject.of({ name: one.own })] };
      expect(offering.offered('tools', [alone], x).map(({ name }) => name)).toEqual([one.name]);
    }
  }
});
