// `listeners:` where clients come in. Must not know what is served there.
import { z } from 'zod';
import { type About, bareKey, fault, refuse } from '../fields.ts';
import { type ListenAddress, parseListen } from '../listen.ts';
import { tls } from './tls.ts';

/** A listen address. Input: `127.0.0.1:7420`; output: a `ListenAddress`. */
export function listen(preset: string, about: About) {
  return z
    .string({
      error: (issue) =>
        typeof issue.input === 'number'
          ? fault('LISTEN_INVALID', 'no host before the port', `write 127.0.0.1:${issue.input}`)
          : fault('LISTEN_INVALID', 'not an address', 'write 127.0.0.1:7420 or unix:/run/sluice.sock'),
    })
    .meta({ ...about })
    .transform((text, context): ListenAddress => {
      const address = parseListen(text);
      if ('kind' in address) return address;
      return refuse(context, 'LISTEN_INVALID', address.message, address.hint);
    })
    .prefault(preset);
}

const host = z
  .string()
  .regex(/^(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(?::\d{1,5})?$/, {
    error: fault(
      'VALUE_INVALID',
      'not a host',
      'write a name with or without a port, such as mcp.example.com',
    ),
  })
  .meta({ description: 'One host name, with or without a port.', examples: ['mcp.example.com'] });

const origin = z
  .string()
  .regex(/^https?:\/\/(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(?::\d{1,5})?$/, {
    error: fault(
      'VALUE_INVALID',
      'not an origin',
      'write scheme and host without a path, such as https://app.example.com',
    ),
  })
  .meta({
    description: 'One origin: scheme, host and port if it is not the usual one.',
    examples: ['https://app.example.com'],
  });

const publicUrl = z
  .string()
  .regex(/^https?:\/\/(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(?::\d{1,5})?(?:\/[A-Za-z0-9._~-]+)*\/?$/, {
    error: fault('VALUE_INVALID', 'not a URL', 'write scheme and host, such as https://mcp.example.com'),
  })
  .meta({
    description:
      'How clients know the listener, without the path of an endpoint. Tokens are for this URL and that path. Default: its address.',
    examples: ['https://mcp.example.com'],
  })
  .transform((url) => url.replace(/\/$/, ''));

const socketMode = z
  .string({
    error: (issue) =>
      typeof issue.input === 'number'
        ? fault('VALUE_INVALID', 'a file mode is octal and needs quotes', "write '0600'")
        : fault('VALUE_INVALID', 'not a file mode', "write '0600'"),
  })
  .regex(/^0?[0-7]{3}$/, {
    error: fault('VALUE_INVALID', 'not a file mode', "write three octal digits: '0600'"),
  })
  .meta({
    description: 'Who may connect: the mode of the socket file. Unix sockets only.',
    examples: ['0600', '0660'],
  })
  .transform((text) => Number.parseInt(text, 8));

const http = z
  .strictObject({
    listen: listen('127.0.0.1:7420', {
      description:
        'Where to listen: `host:port`, `[ipv6]:port` or `unix:/path`. Port 0 takes a free one. An address that other machines reach needs `auth` in the pipeline, and `tls`.',
      examples: ['127.0.0.1:7420', '[::1]:7420', 'unix:/run/sluice/mcp.sock'],
    }),
    hosts: z
      .array(host)
      .meta({
        description:
          'Values of the Host header to accept beside the address itself. Any other is refused, which stops DNS rebinding.',
        examples: [['mcp.example.com']],
      })
      .prefault([]),
    url: publicUrl.optional(),
    origins: z
      .array(origin)
      .meta({
        description:
          'Origins whose web pages may call. A request with another Origin is refused; one without passes.',
        examples: [['https://app.example.com']],
      })
      .prefault([]),
    mode: socketMode.optional(),
    tls,
  })
  .meta({ description: 'MCP over HTTP, every revision.', examples: [{ listen: '127.0.0.1:7420' }] });

const stdio = z
  .strictObject({})
  .meta({ description: 'MCP over stdin and stdout. At most one.', examples: [{}] });

const listener = z.strictObject({ http: bareKey(http).optional(), stdio: bareKey(stdio).optional() }).meta({
  description: 'One listener: either `http` or `stdio`.',
  examples: [{ http: { listen: '127.0.0.1:7420' } }],
  oneOf: [{ required: ['http'] }, { required: ['stdio'] }],
});

export const listeners = z
  .array(listener)
  .min(1, { error: fault('VALUE_INVALID', 'no listener', 'leave `listeners` out for 127.0.0.1:7420') })
  .meta({
    description: 'Where clients come in.',
    examples: [[{ http: { listen: '127.0.0.1:7420' } }]],
  })
  .prefault([{ http: {} }]);
