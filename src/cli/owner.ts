// Who is at the other end of a pipe: whoever started this process made both of its ends, as the user it runs as.

import type { Peer } from '../core/peer.ts';

/** Undefined where the system numbers no users. */
export function owner(): Peer | undefined {
  const [uid, gid] = [process.getuid?.(), process.getgid?.()];
  return uid === undefined || gid === undefined ? undefined : { credentials: { uid, gid } };
}
