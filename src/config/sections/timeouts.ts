// `upstreams.NAME.timeouts:` how long an upstream may take for what. docs/resilience.md tells of all of them.
import { z } from 'zod';
import { camel, duration } from '../fields.ts';

/** Fields that mean something for one kind of upstream only. */
export const KIND_OF_TIMEOUT: Readonly<Record<string, 'url' | 'command'>> = {
  connect: 'url',
  tls: 'url',
  message: 'url',
  standing: 'url',
  close: 'url',
  probe: 'command',
};

export const timeouts = camel(
  z.strictObject({
    connect: duration('3s', { description: 'Until a TCP connection stands. `url` only.' }),
    tls: duration('5s', { description: 'From there to the end of the TLS handshake. `url` only.' }),
    first_byte: duration('5m', {
      description:
        'From a request to the first sign of life for it: the head of an answer, a notification, the result.',
    }),
    idle: duration('5m', {
      description:
        'Longest silence after that; progress begins it anew. Does not count while the client has yet to take what came.',
    }),
    total: duration('1h', {
      description:
        'From a request to its result, whatever happens in between. Waiting for an answer of the client does not count.',
    }),
    start: duration('30s', {
      description: 'Until the first answer of the upstream, when a connection or process is new.',
    }),
    message: duration('10s', {
      description:
        'For a message that is no request, such as the answer to a question: until the upstream has taken it. `url` only.',
    }),
    standing: duration('250ms', {
      description:
        'A server of 2025 that has said nothing to the GET for its standing stream by then is taken to have one. `url` only.',
    }),
    close: duration('2s', {
      description:
        'For each of the last things it is told when a connection is closed: cancellations, the end of the session. `url` only.',
    }),
    probe: duration('3s', {
      description:
        'How long a new process may be silent when asked for 2026. Then another is asked for 2025, and if that one answers, it is that era. `command` without `era` only.',
    }),
    slow_client: duration(
      '2s',
      {
        description:
          'How long, all in all, a client that takes what comes for it more slowly than the server gives it may keep others waiting: for a place (`concurrency`), or on one channel of several callers, a pipe or HTTP+SSE of 2025. Then its call ends.',
      },
      0,
    ),
    stalled_client: duration('30s', {
      description:
        'How long a client may take nothing at all of what is there for it. Then its call ends, whether or not anybody waits.',
    }),
    cancel: duration(
      '1s',
      {
        description:
          'Where several callers share one channel, a pipe or HTTP+SSE of 2025: until a server is taken to have obeyed a cancellation. So long the next call that can be asked waits, unless the server answers the cancelled one before.',
      },
      0,
    ),
  }),
)
  .meta({ description: 'How long to wait for what.', examples: [{ connect: '1s', idle: '5m' }] })
  .prefault({});
