// Who is at the other end of a Unix socket, as the kernel says. Neither Bun nor Node has a call for it (Bun 1.4.5).

import { dlopen, ptr } from 'bun:ffi';

export interface Credentials {
  readonly uid: number;
  readonly gid: number;
  /** Of the process that connected. It may have ended, and its number may be another's since. */
  readonly pid?: number | undefined;
}

interface System {
  readonly library: string;
  readonly level: number;
  readonly option: number;
  readonly size: number;
  read(words: DataView): Credentials | undefined;
}

/** struct ucred: pid, uid, gid. */
const LINUX = {
  level: 1,
  option: 17,
  size: 12,
  read: (words: DataView) => ({
    pid: words.getInt32(0, true),
    uid: words.getUint32(4, true),
    gid: words.getUint32(8, true),
  }),
};

/** struct xucred: version, uid, number of groups, groups; the first of them is the main one. */
const MACOS = {
  level: 0,
  option: 1,
  size: 76,
  read: (words: DataView) =>
    words.getUint32(0, true) === 0 && words.getInt16(8, true) > 0
      ? { uid: words.getUint32(4, true), gid: words.getUint32(12, true) }
      : undefined,
};

/** By the C library that is there. */
const SYSTEMS: readonly System[] = [
  { ...LINUX, library: 'libc.so.6' },
  { ...LINUX, library: 'libc.musl-x86_64.so.1' },
  { ...LINUX, library: 'libc.musl-aarch64.so.1' },
  { ...MACOS, library: 'libSystem.B.dylib' },
];

type GetSockOpt = (
  socket: number,
  level: number,
  option: number,
  value: Uint8Array,
  size: Int32Array,
) => number;

interface Found {
  readonly system: System;
  readonly getsockopt: GetSockOpt;
}

let found: Found | 'nothing' | undefined;

/** @returns nothing where the system does not tell; whoever needs to know refuses then */
export function credentialsOf(descriptor: number): Credentials | undefined {
  found ??= open();
  if (found === 'nothing' || descriptor < 0) return undefined;
  const { system, getsockopt } = found;
  const value = new Uint8Array(system.size);
  const size = new Int32Array([system.size]);
  if (getsockopt(descriptor, system.level, system.option, value, size) !== 0) return undefined;
  return system.read(new DataView(value.buffer));
}

function open(): Found | 'nothing' {
  for (const system of SYSTEMS) {
    try {
      const { symbols } = dlopen(system.library, {
        getsockopt: { args: ['i32', 'i32', 'i32', 'ptr', 'ptr'], returns: 'i32' },
      });
      return {
        system,
        getsockopt: (socket, level, option, value, size) =>
          symbols.getsockopt(socket, level, option, ptr(value), ptr(size)),
      };
    } catch {
      // Another is the one of this system.
    }
  }
  return 'nothing';
}
