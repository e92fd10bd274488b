// A field that takes a PEM file or PEM text: which of the two is written.
import { resolve } from 'node:path';
import type { PemSource } from './schema.ts';
import { Secret } from './secret.ts';

/** @param baseDir where relative paths begin */
export function pemSource(written: string, baseDir: string): PemSource {
  return isPem(written) ? { text: Secret.of(written) } : { path: resolve(baseDir, written) };
}

/** No path looks like this. */
export function isPem(written: string): boolean {
  return written.includes('-----BEGIN ');
}
