// `upstreams.NAME.tls`: whom it is trusted to be, and what the gateway shows of itself. Opens no file.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references of gateway.yaml look like that
import { z } from 'zod';
import { duration, fault } from '../fields.ts';

const pem = (description: string, example: string) =>
  z
    .string()
    .min(1, { error: fault('VALUE_INVALID', 'no file') })
    .meta({ description, examples: [example] })
    .optional();

export const upstreamTls = z
  .strictObject({
    ca: pem(
      'Who may vouch for it: certificates of authorities, a PEM file or PEM text. Nobody else may then, the authorities of the machine included.',
      './tls/internal-ca.pem',
    ),
    cert: pem(
      'What the gateway shows where it is asked who it is: a certificate, followed by those that lead to its authority, a PEM file or PEM text.',
      './tls/gateway.pem',
    ),
    key: pem(
      'Its private key, not encrypted: a PEM file, or PEM text such as `${secret:gateway-key}`.',
      './tls/gateway.key',
    ),
    min_version: z
      .enum(['TLSv1.2', 'TLSv1.3'])
      .meta({ description: 'The oldest version of TLS that is spoken.', examples: ['TLSv1.3'] })
      .prefault('TLSv1.2'),
    server_name: z
      .string()
      .regex(/^[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*$/, {
        error: fault('VALUE_INVALID', 'not a server name', 'write mcp.example.com'),
      })
      .meta({
        description:
          'The name it is asked for, and that its certificate must be for, instead of the host of the URL.',
        examples: ['mcp.example.com'],
      })
      .optional(),
    look: duration('10s', {
      description:
        'How often the files are looked at. What is new in them is used for connections from then on; a reload looks at once.',
    }),
  })
  .meta({
    description: 'TLS of an `https:` `url`.',
    examples: [{ ca: './tls/internal-ca.pem', cert: './tls/gateway.pem', key: './tls/gateway.key' }],
  })
  .optional();

export type ParsedUpstreamTls = NonNullable<z.output<typeof upstreamTls>>;
