// `endpoints:` what a client sees under which path. Must not know how it is routed; names and views are in offering.ts.
import { z } from 'zod';
import { bareKey, fault } from '../fields.ts';
import { expose } from './expose.ts';
import { aliases, collisions, endpointRules, maxTools, names, shortNames, views } from './offering.ts';

/** Paths the gateway answers itself; an endpoint may not take them. */
export const RESERVED_PATHS = ['/healthz', '/readyz', '/metrics', '/.well-known'] as const;

export function isReserved(path: string): boolean {
  return RESERVED_PATHS.some((own) => path === own || path.startsWith(`${own}/`));
}

const PATH = /^\/(?:(?!\.{1,2}(?:\/|$))[A-Za-z0-9._~-]+(?:\/(?!$)|$))*$/;

const path = z.string().regex(PATH, {
  error: fault(
    'ENDPOINT_PATH',
    'not a path',
    'start with "/" and use letters, digits, ".", "_", "~" and "-": /mcp',
  ),
});

const endpoint = z
  .strictObject({
    upstreams: z
      .array(z.string())
      .min(1, { error: fault('VALUE_INVALID', 'no upstream', "name at least one, or '*' for all") })
      .meta({
        description: "Upstreams to expose here, by name; `'*'` is all of them.",
        examples: [['github', 'files'], ['*']],
      })
      .prefault(['*']),
    names,
    short_names: shortNames,
    aliases,
    collisions,
    ...endpointRules,
    max_tools: maxTools,
    expose,
    views,
    sse: z
      .string({ error: fault('ENDPOINT_PATH', 'not a path', 'write /sse, auto or off') })
      .refine((text) => text === 'auto' || text === 'off' || PATH.test(text), {
        error: fault('ENDPOINT_PATH', 'not a path', 'write /sse, auto or off'),
      })
      .meta({
        description:
          'Where clients of the older transport HTTP+SSE come in: a path, or `off`. `auto` is `/sse` for `/mcp`, `/a/sse` for `/a/mcp` and `/a/sse` for `/a`, unless another endpoint has it.',
        examples: ['/sse', 'off'],
      })
      .prefault('auto'),
  })
  .meta({ description: 'What one path exposes.', examples: [{ upstreams: ['github'] }] });

export const endpoints = z
  .record(path, bareKey(endpoint))
  .meta({
    description: 'Paths that speak MCP, each with its selection of upstreams.',
    examples: [{ '/mcp': {}, '/mcp/ci': { upstreams: ['github'], names: 'none' } }],
  })
  .prefault({ '/mcp': {} });
