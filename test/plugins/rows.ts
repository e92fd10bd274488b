// The rows of a page's table of options, as the schema has them.
import type { z } from 'zod';

export type Json = z.core.JSONSchema.JSONSchema;

function typeOf({ enum: words, type, format, pattern, examples, anyOf }: Json): string {
  if (words) return words.map((word) => `\`${word}\``).join(', ');
  if (anyOf) return anyOf.map((each) => typeOf(each as Json)).join(' or ');
  if (format === 'date-time') return 'time';
  if (pattern?.includes('ms') && examples) return 'duration';
  return (
    { string: 'text', integer: 'whole number', array: 'list', object: 'map' }[String(type)] ?? String(type)
  );
}

function presetOf(preset: unknown): string {
  if (preset === undefined) return '';
  if (typeof preset === 'object') return Object.keys(preset as object).length === 0 ? 'none' : 'see above';
  return `\`${preset || "''"}\``;
}

/** A row for every option, those within others named by their path; `skip` are described elsewhere. */
export function rowsOf(schema: Json, skip: readonly string[] = [], path = ''): string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, property]) => {
    const option = property as Json;
    const items = option.items as Json | undefined;
    if (option.const !== undefined || skip.includes(name)) return [];
    const isNeeded = schema.required?.includes(name) === true;
    const preset = isNeeded ? 'needed' : presetOf(option.default);
    const row = `| \`${path}${name}\` | ${typeOf(option)} | ${preset} | ${option.description} |`;
    if (option.properties) return [row, ...rowsOf(option, skip, `${path}${name}.`)];
    if (items?.properties) return [row, ...rowsOf(items, skip, `${path}${name}[].`)];
    return [row];
  });
}
