// What a witness says of a checkpoint (C2SP tlog-cosignature, v1): that it saw it at a time, and that it continues all
// it saw before.

import { verify } from 'node:crypto';
import { type Note, namedKey } from '../note.ts';

/** The algorithm byte of an Ed25519 cosignature. */
const COSIGNATURE = 4;
const [TIME_BYTES, SIGNATURE_BYTES] = [8, 64];

export interface Cosigner {
  readonly name: string;
  readonly id: number;
  /** When it cosigned the note, seconds since the epoch; undefined where it did not. */
  timeOf(note: Note): number | undefined;
}

/** The text that a cosignature signs. */
export function cosignedText(time: number, text: string): string {
  return `cosignature/v1\ntime ${time}\n${text}`;
}

/** @throws Error with what is wrong with the text of the key, `NAME+ID+KEY` */
export function cosignerOf(vkey: string): Cosigner {
  const { name, id, key } = namedKey(vkey, COSIGNATURE);
  const timeIn = (text: string, bytes: Buffer): number | undefined => {
    if (bytes.length !== TIME_BYTES + SIGNATURE_BYTES) return undefined;
    const time = Number(bytes.readBigUInt64BE(0));
    const isRight =
      Number.isSafeInteger(time) &&
      verify(null, Buffer.from(cosignedText(time, text)), key, bytes.subarray(TIME_BYTES));
    return isRight ? time : undefined;
  };
  return {
    name,
    id,
    timeOf({ text, signatures }) {
      const own = signatures.filter((each) => each.name === name && each.id === id);
      const times = own.map(({ bytes }) => timeIn(text, Buffer.from(bytes)));
      return times.find((time) => time !== undefined);
    },
  };
}
