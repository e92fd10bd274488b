// docs/plugins/progress.md says of the options what their schema says.
import { expect, test } from 'bun:test';
import { join } from 'node:path';
import { z } from 'zod';
import progress from '../../plugins/progress.ts';

const page = await Bun.file(join(import.meta.dir, '../../docs/plugins/progress.md')).text();

test('the page has the sentence of the plugin, and a row for every option', () => {
  const { properties = {} } = z.toJSONSchema(progress.schema, { io: 'input' });
  const rows = Object.entries(properties).map(([name, property]) => {
    const { description, pattern, default: preset } = property as z.core.JSONSchema.JSONSchema;
    return `| \`${name}\` | ${pattern ? 'duration' : 'whole number'} | \`${preset}\` | ${description} |`;
  });
  expect(page).toStartWith(`# ${progress.name}\n\n${progress.about}\n`);
  expect([...(page.match(/^\| `.*$/gm) ?? [])]).toEqual(rows);
});

test('its example is a configuration the plugin takes', () => {
  const [, every] = /progress: \{ every: (\w+) \}/.exec(page) ?? [];
  expect(progress.schema.parse({ every }).every).toBe(100);
});
