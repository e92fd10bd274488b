// `upstreams:` the servers behind the gateway. Must not know how one is reached or spoken to.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references of gateway.yaml look like that
import { z } from 'zod';
import { parseDuration } from '../../lib/duration.ts';
import { camel, count, duration, fault, refuse } from '../fields.ts';
import { cache } from './cache.ts';
import { concurrency } from './concurrency.ts';
import { overrides, upstreamRules } from './offering.ts';
import { pin } from './pin.ts';
import { pipeline } from './pipeline.ts';
import { retry } from './retry.ts';
import { balance, breaker, health, network, url, urls } from './targets.ts';
import { timeouts } from './timeouts.ts';
import { upstreamTls } from './upstream-tls.ts';
import { owns, uris } from './uris.ts';

/** The three kinds of upstream, each named by the field that makes it one. */
export const KINDS = ['builtin', 'url', 'command'] as const;
export type Kind = (typeof KINDS)[number];

/** The fields that say which kind it is: one of them has two. */
export const FIELDS = ['builtin', 'url', 'urls', 'command'] as const;

/** Those of one kind. */
export function fieldsOf(kind: Kind): readonly string[] {
  return kind === 'url' ? ['url', 'urls'] : [kind];
}

/** Fields that mean something for one kind only. */
export const KIND_OF_FIELD: Readonly<Record<string, Kind>> = {
  urls: 'url',
  network: 'url',
  tls: 'url',
  balance: 'url',
  health: 'url',
  headers: 'url',
  args: 'command',
  env: 'command',
  cwd: 'command',
  sessions: 'url',
  instances: 'command',
  restart: 'command',
  stop: 'command',
  kill: 'command',
};

/** What `type:` or `transport:` of an mcpServers file says about the kind. */
export const KIND_OF_TYPE: Readonly<Record<string, Kind>> = {
  stdio: 'command',
  http: 'url',
  'streamable-http': 'url',
  sse: 'url',
};

const name = z.string().regex(/^(?!.*__)[a-z0-9][a-z0-9_-]{0,31}$/, {
  error: fault(
    'UPSTREAM_NAME',
    'not a name for an upstream',
    'use at most 32 of a-z, 0-9, "-" and "_", beginning with a letter or digit, without "__"',
  ),
});

const headerName = z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, {
  error: fault('UPSTREAM_HEADER', 'not a header name', 'use letters, digits and "-"'),
});

const headerValue = z.string().regex(/^[\t\x20-\x7e\x80-\xff]*$/, {
  error: fault(
    'UPSTREAM_HEADER',
    'a header value is one line of Latin-1 text',
    'look for a line break in what it refers to',
  ),
});

const variable = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, {
  error: fault('VALUE_INVALID', 'not the name of an environment variable', 'use letters, digits and "_"'),
});

/** What sessions and processes have in common. */
const sharing = {
  idle: duration('15m', {
    description:
      'One for a principal is closed when nothing has used it for this long: no call, parked ones included, and no subscription.',
  }),
  wait: duration(
    '10s',
    {
      description:
        'Where several callers share one channel, a pipe or HTTP+SSE: how long a call that can be asked waits until it is alone, so that a question is certainly its own. Then it runs beside the others, and a question that could be another’s is declined.',
    },
    0,
  ),
  queue: count(64, { description: 'Most calls that wait so. One more runs at once.' }, 0),
};

const sessions = z.strictObject({
  per: z
    .enum(['session', 'principal', 'request', 'shared'])
    .meta({
      description:
        'Whom one session serves: `session` one client session, or, for clients of 2026, which have none, one principal and what its clients can be asked; `principal` the latter for all; `request` one request, after which it is ended (subscriptions and greetings share one as with `principal`); `shared` everybody.',
      examples: ['principal'],
    })
    .prefault('session'),
  max: count(10_000, {
    description: 'Most at once. One more takes the place of the one unused for longest.',
  }),
  ...sharing,
});

const idleStop = z
  .string({ error: fault('DURATION_INVALID', 'not a duration', 'write 15m, or off') })
  .transform((text, context): 'off' | number => {
    if (text === 'off') return text;
    const ms = parseDuration(text);
    // The longest wait a timer of the runtime can hold is a little more than that.
    if (ms !== undefined && ms >= 1 && ms <= 2_073_600_000) return ms;
    return refuse(context, 'DURATION_INVALID', 'not a duration of 1ms to 24d', 'write 15m, or off');
  })
  .meta({
    description:
      'One that several callers share is ended when nothing has used it for this long, and started again by the next call. `off`: never, since a server may remember something.',
    examples: ['15m', 'off'],
  })
  .prefault('off');

const instances = camel(
  z.strictObject({
    per: z
      .enum(['auto', 'session', 'principal', 'request', 'shared'])
      .meta({
        description:
          'Whom one process serves: `session`, `principal`, `request` and `shared` as with `sessions`; `auto` everybody who cannot be asked anything, and one process, as with `session`, for each that can (elicitation, sampling, roots), as long as there are two fewer than `max`; the others share one.',
        examples: ['session'],
      })
      .prefault('auto'),
    max: count(16, { description: 'Most at once. One more takes the place of the one unused for longest.' }),
    ...sharing,
    idle_stop: idleStop,
  }),
);

