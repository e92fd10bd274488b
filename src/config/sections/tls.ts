// `listeners[].http.tls`: certificates, and who must show one. Opens no file: relations/certificates.ts looks into them.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references of gateway.yaml look like that
import { z } from 'zod';
import { duration, fault } from '../fields.ts';

const pem = (description: string, examples: readonly string[]) =>
  z
    .string()
    .min(1, { error: fault('VALUE_INVALID', 'no file') })
    .meta({ description, examples: [...examples] });

const cert = pem('The certificate, followed by those that lead to its authority: a PEM file, or PEM text.', [
  './tls/fullchain.pem',
]);
const key = pem('Its private key, not encrypted: a PEM file, or PEM text such as `${secret:tls-key}`.', [
  './tls/privkey.pem',
  '${secret:tls-key}',
]);

const pair = z
  .strictObject({ cert, key })
  .meta({ description: 'Another certificate.', examples: [{ cert: './tls/b.pem', key: './tls/b.key' }] });

const SERVER_NAME = /^(?:\*\.)?[a-z0-9-]+(?:\.[a-z0-9-]+)*$/;

const settings = z
  .strictObject({
    cert,
    key,
    hosts: z
      .record(
        z.string().regex(SERVER_NAME, {
          error: fault(
            'VALUE_INVALID',
            'not a server name',
            'write mcp.example.com or *.example.com, in lower case',
          ),
        }),
        pair,
      )
      .meta({
        description:
          'Other certificates, by the name that a client asks for in its handshake (SNI). `*.` in front stands for one label. For any other name, and for none, there is `cert`.',
        examples: [{ 'b.example.com': { cert: './tls/b.pem', key: './tls/b.key' } }],
      })
      .prefault({}),
    min_version: z
      .enum(['TLSv1.2', 'TLSv1.3'])
      .meta({ description: 'The oldest version of TLS that is spoken.', examples: ['TLSv1.3'] })
      .prefault('TLSv1.2'),
    client: z
      .strictObject({
        ca: pem('Who vouches for clients: certificates of authorities, a PEM file or PEM text.', [
          './tls/clients.pem',
        ]),
        require: z
          .boolean()
          .meta({
            description:
              'Whether a client without a valid certificate is refused in the handshake. With `false` it gets as far as `auth`, which is told what it has shown.',
            examples: [false],
          })
          .prefault(true),
      })
      .meta({ description: 'Asks clients for a certificate.', examples: [{ ca: './tls/clients.pem' }] })
      .optional(),
    look: duration('10s', {
      description:
        'How often the files are looked at. What is new in them is used for handshakes from then on; a reload looks at once.',
    }),
  })
  .meta({ description: 'Certificates, and what is asked of clients.' });

export const tls = z
  .union([z.enum(['off']), settings])
  .meta({
    description:
      'TLS. `off` says that something in front ends TLS, or that the network is trusted; only then may a listener that other machines reach do without.',
    examples: [{ cert: './tls/fullchain.pem', key: './tls/privkey.pem' }, 'off'],
  })
  .optional();

export type ParsedTls = z.output<typeof settings>;
