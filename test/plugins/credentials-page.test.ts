// docs/plugins/credentials.md says of the options what their schema says.
import { expect, test } from 'bun:test';
import { join } from 'node:path';
import credentials from '../../plugins/credentials.ts';
import { pemOf, signer } from '../fixtures/oidc/provider.ts';
import { tables } from './credentials-tables.ts';

const page = await Bun.file(join(import.meta.dir, '../../docs/plugins/credentials.md')).text();

test('the page has the sentence of the plugin', () => {
  expect(page).toStartWith(`# ${credentials.name}\n\n${credentials.about}\n`);
});

test('it has a row for every option', () => {
  expect([...(page.match(/^\| `.*$/gm) ?? [])]).toEqual(Object.values(tables()).flat());
});

test('its examples are configurations the plugin takes', () => {
  const read = (text: string): unknown =>
    Bun.YAML.parse(
      text
        .replaceAll(/\$\{file:[^}]+\}/g, pemOf(signer.privateKey).replaceAll('\n', '\\n'))
        .replaceAll(/\$\{\w+:\w+\}/g, 'x'),
    );
  const entries = [...page.matchAll(/^```yaml\n(.*?)^```/gms)]
    .map(
      ([, text = '']) =>
        read(text) as { upstreams: Record<string, { pipeline: { credentials: unknown }[] }> },
    )
    .flatMap(({ upstreams }) => Object.values(upstreams))
    .flatMap(({ pipeline }) => pipeline);
  expect(entries).toHaveLength(5);
  for (const { credentials: options } of entries)
    expect(credentials.schema.safeParse(options).error?.issues).toBeUndefined();
});
