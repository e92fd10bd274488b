// What a log was at one moment (C2SP tlog-checkpoint): its origin, how many entries it had, the root of its tree.

import { base64, fromBase64, type Hash } from './hash.ts';

export interface Checkpoint {
  readonly origin: string;
  readonly size: number;
  readonly root: Hash;
}

export function checkpointText({ origin, size, root }: Checkpoint): string {
  return `${origin}\n${size}\n${base64(root)}\n`;
}

/** @throws Error when the text of the note is no checkpoint */
export function readCheckpoint(text: string): Checkpoint {
  const [origin = '', size = '', root = ''] = text.split('\n');
  const hash = fromBase64(root);
  if (origin === '' || !/^(0|[1-9]\d{0,15})$/.test(size) || hash === undefined)
    throw new Error('not a checkpoint');
  return { origin, size: Number(size), root: hash };
}
