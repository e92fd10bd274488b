// The body of a request, whole and within limits, as strictly decoded text.

import { decodeUtf8 } from '../protocol/raw.ts';

export type BodyFault = 'TOO_LARGE' | 'BODY_TIMEOUT' | 'PARSE';

/** @returns the text, or what is wrong with the body */
export async function readBody(
  request: Request,
  limit: number,
  timeout: number,
): Promise<string | { fault: BodyFault }> {
  const stated = Number(request.headers.get('content-length') ?? Number.NaN);
  if (stated > limit) return { fault: 'TOO_LARGE' };
  const bytes = await withTimeout(
    Number.isNaN(stated) ? chunks(request, limit) : whole(request, limit),
    timeout,
  );
  if (bytes === 'late') return { fault: 'BODY_TIMEOUT' };
  if (bytes === 'large') return { fault: 'TOO_LARGE' };
  if (bytes === 'broken') return { fault: 'PARSE' };
  try {
    return decodeUtf8(bytes, 'strip');
  } catch {
    return { fault: 'PARSE' };
  }
}

async function whole(request: Request, limit: number): Promise<Uint8Array | 'large' | 'broken'> {
  try {
    const bytes = await request.bytes();
    return bytes.length > limit ? 'large' : bytes;
  } catch {
    return 'broken';
  }
}

/** A body without a stated length is counted as it comes. */
async function chunks(request: Request, limit: number): Promise<Uint8Array | 'large' | 'broken'> {
  const parts: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const part of request.body ?? []) {
      size += part.length;
      if (size > limit) return 'large';
      parts.push(part);
    }
  } catch {
    return 'broken';
  }
  return Buffer.concat(parts);
}

async function withTimeout<T>(work: Promise<T>, ms: number): Promise<T | 'late'> {
  const { promise, resolve } = Promise.withResolvers<'late'>();
  const timer = setTimeout(resolve, ms, 'late');
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}
