// docs/plugins/ratelimit.md says of the options what their schema says.
import { expect, test } from 'bun:test';
import { join } from 'node:path';
import type { z } from 'zod';
import ratelimit from '../../plugins/ratelimit.ts';
import { rowsOf, schemaOf } from '../fixtures/option-rows.ts';

type Json = z.core.JSONSchema.JSONSchema;

const page = await Bun.file(join(import.meta.dir, '../../docs/plugins/ratelimit.md')).text();
const { limits, store, status, ...limit } = schemaOf(ratelimit.schema).properties as Record<string, Json> &
  Record<'limits' | 'store' | 'status', Json>;
const rowsIn = (text: string): string[] => [...(text.match(/^\| `.*$/gm) ?? [])];
const section = (title: string): string =>
  new RegExp(`^#+ ${title}$(.*?)(?=^#|$(?![^]))`, 'ms').exec(page)?.[1] ?? '';

test('the page has the sentence of the plugin', () => {
  expect(page).toStartWith(`# ${ratelimit.name}\n\n${ratelimit.about}\n`);
});

test('it has a row for every option of a limit, with its name first', () => {
  const { name } = (limits.items as Json).properties as { name: Json };
  const named = rowsOf({ properties: { name }, required: ['name'] });
  expect(rowsIn(section('A limit'))).toEqual([...named, ...rowsOf({ properties: limit })]);
  expect(rowsIn(section('The entry'))).toEqual(rowsOf({ properties: { status } }));
});

test('it has a section for every store', () => {
  const maps = (store.anyOf as Json[]).filter(({ properties }) => properties);
  expect(maps.length).toBe(3);
  for (const map of maps) {
    const [name = ''] = Object.keys(map.properties ?? {});
    expect(rowsIn(section(`\`${name}\``))).toEqual(rowsOf(map));
  }
});

test('its examples are configurations the plugin takes', () => {
  const examples = [...page.matchAll(/^```yaml\n(.*?)^```/gms)].map(([, text = '']) => Bun.YAML.parse(text));
  const entries = examples.flatMap((each) => (each as { pipeline: Record<string, unknown>[] }).pipeline);
  const own = entries.flatMap(({ ratelimit: options }) => options ?? []);
  expect(own).toHaveLength(2);
  for (const options of own) expect(ratelimit.schema.safeParse(options).error?.issues).toBeUndefined();
});
