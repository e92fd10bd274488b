// An anchor that is a time-stamping authority (RFC 3161): it says when a checkpoint was there. It sees a digest of the
// checkpoint and knows nothing of those before: what was cut off since, a witness tells.

import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from '../../../src/plugin.ts';
import { authorities } from '../../remote/authorities.ts';
import { isSafeUrl } from '../../remote/fetch.ts';
import type { Outlet } from '../delivery/delivery.ts';
import { DeliveryFault } from '../delivery/fault.ts';
import type { SignedCheckpoint } from '../delivery/newest.ts';
import { anchorFields } from '../delivery/options.ts';
import { placeOf, post, statusFault } from '../delivery/post.ts';
import { syncDirectory } from '../files.ts';

export const timestampSchema = z
  .strictObject({
    kind: z.literal('timestamp'),
    ...anchorFields('1h'),
    url: z
      .string()
      .max(2_048)
      .refine((text) => isWebUrl(text), 'write an https or http URL without user and password')
      .meta({
        description: 'Where the authority takes requests.',
        examples: ['https://tsa.example.com/tsr'],
      }),
    unencrypted: z
      .boolean()
      .meta({
        description:
          'Lets `url` be http elsewhere than on this machine. What goes there is a digest, and the answer is signed; whoever is on the way can keep it back.',
        examples: [true],
      })
      .prefault(false),
    ca: authorities.optional(),
    authority: authorities.meta({
      description:
        'Who signs time stamps, or vouches for who does: certificates in PEM, by a reference to their file.',
    }),
  })
  .refine(({ url, unencrypted }) => unencrypted || isSafeUrl(url), {
    path: ['url'],
    error: 'is http to another machine: write https, or set `unencrypted: true` beside it',
  });

export type TimestampOptions = z.output<typeof timestampSchema>;

function isWebUrl(text: string): boolean {
  if (!URL.canParse(text) || text.includes('#')) return false;
  const { protocol, username, password } = new URL(text);
  return username === '' && password === '' && (protocol === 'https:' || protocol === 'http:');
}

export interface TimestampPlace {
  /** Where `SIZE.note` and `SIZE.tsr` are kept. */
  readonly kept: string;
  now(): number;
}

export function timestampAnchor(options: TimestampOptions, place: TimestampPlace): Outlet<SignedCheckpoint> {
  return {
    kind: 'timestamp',
    place: placeOf(options.url),
    async send(checkpoints, signal) {
      for (const { size, note } of checkpoints) {
        const answer = await stamped(Buffer.from(note), options, place, signal);
        await mkdir(place.kept, { recursive: true, mode: 0o700 });
        await keep(join(place.kept, `${size}.note`), Buffer.from(note));
        await keep(join(place.kept, `${size}.tsr`), answer);
        syncDirectory(place.kept);
      }
    },
  };
}

async function stamped(
  content: Buffer,
  { url, ca, timeout, authority, unencrypted }: TimestampOptions,
  { now }: TimestampPlace,
  signal: AbortSignal,
): Promise<Buffer> {
  // Loaded by whoever uses it, and by nobody else.
  const { askFor, checkStamp } = await import('./time-stamp.ts');
  const { request, nonce } = askFor(content);
  const headers = { 'content-type': 'application/timestamp-query' };
  const answer = await post(url, request, { headers, timeout, ca, signal, now, unencrypted });
  if (answer.status !== 200) {
    const { message, reason, more } = statusFault(url, answer, now());
    throw new DeliveryFault(message, reason, { retryAfter: more.retryAfter });
  }
  const bytes = Buffer.from(await answer.arrayBuffer());
  try {
    checkStamp(bytes, content, authority, nonce);
  } catch (error) {
    const why = error instanceof Error ? error.message : 'it cannot be read';
    throw new DeliveryFault(`${placeOf(url)} gave a time stamp that does not hold: ${why}`, 'answer');
  }
  return bytes;
}

async function keep(path: string, bytes: Buffer): Promise<void> {
  const file = await open(path, 'w', 0o600);
  try {
    await file.writeFile(bytes);
    await file.datasync();
  } finally {
    await file.close();
  }
}
