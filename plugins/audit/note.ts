// Signed notes (C2SP signed-note): a text, a blank line, and lines with signatures of it by keys that have names.

import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto';
import { base64, sha256 } from './hash.ts';

/** The algorithm byte of Ed25519. */
const ED25519 = 1;
const DASH = '—';

export interface Verifier {
  readonly name: string;
  /** The first four bytes of a digest of the key, as a number. */
  readonly id: number;
  verify(text: string, signature: Uint8Array): boolean;
}

export interface Signer {
  /** Its public half, as `NAME+ID+KEY`. */
  readonly public: string;
  readonly verifier: Verifier;
  /** One line, with its line break. */
  sign(text: string): string;
}

export interface Note {
  /** Ends in a line break. */
  readonly text: string;
  readonly signatures: readonly { readonly name: string; readonly id: number; readonly bytes: Uint8Array }[];
}

/** The private half as PKCS#8 in PEM. */
export function newKey(): string {
  return generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
}

/** @throws Error when the text is no private Ed25519 key */
export function signerOf(name: string, pem: string): Signer {
  const key = createPrivateKey(pem);
  if (key.asymmetricKeyType !== 'ed25519') throw new Error('the key is not an Ed25519 key');
  const raw = rawOf(createPublicKey(key));
  const text = publicText(name, raw);
  const { id } = verifierOf(text);
  return {
    public: text,
    verifier: verifierOf(text),
    sign(message) {
      const bytes = Buffer.concat([idBytes(id), sign(null, Buffer.from(message), key)]);
      return `${DASH} ${name} ${bytes.toString('base64')}\n`;
    },
  };
}

/** @throws Error with what is wrong with the text of a public key */
export function verifierOf(text: string): Verifier {
  const { name, id, key } = namedKey(text, ED25519);
  return { name, id, verify: (message, signature) => verify(null, Buffer.from(message), key, signature) };
}

/**
 * A public key with its name and id, as `NAME+ID+KEY`.
 * @param algorithm the byte that says what the key is for
 * @throws Error with what is wrong with the text
 */
export function namedKey(text: string, algorithm: number): { name: string; id: number; key: KeyObject } {
  const match = /^([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/.exec(text.trim());
  if (!match) throw new Error('not a key: NAME+ID+KEY is expected');
  const [, name = '', shown = '', encoded = ''] = match;
  const bytes = Buffer.from(encoded, 'base64');
  if (bytes.length !== 33 || bytes[0] !== algorithm) throw new Error('a key of another kind');
  const id = idOf(name, bytes);
  if (id !== Number.parseInt(shown, 16)) throw new Error('its name or id belongs to another key');
  return { name, id, key: publicKey(bytes.subarray(1)) };
}

/** @throws Error when the text is no signed note */
export function readNote(whole: string): Note {
  const at = whole.lastIndexOf('\n\n');
  if (at < 0 || !whole.endsWith('\n')) throw new Error('not a signed note');
  const lines = whole.slice(at + 2, -1).split('\n');
  return { text: whole.slice(0, at + 1), signatures: lines.map(signatureOf) };
}

/** Whether one of the signatures is this key's, and right. */
export function isSignedBy({ text, signatures }: Note, key: Verifier): boolean {
  return signatures.some(
    ({ name, id, bytes }) => name === key.name && id === key.id && key.verify(text, bytes),
  );
}

function signatureOf(line: string): Note['signatures'][number] {
  const [dash, name, encoded, ...more] = line.split(' ');
  const bytes = Buffer.from(encoded ?? '', 'base64');
  const isOne = dash === DASH && name && more.length === 0 && bytes.length > 4 && base64(bytes) === encoded;
  if (!isOne) throw new Error('not a signed note: a line of signatures is none');
  return { name, id: bytes.readUInt32BE(0), bytes: bytes.subarray(4) };
}

function publicText(name: string, raw: Uint8Array): string {
  const bytes = Buffer.concat([Buffer.of(ED25519), raw]);
  return `${name}+${idBytes(idOf(name, bytes)).toString('hex')}+${bytes.toString('base64')}`;
}

function idOf(name: string, key: Uint8Array): number {
  return Buffer.from(sha256(Buffer.concat([Buffer.from(`${name}\n`), key]))).readUInt32BE(0);
}

function idBytes(id: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(id);
  return bytes;
}

function rawOf(key: KeyObject): Buffer {
  return Buffer.from(key.export({ format: 'jwk' }).x ?? '', 'base64url');
}

function publicKey(raw: Uint8Array): KeyObject {
  const x = Buffer.from(raw).toString('base64url');
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
}
