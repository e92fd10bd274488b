// SHA-256 of a text, for comparing and for map keys.

/** Lower-case hexadecimal, 64 characters. */
export function digest(text: string): string {
  return new Bun.CryptoHasher('sha256').update(text).digest('hex');
}
