// SHA-256 over bytes, and its forms.

export type Hash = Uint8Array;

export function sha256(bytes: Uint8Array | string): Hash {
  return Bun.CryptoHasher.hash('sha256', bytes) as unknown as Hash;
}

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}

export function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}

/** @returns undefined of what is not 64 lower-case hexadecimal digits */
export function fromHex(text: string): Hash | undefined {
  return /^[0-9a-f]{64}$/.test(text) ? new Uint8Array(Buffer.from(text, 'hex')) : undefined;
}

/** @returns undefined of what is not canonical base64 of 32 bytes */
export function fromBase64(text: string): Hash | undefined {
  const bytes = Buffer.from(text, 'base64');
  return bytes.length === 32 && bytes.toString('base64') === text ? new Uint8Array(bytes) : undefined;
}

export function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
