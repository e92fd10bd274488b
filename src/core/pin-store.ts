// What is kept of the definitions of tools: those that are approved, and what differs from them now. Types and the
// store of a gateway that keeps nothing on disk.

import type { JsonObject } from '../protocol/values.ts';

/** One definition of a tool, as its upstream gave it. */
export interface Pin {
  /** `sha256:` and 64 hexadecimal digits, over the canonical text of the definition. */
  readonly digest: string;
  readonly definition: JsonObject;
  /** When it was first seen, ISO 8601. */
  readonly seen: string;
}

/** By the tool's name at its upstream. */
export type Pins = ReadonlyMap<string, Pin>;

export interface PinStore {
  /** Grows whenever what is approved may have changed, by whoever. */
  version(): number;
  approved(upstream: string): Pins;
  /** Why what is on disk does not hold, in words; undefined where it does. */
  problem(): string | undefined;
  /** Adds definitions of tools that have none. */
  approve(upstream: string, pins: Pins): void;
  /** Adds definitions in place of those that the tools have. */
  renew(upstream: string, pins: Pins): void;
  /** What differs now from what is approved, or is not approved at all. */
  waiting(upstream: string): Pins;
  /** Replaces all that waits of one upstream. */
  setWaiting(upstream: string, pins: Pins): void;
}

/** For a gateway that lasts no longer than a command. */
export function pinMemory(): PinStore {
  const approved = new Map<string, Map<string, Pin>>();
  const waiting = new Map<string, Pins>();
  return {
    version: () => 0,
    problem: () => undefined,
    approved: (upstream) => approved.get(upstream) ?? new Map(),
    approve(upstream, pins) {
      const known = approved.get(upstream) ?? new Map<string, Pin>();
      approved.set(upstream, new Map([...known, ...pins, ...known]));
    },
    renew(upstream, pins) {
      approved.set(upstream, new Map([...(approved.get(upstream) ?? []), ...pins]));
    },
    waiting: (upstream) => waiting.get(upstream) ?? new Map(),
    setWaiting: (upstream, pins) => void waiting.set(upstream, pins),
  };
}