const restart = camel(
  z.strictObject({
    max: count(
      5,
      {
        description:
          'Most restarts within the time below; more, and it is not started again until that time has passed.',
      },
      0,
    ),
    within: duration('60s', { description: 'The time in which restarts are counted.' }),
    backoff: duration(
      '250ms',
      {
        description:
          'Longest wait before the second restart in that time, twice as long before each further one. Half of it, and a random part of the other half, are waited for.',
      },
      0,
    ),
    max_backoff: duration('10s', { description: 'The longest it gets.' }, 0),
  }),
);

const upstream = z
  .strictObject({
    builtin: z
      .enum(['demo'])
      .meta({ description: 'A server inside the gateway.', examples: ['demo'] })
      .optional(),
    url,
    urls,
    network,
    tls: upstreamTls,
    balance,
    breaker,
    health,
    command: z
      .string()
      .min(1, { error: fault('VALUE_INVALID', 'no command') })
      .meta({
        description: 'A server started as a process that speaks over stdio. No shell is involved.',
        examples: ['npx'],
      })
      .optional(),
    args: z
      .array(z.string())
      .meta({
        description: 'Arguments of `command`.',
        examples: [['-y', '@modelcontextprotocol/server-filesystem', '/data']],
      })
      .optional(),
    env: z
      .record(variable, z.string())
      .meta({
        description:
          'Environment of `command`, added to a small safe part of the gateway’s own. Never shown.',
        examples: [{ API_TOKEN: '${secret:token}' }],
      })
      .optional(),
    cwd: z
      .string()
      .min(1, { error: fault('VALUE_INVALID', 'no directory') })
      .meta({ description: 'Working directory of `command`, relative to this file.', examples: ['./data'] })
      .optional(),
    headers: z
      .record(headerName, headerValue)
      .meta({
        description: 'Headers sent with every request to `url`. Never shown.',
        examples: [{ Authorization: 'Bearer ${secret:github}' }],
      })
      .optional(),
    type: z
      .enum(['http', 'streamable-http', 'sse', 'stdio'])
      .meta({
        description:
          'As in mcpServers files; must agree with `url` or `command`. For a `url` it settles the transport: `http` is Streamable HTTP, `sse` the older one with two endpoints. Without it both are tried.',
        examples: ['sse'],
      })
      .optional(),
    transport: z
      .enum(['http', 'streamable-http', 'sse', 'stdio'])
      .meta({ description: 'Another name of `type`.', examples: ['sse'] })
      .optional(),
    era: z
      .literal(['auto', '2025', '2026', 2025, 2026])
      .meta({
        description:
          'Protocol era to speak: with `initialize` (2025), without (2026), or found out on contact.',
        examples: [2026],
      })
      .transform((era) => String(era) as 'auto' | '2025' | '2026')
      .prefault('auto'),
    timeouts,
    concurrency,
    retry,
    sessions: sessions
      .meta({
        description: 'How sessions with a `url` of 2025 are shared.',
        examples: [{ per: 'principal', idle: '5m' }],
      })
      .prefault({}),
    instances: instances
      .meta({
        description: 'How many processes of `command` there are.',
        examples: [{ per: 'session', max: 4 }],
      })
      .prefault({}),
    restart: restart
      .meta({
        description: 'How often a `command` that ended is started again.',
        examples: [{ max: 3, within: '30s' }],
      })
      .prefault({}),
    stop: duration(
      '5s',
      {
        description:
          'To end `command`, its input is closed; after this long it and all it started are asked to end (TERM).',
      },
      0,
    ),
    kill: duration('3s', { description: 'After this long they are killed (KILL).' }, 0),
    cache,
    pin,
    ...upstreamRules,
    overrides,
    uris,
    owns,
    pipeline: pipeline.meta({
      description: 'Plugins that run for this upstream alone, once per request sent to it.',
      examples: [[{ './plugins/stamp.ts': { header: 'X-Stamp' } }]],
    }),
  })
  .meta({
    description: 'One server: exactly one of `builtin`, `url`, `urls` and `command`.',
    examples: [{ url: 'https://mcp.example.com/mcp' }],
    oneOf: FIELDS.map((field) => ({ required: [field] })),
    dependentSchemas: Object.fromEntries(
      Object.entries(KIND_OF_FIELD)
        .filter(([field]) => field !== 'urls')
        .map(([field, kind]) => [field, { anyOf: fieldsOf(kind).map((one) => ({ required: [one] })) }]),
    ),
  });

export const upstreams = z
  .record(name, upstream)
  .meta({
    description:
      'The servers behind the gateway, by name. Fields are those of `mcpServers` files: an entry pastes in.',
    examples: [{ demo: { builtin: 'demo' } }],
  })
  .prefault({});

export type ParsedUpstream = z.output<typeof upstream>;
export type Timeouts = ParsedUpstream['timeouts'];
export type Sessions = ParsedUpstream['sessions'];
export type Instances = ParsedUpstream['instances'];
export type Restart = ParsedUpstream['restart'];
export type Era = ParsedUpstream['era'];
