// Datagrams to a Unix socket, as /dev/log takes them. Neither Bun nor Node has a call for it (Bun 1.4.5).

import { dlopen, ptr } from 'bun:ffi';
import { DeliveryFault } from '../delivery/fault.ts';

interface System {
  readonly library: string;
  /** Bytes of a path with its end, and how an address begins. */
  readonly path: number;
  head(length: number): Uint8Array;
  /** Not to wait for room, and no signal where nobody listens. */
  readonly flags: number;
}

const LINUX = { path: 108, head: () => Uint8Array.of(1, 0), flags: 0x4040 };
const MACOS = { path: 104, head: (length: number) => Uint8Array.of(length, 1), flags: 0x80 };

/** By the C library that is there. */
const SYSTEMS: readonly System[] = [
  { ...LINUX, library: 'libc.so.6' },
  { ...LINUX, library: 'libc.musl-x86_64.so.1' },
  { ...LINUX, library: 'libc.musl-aarch64.so.1' },
  { ...MACOS, library: 'libSystem.B.dylib' },
];

const CALLS = {
  socket: { args: ['i32', 'i32', 'i32'], returns: 'i32' },
  connect: { args: ['i32', 'ptr', 'u32'], returns: 'i32' },
  send: { args: ['i32', 'ptr', 'u64', 'i32'], returns: 'i64' },
  close: { args: ['i32'], returns: 'i32' },
} as const;

const [AF_UNIX, SOCK_DGRAM] = [1, 2];

/** The other end of a socket, while somebody listens there. */
export interface Datagrams {
  /** @throws DeliveryFault where nobody takes it now */
  send(message: Uint8Array): void;
  close(): void;
}

/** @throws DeliveryFault where nobody listens at the path, or the system has no such calls */
export function openDatagrams(path: string): Datagrams {
  const { system, calls } = open();
  const bytes = Buffer.from(`${path}\0`);
  if (bytes.length > system.path)
    throw new DeliveryFault('the path of the socket is too long', 'unreachable');
  const address = Buffer.alloc(2 + system.path);
  address.set(system.head(2 + bytes.length));
  address.set(bytes, 2);
  const descriptor = calls.socket(AF_UNIX, SOCK_DGRAM, 0);
  if (descriptor < 0 || calls.connect(descriptor, ptr(address), 2 + bytes.length) !== 0) {
    if (descriptor >= 0) calls.close(descriptor);
    throw new DeliveryFault('nobody takes datagrams at the socket', 'unreachable');
  }
  return {
    send(message) {
      const sent = Number(calls.send(descriptor, ptr(message), message.length, system.flags));
      if (sent !== message.length) throw new DeliveryFault('the socket takes nothing now', 'busy');
    },
    close: () => void calls.close(descriptor),
  };
}

function open() {
  for (const system of SYSTEMS) {
    try {
      return { system, calls: dlopen(system.library, CALLS).symbols };
    } catch {
      // Another is the one of this system.
    }
  }
  throw new DeliveryFault('this system has no datagrams over Unix sockets', 'unreachable');
}
