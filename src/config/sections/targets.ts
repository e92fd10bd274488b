// `upstreams.NAME`: where it is reached, and what becomes of a place that does not work. Knows no request.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references of gateway.yaml look like that
import { z } from 'zod';
import { parseDuration } from '../../lib/duration.ts';
import { camel, count, duration, fault, refuse } from '../fields.ts';

const address = z.string().transform((text, context) => {
  const parsed = URL.canParse(text) ? new URL(text) : undefined;
  const no = (message: string, hint: string): never => refuse(context, 'UPSTREAM_URL', message, hint);
  if (parsed === undefined) return no('not a URL', 'write https://host/path');
  if (!/^https?:$/.test(parsed.protocol))
    return no(`"${parsed.protocol}" is not supported`, 'use http: or https:');
  if (parsed.username !== '' || parsed.password !== '') {
    return no(
      'a URL with a user name or password',
      'send them as a header: headers: { Authorization: "Basic ${secret:NAME}" }',
    );
  }
  if (parsed.hash !== '') return no('a URL with a fragment', 'leave out what follows "#"');
  return parsed.href;
});

export const url = address
  .meta({ description: 'A server reached over HTTP.', examples: ['https://mcp.example.com/mcp'] })
  .optional();

export const urls = z
  .array(address)
  .min(1, { error: fault('VALUE_INVALID', 'no URL', 'name at least one') })
  .refine((all) => new Set(all).size === all.length, {
    error: fault('UPSTREAM_URL', 'the same place twice', 'name each once'),
  })
  .meta({
    description:
      'The same server in several places, instead of `url`. Calls are spread over those that work.',
    examples: [['https://a.example.com/mcp', 'https://b.example.com/mcp']],
  })
  .optional();

export const network = z
  .enum(['auto', 'public', 'private'])
  .meta({
    description:
      'Where the host name of a `url` may lead: `auto` anywhere, but to no loopback or private address once all of its addresses were public; `public` to public addresses alone; `private` anywhere at any time. To link-local and reserved addresses, where clouds have their metadata, in no case. An address that is written out is not judged.',
    examples: ['public', 'private'],
  })
  .prefault('auto');

export const balance = z
  .enum(['least', 'round_robin', 'first'])
  .meta({
    description:
      'Which of `urls` a call goes to: `least` the less busy one of two at random, `round_robin` each in turn, `first` the first that works. A session of 2025 stays where it was opened.',
    examples: ['first'],
  })
  .prefault('least');

const tripping = camel(
  z.strictObject({
    failures: count(5, { description: 'So many failures in a row, and it is not called for a while.' }),
    open: duration('500ms', {
      description: 'How long it is not called the first time. A random half of it is taken away.',
    }),
    open_max: duration('1s', {
      description:
        'The longest it is not called: each time without a success in between doubles `open` up to this. It is found to work again so much later at most; raise it for a server that counts how often it is asked.',
    }),
  }),
);

export const breaker = z
  .union([z.literal('off'), tripping])
  .meta({
    description:
      'When calls to a server that does not work are refused at once, with `UPSTREAM_UNAVAILABLE` and `data.retryAfterMs`. `off`: never.',
    examples: [{ failures: 3, open_max: '30s' }, 'off'],
  })
  .prefault({});

const probe = z
  .string({ error: fault('DURATION_INVALID', 'not a duration', 'write 30s, tripped or off') })
  .transform((text, context): 'tripped' | 'off' | number => {
    if (text === 'tripped' || text === 'off') return text;
    const ms = parseDuration(text);
    if (ms !== undefined && ms >= 100 && ms <= 86_400_000) return ms;
    return refuse(context, 'DURATION_INVALID', 'not a duration of 100ms to 24h', 'write 30s, tripped or off');
  })
  .meta({
    description:
      'When it is asked whether it works: `tripped` once it does not, a duration so often while it does, too, `off` never; then a call finds out.',
    examples: ['30s', 'off'],
  })
  .prefault('tripped');

export const health = z
  .strictObject({
    probe,
    timeout: duration('2s', { description: 'Longest wait for the answer to that.' }),
    path: z
      .string()
      .regex(/^\/[\x21-\x7e]*$/, {
        error: fault('VALUE_INVALID', 'not a path', 'begin with "/": /healthz'),
      })
      .meta({
        description:
          'What it is asked for, with GET: 2xx says that it works. Without it: `server/discover` of one that speaks 2026, `ping` of one with a session of 2025, else OPTIONS, which says that something is there, and the next call tries.',
        examples: ['/healthz'],
      })
      .optional(),
  })
  .meta({ description: 'How a `url` that failed is found to work again.', examples: [{ path: '/healthz' }] })
  .prefault({});

export type BreakerField = z.output<typeof breaker>;
export type HealthField = z.output<typeof health>;
export type NetworkField = z.output<typeof network>;
export type BalanceField = z.output<typeof balance>;
