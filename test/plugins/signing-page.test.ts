// docs/plugins/signing.md says of the options what their schema says.
import { expect, test } from 'bun:test';
import { join } from 'node:path';
import { z } from 'zod';
import signing from '../../plugins/signing.ts';
import { rowsOf } from '../fixtures/option-rows.ts';

type Json = z.core.JSONSchema.JSONSchema;

const page = await Bun.file(join(import.meta.dir, '../../docs/plugins/signing.md')).text();
const { oneOf = [] } = z.toJSONSchema(signing.schema, { io: 'input' });
const schemes = new Map(
  (oneOf as Json[]).map((each) => [(each.properties as { scheme: Json }).scheme.const, each]),
);

test('the page has the sentence of the plugin', () => {
  expect(page).toStartWith(`# ${signing.name}\n\n${signing.about}\n`);
});

test('it has a section for every scheme', () => {
  const sections = [...page.matchAll(/^## `(.+)`$/gm)].map(([, name]) => name);
  expect(sections).toEqual([...schemes.keys()].map(String));
});

for (const [name, schema] of schemes) {
  test(`${name}: a row for every option`, () => {
    const [, section = ''] = new RegExp(`^## \`${name}\`$(.*?)(?=^## |$(?![^]))`, 'ms').exec(page) ?? [];
    expect([...(section.match(/^\| `.*$/gm) ?? [])]).toEqual(rowsOf(schema));
  });
}

test('its examples are configurations the plugin takes', () => {
  const read = (text: string): unknown =>
    Bun.YAML.parse(
      text
        .replaceAll(/\$\{env:PEM\}/g, PEM)
        .replaceAll(/\$\{env:WHSEC\}/g, WHSEC)
        .replaceAll(/\$\{\w+:\w+\}/g, 'x'.repeat(32)),
    );
  const examples = [...page.matchAll(/^```yaml\n(.*?)^```/gms)].map(([, text = '']) => read(text));
  const entries = examples
    .flatMap((example) => Object.values((example as { upstreams: object }).upstreams))
    .flatMap(({ pipeline }) => pipeline);
  expect(entries).toHaveLength(7);
  for (const { signing: options } of entries) {
    expect(signing.schema.safeParse(options).error?.issues).toBeUndefined();
  }
});

const PEM =
  '-----BEGIN PRIVATE KEY-----\\nMC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF\\n-----END PRIVATE KEY-----';
const WHSEC = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
