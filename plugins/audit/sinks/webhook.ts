// A sink that is a server of somebody's own: entries as an array, signed as Standard Webhooks has it, so that the
// server knows whose they are and takes none twice.

import { createHash } from 'node:crypto';
import { z } from '../../../src/plugin.ts';
import { authorities } from '../../remote/authorities.ts';
import { remoteUrl } from '../../remote/url.ts';
import { dates, ring } from '../../signatures/keys.ts';
import { secretFields } from '../../signatures/secrets.ts';
import { signWebhook, WEBHOOK_HEADERS, webhookSecret } from '../../signatures/webhooks.ts';
import type { Outlet } from '../delivery/delivery.ts';
import { sinkFields } from '../delivery/options.ts';
import { placeOf, post, statusFault } from '../delivery/post.ts';

export const webhookSchema = z.strictObject({
  kind: z.literal('webhook'),
  ...sinkFields,
  url: remoteUrl('Where batches are sent.', 'https://siem.example.com/sluice'),
  ca: authorities.optional(),
  keys: ring(
    z.strictObject({
      id: secretFields.id.meta({ description: 'A name for people. It is not sent.' }),
      secret: webhookSecret,
      ...dates,
    }),
    ({ id }) => id,
  ),
});

export type WebhookOptions = z.output<typeof webhookSchema>;

export function webhookSink(
  { url, ca, keys, timeout }: WebhookOptions,
  origin: string,
  now: () => number,
): Outlet<string> {
  return {
    kind: 'webhook',
    place: placeOf(url),
    async send(lines, signal) {
      // Entries as they stand in the log, byte for byte: their hashes can be checked.
      const body = `{"type":"sluice.audit","origin":${JSON.stringify(origin)},"entries":[${lines.join(',')}]}`;
      const signed = signWebhook({ body }, WEBHOOK_HEADERS, keys, now(), idOf(body));
      const headers = { 'content-type': 'application/json', ...signed };
      const answer = await post(url, body, { headers, timeout, ca, signal, now });
      if (!answer.ok) throw statusFault(url, answer, now());
    },
  };
}

/** The same for the same entries: whoever has had them knows. */
function idOf(body: string): string {
  return `msg_${createHash('sha256').update(body).digest('base64url').slice(0, 24)}`;
}
