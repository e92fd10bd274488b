// `admin:`, `state:`, `telemetry:`, `limits:` the gateway as a running service. Knows nothing of messages.
import { z } from 'zod';
import { type About, camel, count, duration, fault, refuse, size } from '../fields.ts';
import { type ListenAddress, parseListen } from '../listen.ts';

const adminListen = (about: About) =>
  z
    .string({ error: fault('LISTEN_INVALID', 'not an address', 'write 127.0.0.1:7421, or off') })
    .meta({ ...about })
    .transform((text, context): ListenAddress | 'off' => {
      if (text === 'off') return 'off';
      const address = parseListen(text);
      if ('kind' in address) return address;
      // YAML 1.2 knows no boolean but true and false, so these arrive as texts.
      const isNo = /^(?:no|none|false|disabled|never)$/i.test(text);
      const hint = isNo ? 'for nowhere write off' : address.hint;
      return refuse(context, 'LISTEN_INVALID', address.message, hint);
    })
    .prefault('127.0.0.1:7421');

export const admin = z
  .strictObject({
    listen: adminListen({
      description: 'Where metrics, health and the console answer; `off` for nowhere. This machine only.',
      examples: ['127.0.0.1:7421', 'off'],
    }),
    socket: z
      .string()
      .min(1, { error: fault('VALUE_INVALID', 'no path', 'write a path, or off') })
      .meta({
        description:
          'Socket file the `sluice` commands talk to; `off` for none. Default: in the runtime directory of the user.',
        examples: ['./sluice.sock', 'off'],
      })
      .optional(),
  })
  .meta({
    description: 'The side of the gateway that its operator uses.',
    examples: [{ listen: '127.0.0.1:7421', socket: './sluice.sock' }],
  })
  .prefault({});

export const state = z
  .strictObject({
    dir: z
      .string()
      .min(1, { error: fault('VALUE_INVALID', 'no directory') })
      .meta({
        description:
          'Directory for keys and other things that outlive a restart. Default: the state directory of the user.',
        examples: ['/var/lib/sluice'],
      })
      .optional(),
    pins: z
      .string()
      .min(1, { error: fault('VALUE_INVALID', 'no file') })
      .meta({
        description:
          'File of the approved definitions of tools, fit to be committed. Default: `pins.json` in that directory.',
        examples: ['./pins.json'],
      })
      .optional(),
    size: size('64MiB', {
      description:
        'Most space for what is known of sessions. Beyond it those longest unused are forgotten, ended ones last.',
    }),
    lists: size('64MiB', {
      description:
        'Most space for what upstreams have listed, so that a start need not wait for them. Beyond it what was longest unused is forgotten.',
    }),
    busy: duration('5s', {
      description:
        'Where several gateways share the directory: how long one waits for another that writes, at the start and for each change. What cannot be written by then is given up, and counted.',
    }),
  })
  .meta({ description: 'What the gateway keeps.', examples: [{ dir: '/var/lib/sluice' }] })
  .prefault({});

const log = z
  .strictObject({
    level: z
      .enum(['debug', 'info', 'warn', 'error'])
      .meta({ description: 'Least important entry to write.', examples: ['debug'] })
      .prefault('info'),
    format: z
      .enum(['auto', 'json', 'human'])
      .meta({ description: '`auto` is `human` on a terminal and `json` elsewhere.', examples: ['json'] })
      .prefault('auto'),
  })
  .meta({ description: 'The log, on stderr.', examples: [{ level: 'debug', format: 'json' }] })
  .prefault({});

export const telemetry = z
  .strictObject({ log })
  .meta({ description: 'What the gateway tells about itself.', examples: [{ log: { level: 'debug' } }] })
  .prefault({});

/** What the runtime counts in seconds, up to 255 of them. */
const idle = (preset: string, about: About) =>
  duration(preset, about, 1_000).transform((ms, context) =>
    ms > 255_000
      ? refuse(context, 'DURATION_INVALID', 'must be at most 255s')
      : Math.ceil(ms / 1_000) * 1_000,
  );

