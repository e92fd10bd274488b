// An anchor that is a witness (C2SP tlog-witness): it remembers how far the log was, wants a proof that the log only
// grew since, and cosigns. A log that was cut off, rewritten or shown to others otherwise gets no cosignature any more.

import { join } from 'node:path';
import { z } from '../../../src/plugin.ts';
import { authorities } from '../../remote/authorities.ts';
import { remoteUrl } from '../../remote/url.ts';
import type { Outlet } from '../delivery/delivery.ts';
import { DeliveryFault } from '../delivery/fault.ts';
import type { SignedCheckpoint } from '../delivery/newest.ts';
import { anchorFields, onBreak } from '../delivery/options.ts';
import { placeOf, post, statusFault } from '../delivery/post.ts';
import { base64 } from '../hash.ts';
import { readNote } from '../note.ts';
import { type Cosigner, cosignerOf } from './cosignature.ts';
import { keepNote } from './evidence.ts';
import { forked, proofOf, rolledBack } from './growth.ts';

export const witnessSchema = z.strictObject({
  kind: z.literal('witness'),
  ...anchorFields('5m'),
  on_break: onBreak,
  url: remoteUrl('The submission prefix of the witness.', 'https://witness.example.com/w1'),
  ca: authorities.optional(),
  key: z
    .string()
    .refine(isCosigner, 'must be the verifier key of a witness, NAME+ID+KEY, for Ed25519 cosignatures')
    .meta({
      description: 'The public key of the witness, as it publishes it.',
      examples: ['witness.example.com/w1+…+…'],
    }),
});

export type WitnessOptions = z.output<typeof witnessSchema>;

function isCosigner(text: string): boolean {
  try {
    return cosignerOf(text).name !== '';
  } catch {
    return false;
  }
}

export interface WitnessPlace {
  /** Of the log. */
  readonly directory: string;
  /** Where cosigned checkpoints are kept. */
  readonly kept: string;
  now(): number;
}

/** Rounds of one attempt: the witness says how far it is, and is then sent the proof from there. */
const ROUNDS = 3;

export function witnessAnchor(options: WitnessOptions, place: WitnessPlace): Outlet<SignedCheckpoint> {
  const cosigner = cosignerOf(options.key);
  // Nobody remembers it over a restart: a witness says it to whoever asks from zero.
  let known = 0;
  return {
    kind: 'witness',
    place: placeOf(options.url),
    async send(checkpoints, signal) {
      for (const checkpoint of checkpoints) {
        const lines = await cosignatures(
          checkpoint,
          Math.min(known, checkpoint.size),
          options,
          place,
          signal,
        );
        await keepNote(join(place.kept), cosigned(checkpoint, lines, cosigner, placeOf(options.url)));
        known = checkpoint.size;
      }
    },
  };
}

/** The witness's answer, as lines of signatures. */
async function cosignatures(
  { size, note }: SignedCheckpoint,
  from: number,
  { url, ca, timeout }: WitnessOptions,
  { directory, now }: WitnessPlace,
  signal: AbortSignal,
): Promise<string> {
  const by = placeOf(url);
  const headers = { 'content-type': 'text/plain; charset=utf-8' };
  for (let old = from, round = 1; round <= ROUNDS; round++) {
    const proof = await proofOf(directory, old, size);
    const body = [`old ${old}`, ...proof.map(base64), '', note].join('\n');
    const answer = await post(`${url.replace(/\/$/, '')}/add-checkpoint`, body, {
      headers,
      timeout,
      ca,
      signal,
      now,
    });
    if (answer.status === 200) return answer.text();
    if (answer.status !== 409) throw refusalOf(answer, url, old, now());
    const seen = sizeOf(await answer.text());
    if (seen === undefined) throw new DeliveryFault(`${by} does not say how far it is`, 'answer');
    if (seen > size) throw rolledBack(by, seen, size);
    // It has just been told so: at this size, it has another root.
    if (seen === old) throw forked(by, seen);
    old = seen;
  }
  throw new DeliveryFault(`${by} says each time that it is elsewhere`, 'answer');
}

function refusalOf(answer: Response, url: string, old: number, now: number): DeliveryFault {
  const by = placeOf(url);
  if (answer.status === 422) return forked(by, old);
  if (answer.status === 403) return new DeliveryFault(`${by} does not know the key of this log`, 'refused');
  if (answer.status === 404) return new DeliveryFault(`${by} does not know a log of this origin`, 'refused');
  const { message, reason, more } = statusFault(url, answer, now);
  return new DeliveryFault(message, reason, { retryAfter: more.retryAfter });
}

/** Of the body of a 409: decimal, and a line break. */
function sizeOf(text: string): number | undefined {
  const [, digits] = /^(0|[1-9]\d{0,15})\n$/.exec(text) ?? [];
  return digits === undefined ? undefined : Number(digits);
}

/** The checkpoint with the witness's own signature, and no other that came with it. */
function cosigned({ note }: SignedCheckpoint, answer: string, cosigner: Cosigner, by: string): string {
  for (const line of answer.split('\n')) {
    const whole = `${note}${line}\n`;
    try {
      if (line !== '' && cosigner.timeOf(readNote(whole)) !== undefined) return whole;
    } catch {
      // A line that is none is not the one that is looked for.
    }
  }
  throw new DeliveryFault(`${by} answered without a cosignature of its key`, 'answer');
}
