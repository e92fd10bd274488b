// What callers may do by their scopes: some for every call, more for some of them. Who lacks one is told all that the
// call needs, so that it asks once (RFC 6750 §3.1, 2026-07-28 authorization §Step-Up).

import { anyGlob, type McpRequest, z } from '../../src/plugin.ts';

const scope = z
  .string()
  .regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/, 'is no scope: it has spaces, quotes or letters beyond ASCII');

export const scopes = z
  .array(scope)
  .meta({ description: 'What every call needs.', examples: [['mcp:use']] })
  .prefault([]);

const patterns = (description: string, example: string) =>
  z
    .array(z.string().min(1))
    .min(1)
    .meta({ description: `${description} \`*\` stands for any text.`, examples: [[example]] })
    .optional();

export const rules = z
  .array(
    z.strictObject({
      methods: patterns(
        'MCP methods. Default: all. `resources/subscribe` is also for resources in `subscriptions/listen`.',
        'tools/call',
      ),
      names: patterns('Tools, prompts or URIs, as the caller knows them. Default: all.', 'delete_*'),
      scopes: z.array(scope).min(1).meta({ description: 'What such a call needs beside.' }),
    }),
  )
  .meta({
    description: 'What some calls need.',
    examples: [[{ methods: ['tools/call'], names: ['delete_*'], scopes: ['mcp:admin'] }]],
  })
  .prefault([]);

export type Rules = z.output<typeof rules>;

/** All scopes that a request needs. */
export function neededBy(
  request: McpRequest,
  always: readonly string[],
  more: readonly { methods: Test; names: Test | undefined; scopes: readonly string[] }[],
): string[] {
  const names = namesIn(request);
  const methods = methodsIn(request);
  const held = more.filter((rule) => methods.some(rule.methods) && (!rule.names || names.some(rule.names)));
  return [...new Set([...always, ...held.flatMap((rule) => rule.scopes)])];
}

type Test = (text: string) => boolean;

/** Rules, ready to be asked. */
export function compiled(rules: Rules) {
  return rules.map(({ methods, names, scopes }) => ({
    methods: methods ? anyGlob(methods) : () => true,
    names: names && anyGlob(names),
    scopes,
  }));
}

/** What it is called in either era: resources are watched by a method of its own in the one, in a stream in the other. */
function methodsIn({ method, params }: McpRequest): string[] {
  const { resourceSubscriptions: watched } = Object(params.notifications);
  return Array.isArray(watched) && watched.length > 0 ? [method, 'resources/subscribe'] : [method];
}

/** What a request is about: a tool or prompt, a resource, what is completed, the resources that are watched. */
function namesIn({ params }: McpRequest): string[] {
  const { name, uri, ref, notifications } = params as Readonly<Record<string, unknown>>;
  const of = (value: unknown): Readonly<Record<string, unknown>> => Object(value);
  const { resourceSubscriptions: watched } = of(notifications);
  const uris = [uri, of(ref).uri, ...(Array.isArray(watched) ? watched : [])].filter(isText);
  return [...[name, of(ref).name].filter(isText), ...uris, ...uris.flatMap(otherwise)];
}

const isText = (value: unknown): value is string => typeof value === 'string';

/** A URI as its server may read it: with what leads nowhere taken out, and escapes that need none resolved. */
function otherwise(uri: string): string[] {
  if (!URL.canParse(uri)) return [];
  const { href } = new URL(uri);
  try {
    return [href, decodeURIComponent(href)];
  } catch {
    return [href];
  }
}
