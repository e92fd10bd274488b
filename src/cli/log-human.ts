// One log line for people: time, level, message, then fields. Knows pino's line only by its JSON.

import { visible } from './log-fields.ts';

/** People need the beginning; programs read JSON. */
const UUID = /^([0-9a-f]{8})-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const COLOR: Readonly<Record<string, number>> = { debug: 90, info: 36, warn: 33, error: 31 };

/** Turns a JSON log line into `18:44:09 info  message  key=value`, ending in a line break. */
export function humanLine(line: string, color: boolean): string {
  const { level, time, msg, ...fields } = JSON.parse(line) as Record<string, unknown>;
  const paint = (code: number, text: string): string =>
    color && text ? `\u001b[${code}m${text}\u001b[0m` : text;
  const name = String(level);
  const rest = Object.entries(fields).map(([key, value]) => paint(2, `${key}=${shown(value)}`));
  const head = `${paint(2, clock(String(time)))} ${paint(COLOR[name] ?? 0, name.padEnd(5))} ${visible(String(msg))}`;
  return `${[head, ...rest].join('  ')}\n`;
}

function clock(time: string): string {
  const date = new Date(time);
  return [date.getHours(), date.getMinutes(), date.getSeconds()]
    .map((n) => String(n).padStart(2, '0'))
    .join(':');
}

/** A text with spaces or quotes gets quotes, so that two fields cannot look like three. */
function shown(value: unknown): string {
  if (typeof value !== 'string') return JSON.stringify(value) ?? '';
  const text = visible(value).replace(UUID, '$1');
  return text === '' || /[\s"=]/.test(text) ? `"${text.replaceAll('"', '\\"')}"` : text;
}
