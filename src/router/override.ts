// One tool of an upstream as the configuration changes it: another description, arguments with a fixed value. What
// is not changed keeps its bytes. Names are made elsewhere.

import { errorResult } from '../core/errors.ts';
import { canonical } from '../protocol/canonical.ts';
import type { McpRequest, McpResult } from '../protocol/message.ts';
import { RawObject } from '../protocol/raw.ts';
import type { JsonObject } from '../protocol/values.ts';

export interface Override {
  readonly name?: string | undefined;
  readonly title?: string | undefined;
  readonly description?: string | undefined;
  /** Values of arguments, whatever the client wants; it is not told of these arguments. */
  readonly arguments?: JsonObject | undefined;
}

/** The tool as clients are shown it, but for its name. */
export function overridden(item: RawObject, { title, description, arguments: fixed }: Override): RawObject {
  const schema = fixed && item.object('inputSchema');
  return item.with({
    ...(title === undefined ? {} : { title }),
    ...(description === undefined ? {} : { description }),
    ...(schema ? { inputSchema: without(schema, Object.keys(fixed)) } : {}),
  });
}

/** Fixed arguments that the tool's schema does not have. */
export function unknownArguments(item: RawObject, { arguments: fixed = {} }: Override): string[] {
  const properties = item.object('inputSchema')?.object('properties');
  return Object.keys(fixed).filter((name) => !properties?.has(name));
}

/**
 * The call with its fixed arguments; a refusal where the client says something else: what it asked for must not be
 * silently something other than what it gets.
 * @param name of the tool as the client knows it
 */
export function withArguments(request: McpRequest, values: JsonObject, name: string): McpRequest | McpResult {
  const given = request.raw?.object('arguments');
  if (!given && (request.raw?.get('arguments') ?? null) !== null) return request;
  const args = given ?? RawObject.of({});
  for (const [key, value] of Object.entries(values)) {
    const said = args.get(key);
    if (said !== undefined && canonical(said) !== canonical(value))
      return errorResult(
        'PARAMS_INVALID',
        `The argument "${key}" of ${name} is set here already: leave it out.`,
        {
          tool: name,
          argument: key,
        },
      );
  }
  return request.with({ arguments: args.with(values) });
}

function without(schema: RawObject, names: readonly string[]): RawObject {
  const properties = schema.object('properties');
  const required = schema.get('required');
  const rest = Array.isArray(required) ? required.filter((name) => !names.includes(String(name))) : [];
  const isShorter = Array.isArray(required) && rest.length < required.length;
  return schema.with({
    ...(properties
      ? { properties: properties.with(Object.fromEntries(names.map((name) => [name, undefined]))) }
      : {}),
    ...(isShorter ? { required: rest.length > 0 ? rest : undefined } : {}),
  });
}
