// Names of headers that credentials may be sent in, and of those of a caller that may be passed on.

import { z } from '../../src/plugin.ts';

const NAME = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$/;

/** What belongs to the connection, to the body or to MCP. */
const OF_THE_MESSAGE =
  /^(?:host|connection|keep-alive|proxy-.*|content-.*|transfer-encoding|te|trailer|upgrade|expect|accept|accept-.*|mcp-.*|last-event-id|x-request-id)$/;

/** What proves who calls, or says where a message has come from: meant for this gateway and for nobody behind it. */
const OF_THE_CALLER =
  /^(?:authorization|cookie.*|set-cookie.*|dpop|signature|signature-.*|www-authenticate|x-api-key|x-api-secret|api-key|apikey|x-auth-.*|x-amz-.*|x-signature|x-nonce|x-forwarded-.*|forwarded|x-real-ip|x-client-cert.*|x-original-.*|x-rewrite-.*|via|origin|referer|sec-.*|user-agent|max-forwards|range|if-.*)$/;

const spelt = (description: string) =>
  z
    .string()
    .regex(NAME, 'not the name of a header')
    .refine((name) => !OF_THE_MESSAGE.test(name.toLowerCase()), 'this header means something else already')
    .meta({ description });

const lower = (name: string): string => name.toLowerCase();

/** A header that a credential is sent in. */
export const headerName = (description: string) => spelt(description).transform(lower);

/** A header of the caller's that is passed on. */
export const forwardName = (description: string) =>
  spelt(description)
    .refine(
      (name) => !OF_THE_CALLER.test(name.toLowerCase()),
      'this header is meant for the gateway and is never passed on',
    )
    .transform(lower);

const VALUE = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/;

/** Headers with their values. Names come out in lower case. */
export const headerValues = (description: string) =>
  z
    .record(z.string(), z.string().regex(VALUE, 'cannot stand in a header'))
    .superRefine((headers, context) => {
      const names = Object.keys(headers);
      if (names.length === 0) context.addIssue({ code: 'custom', message: 'names no header' });
      for (const [at, name] of names.entries()) {
        const wrong = spelt('').safeParse(name).error?.issues[0]?.message;
        const isTwice = names.map(lower).indexOf(lower(name)) !== at;
        const message = wrong ?? (isTwice ? 'the same header twice' : undefined);
        if (message !== undefined) context.addIssue({ code: 'custom', path: [name], message });
      }
    })
    .meta({ description })
    .transform((headers) =>
      Object.fromEntries(Object.entries(headers).map(([name, value]) => [lower(name), value])),
    );
