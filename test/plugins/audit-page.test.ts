// docs/plugins/audit.md says of the options what their schema says.
import { expect, test } from 'bun:test';
import { join } from 'node:path';
import audit from '../../plugins/audit.ts';
import { rowsOf, schemaOf } from '../fixtures/option-rows.ts';

const page = await Bun.file(join(import.meta.dir, '../../docs/plugins/audit.md')).text();

test('the page has the sentence of the plugin', () => {
  expect(page).toStartWith(`# ${audit.name}\n\n${audit.about}\n`);
});

test('it has a row for every option', () => {
  const [, section = ''] = /^## Options$(.*?)^## /ms.exec(page) ?? [];
  expect(section.match(/^\| `.*$/gm)?.map(String)).toEqual(rowsOf(schemaOf(audit.schema)));
});

test('its examples are configurations the plugin takes', () => {
  const examples = [...page.matchAll(/^```yaml\n(.*?)^```/gms)].map(([, text = '']) => Bun.YAML.parse(text));
  const entries = examples.flatMap((example) => (example as { pipeline: object[] }).pipeline);
  const own = entries.flatMap((entry) =>
    typeof entry === 'object' && 'audit' in entry ? [entry.audit] : [],
  );
  expect(own.length).toBeGreaterThan(0);
  for (const options of own) expect(audit.schema.safeParse(options ?? {}).error?.issues).toBeUndefined();
});