export const limits = camel(
  z.strictObject({
    body: size('4MiB', { description: 'Longest request body.' }),
    depth: count(64, { description: 'Deepest nesting of a message.' }),
    keys: count(10_000, {
      description: 'Most object keys in a message of a client. An upstream may send a hundred times as many.',
    }),
    string: size('4MiB', { description: 'Longest string in a message of a client, in characters.' }),
    response: size('16MiB', {
      description:
        'Longest answer of an upstream that is held whole: because a plugin looks into it, or the gateway has to.',
    }),
    stream_from: size('1MiB', {
      description:
        'An answer that is longer is passed on as it comes, where nothing has to look into it: results of `tools/call`, `resources/read` and `prompts/get`.',
    }),
    result: size('1GiB', { description: 'Longest result passed on so.' }),
    event: size('16MiB', {
      description:
        'Longest event in a stream of an upstream, but for results that are passed on as they come.',
    }),
    stream_buffer: size('1MiB', { description: 'Most bytes held for a call whose client reads slowly.' }),
    in_flight: count(2_048, { description: 'Most requests at work at once.' }),
    batch: count(64, { description: 'Most messages in a batch of a client; one revision alone has them.' }),
    streams: count(4_096, { description: 'Most open event streams.' }),
    sessions: count(10_000, { description: 'Most client sessions of the 2025 era.' }),
    session_idle: duration('24h', { description: 'A session unused for this long is forgotten.' }),
    session_rest: duration('1h', {
      description:
        'The connections and processes of a session unused for this long are closed; its next request opens them again.',
    }),
    subscriptions: count(1_000, { description: 'Most resources and tasks that one client watches.' }),
    line: size('16MiB', {
      description: 'Longest line over stdio, but for results that are passed on as they come.',
    }),
    stderr: size('64KiB', { description: 'Most text taken from the stderr of one process, per second.' }),
    parked: count(1_000, { description: 'Most calls waiting for an answer of their client.' }),
    park_ttl: duration('10m', { description: 'Longest such wait.' }),
    resume_events: count(256, {
      description: 'Most notifications of one stream kept for a client of a session that reconnects.',
    }),
    resume_session_bytes: size('8MiB', { description: 'Most bytes kept for that, for one session.' }),
    resume_bytes: size('64MiB', { description: 'The same for all sessions together.' }),
    resume_ttl: duration('5m', { description: 'How long a stream without a reader is kept for that.' }),
    resume_retry: duration('1s', { description: 'How long such a client is asked to wait before it does.' }),
    keep_alive: duration('15s', { description: 'Between two signs of life on a quiet event stream.' }),
    list_timeout: duration('5s', {
      description:
        'How long one upstream may hold up what several answer together: lists, `server/discover`, the start of a subscription, and the question which of them has a name. Then the answer goes out without it.',
    }),
    list_patience: duration('300ms', {
      description:
        'The same where its list is known from before, or where it failed the last time. Then the answer goes out with the list as it was; the new one is told of when it comes.',
    }),
    list_retry: duration('10s', {
      description:
        'An upstream that hung holds nobody up for this long. One that failed is asked again so often while clients listen for changes.',
    }),
    list_refresh: duration('1m', {
      description: 'How long a list may take for which nobody waits any more.',
    }),
    list_grace: duration('10m', {
      description:
        'How long the last good list of an upstream that fails is shown. After that it is left out.',
    }),
    list_fresh: duration('1m', {
      description: 'How long a list is believed when a call looks for the upstream that has a name.',
    }),
    list_debounce: duration(
      '100ms',
      {
        description:
          'How long changes of lists are gathered before clients are told, once, of those that they see differently.',
      },
      0,
    ),
    list_again: duration('1s', {
      description: 'The same where the name is not on it.',
    }),
    lists: size('64MiB', { description: 'Most text of lists of upstreams held, in characters.' }),
    pins: count(10_000, {
      description:
        'Most tools of one upstream whose definitions are pinned. With `block`, others cannot be called.',
    }),
    list_audiences: count(64, {
      description:
        'Most kinds of clients of one principal for which lists are kept: those of other capabilities, or of another revision, are a kind each. Beyond it what the longest unused kind was shown is forgotten.',
    }),
    page: count(1_000, {
      description: 'Most items in one page of a list that several upstreams give together.',
    }),
    cursor: duration('1h', { description: 'How long the next page of such a list can be asked for.' }),
    instructions: size('32KiB', {
      description:
        'Most text of the instructions of several upstreams together, in characters. The longest are cut first.',
    }),
    pages: count(1_000, {
      description: 'Most pages of one list of an upstream; what is on further ones is left out.',
    }),
    query: count(1_000, {
      description:
        'Longest query of `find_tool`, in characters: each of its words is compared with all there are.',
    }),
    upstream_batch: count(10_000, {
      description: 'Most messages in a batch of an upstream; one revision alone has them.',
    }),
    events: count(256, {
      description:
        'Most events outside of calls that wait for a client that does not read, beside one for each resource and task it watches. Further ones are left out.',
    }),
    subscribe_timeout: duration('5s', {
      description:
        'How long `resources/subscribe` of a 2025 client waits for the word of the upstream. One that has said nothing by then is taken to watch the resource.',
    }),
    connection_idle: idle('2m', {
      description:
        'A connection of a client on which nothing moves for this long is closed: one without a request, or with an answer that is not read. Looked for every few seconds; at most 255s.',
    }),
    plugin_setup: duration('10s', {
      description: 'How long a plugin may take to load, to set up, and to be disposed of.',
    }),
    log_buffer: size('1MiB', {
      description:
        'Most text of the log held for a reader of stderr that is slow. What does not fit is left out, and counted.',
    }),
    notifications: count(1_024, {
      description:
        'Most notifications of one call that wait for a slow client. Beyond that its log messages and progress are left out.',
    }),
    rounds: count(32, {
      description: 'How often one call of a 2025 client may ask it something before the call is ended.',
    }),
    uri: count(8_192, {
      description: 'Longest URI of a resource that a 2025 client watches, in characters.',
    }),
    linger: duration(
      '1500ms',
      {
        description:
          'How long calls of a client on a pipe may still run, and be answered, when it has closed its input. Then they are cancelled.',
      },
      0,
    ),
    session_check: duration('1s', {
      description:
        'How old the news may be that a session has ended, where several gateways share one state directory.',
    }),
    task_id: count(1_024, {
      description: 'Longest id of a task that an upstream gives, in characters; ours travel in a header.',
    }),
    task_tokens: count(1_000, {
      description: 'Most tasks of one connection whose progress is told after the call that made them.',
    }),
    task_poll: duration('5s', {
      description:
        'Between two looks at a task that the gateway waits for, where its server names no interval.',
    }),
    task_poll_least: duration('100ms', { description: 'The shortest interval a server may name for that.' }),
    task_poll_most: duration('1h', { description: 'The longest.' }),
    era_memory: duration('10m', {
      description: 'How long it is remembered that an upstream does not speak an era.',
    }),
    cache_bytes: size('16MiB', {
      description:
        'Most bytes of results kept of one upstream. A result of more than an eighth of that is not kept.',
    }),
    cache_entries: count(1_000, { description: 'Most results kept of one upstream.' }),
    hello_age: duration('1m', {
      description:
        'How long what a server of 2026 says of itself is believed at least, and longer where its `ttlMs` is. Then it is asked again.',
    }),
    cache_ttl: duration('24h', { description: 'Longest time a result is kept, whatever its upstream says.' }),
    handshake: duration('10s', {
      description: 'Until the TLS handshake of a client is done. Read at the start.',
    }),
    head: duration('10s', {
      description:
        'Until the head of a request has arrived. On plain TCP of this machine alone the runtime has a limit of its own instead, of 12s.',
    }),
    body_timeout: duration('30s', { description: 'Until a request body has arrived.' }),
    body_idle: duration('10s', {
      description:
        'Longest silence while a request body arrives. One that states no more than 64 KiB has that long in all.',
    }),
    body_rate: size('1KiB', {
      description:
        'Least of a request body that has to arrive per second, on average, once it has taken longer than `body_idle`.',
    }),
  }),
)
  .meta({
    description: 'What the gateway holds at most. Beyond a limit it refuses; it never grows.',
    examples: [{ body: '8MiB', in_flight: 512 }],
  })
  .prefault({});

export const drain = duration(
  '30s',
  {
    description:
      'On a stop: how long requests at work may take to finish; what is left then is ended and told so. After a reload they are waited for, and named in the log from then on.',
  },
  0,
);

export type Limits = z.output<typeof limits>;
export type Log = z.output<typeof log>;
