// docs/plugins/progress.md says of the options what their schema says.
import { expect, test } from 'bun:test';
import { join } from 'node:path';
import progress from '../../plugins/progress.ts';
import { rowsOf, schemaOf } from '../fixtures/option-rows.ts';

const page = await Bun.file(join(import.meta.dir, '../../docs/plugins/progress.md')).text();

test('the page has the sentence of the plugin, and a row for every option', () => {
  const schema = schemaOf(progress.schema);
  const clients = schema.properties?.clients as { additionalProperties: typeof schema };
  const rows = [...rowsOf(schema), ...rowsOf(clients.additionalProperties, 'clients.NAME.')];
  expect(page).toStartWith(`# ${progress.name}\n\n${progress.about}\n`);
  expect([...(page.match(/^\| `.*$/gm) ?? [])]).toEqual(rows);
});

test('its examples are configurations the plugin takes', () => {
  const examples = [...page.matchAll(/^```yaml[^\n]*\n(.*?)^```/gms)].map(([, text = '']) =>
    Bun.YAML.parse(text),
  );
  expect(examples.length).toBeGreaterThan(1);
  for (const example of examples)
    for (const { progress: options } of (example as { pipeline: { progress: unknown }[] }).pipeline)
      expect(progress.schema.safeParse(options).error?.issues).toBeUndefined();
});
