// A JSON Web Token as text, taken apart without believing any of it. Stricter than the RFCs let it be: what has two
// spellings is read differently by others, so there is one. The signature is another file's affair.

import { RawObject } from '../../src/plugin.ts';

export interface Parts {
  readonly header: Readonly<Record<string, unknown>>;
  readonly claims: Readonly<Record<string, unknown>>;
}

/** Why a token is refused before its signature is looked at. */
export type ShapeFault =
  | 'too_long'
  | 'encrypted'
  | 'malformed'
  | 'duplicate_member'
  | 'header_unsupported'
  | 'key_in_header'
  | 'key_id_malformed'
  | 'type_wrong';

export class ShapeError extends Error {
  constructor(readonly fault: ShapeFault) {
    super(fault);
  }
}

const SEGMENT = /^[A-Za-z0-9_-]+$/;
const JSON_LIMITS = { depth: 16, keys: 2_000, string: 16_384 };

/** Whether it is meant to be a JWT: its first part is the text of an object. */
export function looksLikeJwt(token: string): boolean {
  const [first = '', ...others] = token.split('.', 3);
  return others.length > 0 && /^\s*\{/.test(Buffer.from(first.slice(0, 64), 'base64url').toString('latin1'));
}

/**
 * @param most characters
 * @throws ShapeError
 */
export function partsOf(token: string, most: number): Parts {
  if (token.length > most) throw new ShapeError('too_long');
  const segments = token.split('.');
  if (segments.length === 5) throw new ShapeError('encrypted');
  if (segments.length !== 3) throw new ShapeError('malformed');
  const [header = '', payload = '', signature = ''] = segments;
  bytesOf(signature);
  const parts = { header: objectIn(header), claims: objectIn(payload) };
  checkHeader(parts.header);
  return parts;
}

/** Bits that the last character has too many, padding, other alphabets: none of them. */
function bytesOf(segment: string): Buffer {
  const bytes = Buffer.from(segment, 'base64url');
  if (!SEGMENT.test(segment) || bytes.toString('base64url') !== segment) throw new ShapeError('malformed');
  return bytes;
}

function objectIn(segment: string): Readonly<Record<string, unknown>> {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytesOf(segment));
    return RawObject.parse(text, JSON_LIMITS).value;
  } catch (error) {
    if (error instanceof ShapeError) throw error;
    throw new ShapeError(
      (error as { kind?: string }).kind === 'duplicate' ? 'duplicate_member' : 'malformed',
    );
  }
}

/** Members that change what is verified, or with what. `x5t` names a certificate, and only names it. */
const UNSUPPORTED = ['crit', 'b64', 'zip', 'enc', 'cty'];
const KEYS = ['jwk', 'jku', 'x5u', 'x5c'];

function checkHeader(header: Parts['header']): void {
  const has = (name: string): boolean => Object.hasOwn(header, name);
  if (UNSUPPORTED.some(has)) throw new ShapeError('header_unsupported');
  if (KEYS.some(has)) throw new ShapeError('key_in_header');
  if (typeof header.alg !== 'string') throw new ShapeError('malformed');
  const { kid, typ } = header;
  if (kid !== undefined && !(typeof kid === 'string' && /^[\x21-\x7e]{1,256}$/.test(kid)))
    throw new ShapeError('key_id_malformed');
  if (typ !== undefined && typeof typ !== 'string') throw new ShapeError('type_wrong');
}
