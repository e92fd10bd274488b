// Masks e-mail addresses and tokens in all that upstreams say: results, errors, questions, notifications.
import { definePlugin, type JsonObject, type JsonValue, z } from 'sluice/plugin';

const EMAIL = /[\w.+-]{1,64}@[a-z0-9-]+(?:\.[a-z0-9-]+)+/gi;
const TOKEN =
  /\b(?:sk|pk|gh[opsu]|github_pat|glpat|xox[abprs]|demo_tok)[-_][\w-]{8,}|\bAKIA[0-9A-Z]{16}\b|\beyJ[\w-]+\.[\w-]+\.[\w-]+/g;

/** Members that are handed back as they came; a client could not go on with others. */
const OPAQUE = new Set(['requestState', 'nextCursor']);

export default definePlugin({
  name: 'redact',
  api: 1,
  about: 'Masks e-mail addresses and tokens in results and notifications.',
  schema: z.strictObject({
    emails: z.boolean().meta({ description: 'Mask e-mail addresses.' }).prefault(true),
    tokens: z.boolean().meta({ description: 'Mask texts that look like access tokens.' }).prefault(true),
    words: z.array(z.string().min(1)).meta({ description: 'Mask these, too.' }).prefault([]),
    mask: z.string().meta({ description: 'What stands in their place.' }).prefault('[redacted]'),
  }),
  setup({ emails, tokens, words, mask }) {
    const patterns = [...(emails ? [EMAIL] : []), ...(tokens ? [TOKEN] : [])];
    const hide = (text: string): string => {
      const shorter = words.reduce((rest, word) => rest.replaceAll(word, () => mask), text);
      return patterns.reduce((rest, pattern) => rest.replace(pattern, () => mask), shorter);
    };
    const changes = (message: JsonObject): JsonObject =>
      Object.fromEntries(
        Object.entries(message).flatMap(([key, value]) =>
          OPAQUE.has(key) ? [] : [[key, redact(value, hide)]],
        ),
      );
    return {
      onNotification: (note) => note.with(changes(note.params)),
      onResult: (result) => result.with(changes(result.value)),
    };
  },
});

/** A copy with every text masked; the value itself where there is nothing to mask, so that its bytes stay. */
function redact(value: JsonValue, hide: (text: string) => string): JsonValue {
  if (typeof value === 'string') return hide(value);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    const masked = value.map((each: JsonValue) => redact(each, hide));
    return masked.every((each, i) => each === value[i]) ? value : masked;
  }
  const object = value as JsonObject;
  const masked = Object.entries(object).map(([key, each]) => [
    key,
    isBinary(key, object) ? each : redact(each, hide),
  ]);
  return masked.every(([key, each]) => each === object[key as string]) ? object : Object.fromEntries(masked);
}

/** Base64 is no text, and an address of a resource is what the client asks for next. */
function isBinary(key: string, object: JsonObject): boolean {
  if (key === 'data') return object.type === 'image' || object.type === 'audio';
  return key === 'uri' || (key === 'blob' && 'uri' in object);
}
