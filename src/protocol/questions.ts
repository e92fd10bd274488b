// What servers ask, in the words of an initialize-era client. Data in, data out.

import type { RawObject } from './raw.ts';
import type { JsonObject, JsonValue } from './values.ts';
import { knowsSamplingContext, knowsUrlMode } from './versions.ts';

/** What a client knows: its revision, and what it declared. */
export interface Knowing {
  readonly version: string;
  readonly capabilities: RawObject;
}

/**
 * The parameters of a question as a client knows them.
 * @param id makes the elicitationId that 2026-07-28 has not, and 2025-11-25 requires of url mode
 */
export function questionForSession(
  client: Knowing,
  method: string,
  params: RawObject | undefined,
  id: () => string,
): RawObject | undefined {
  const { version } = client;
  if (method === 'sampling/createMessage') return withinContext(params, client);
  if (params === undefined || method !== 'elicitation/create') return params;
  if (knowsUrlMode(version)) {
    const wantsId = params.string('mode') === 'url' && !params.has('elicitationId');
    return wantsId ? params.with({ elicitationId: id() }) : params;
  }
  const schema = params.object('requestedSchema');
  const plain = schema && withoutTitledEnums(schema);
  return params.with({ mode: undefined, ...(plain && plain !== schema ? { requestedSchema: plain } : {}) });
}

/** Before 2025-11-25 a choice with titles is `enum` and `enumNames`. Choices of several have no form there. */
function withoutTitledEnums(schema: RawObject): RawObject {
  let properties = schema.object('properties');
  for (const key of properties?.keys() ?? []) {
    const property = properties?.object(key);
    const choices = titled(property?.get('oneOf'));
    if (property && choices)
      properties = properties?.with({ [key]: property.with({ oneOf: undefined, ...choices }) });
  }
  return properties && properties !== schema.object('properties') ? schema.with({ properties }) : schema;
}

function titled(oneOf: JsonValue | undefined): { enum: string[]; enumNames: string[] } | undefined {
  if (!Array.isArray(oneOf)) return undefined;
  const choices = (oneOf as readonly JsonObject[]).map((each) => ({
    value: each?.const,
    title: each?.title ?? each?.const,
  }));
  const isPlain = choices.every(({ value, title }) => typeof value === 'string' && typeof title === 'string');
  if (!isPlain) return undefined;
  return {
    enum: choices.map(({ value }) => value as string),
    enumNames: choices.map(({ title }) => title as string),
  };
}

/**
 * Sampling without context of other servers for clients that did not declare sampling.context (2025-11-25
 * client/sampling §Capabilities); before that revision there was nothing to declare.
 */
export function withinContext(params: RawObject | undefined, client: Knowing): RawObject | undefined {
  const wanted = params?.string('includeContext') ?? 'none';
  const may = client.capabilities.object('sampling')?.has('context') || !knowsSamplingContext(client.version);
  return wanted === 'none' || may ? params : params?.with({ includeContext: undefined });
}
