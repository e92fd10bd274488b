// What a plugin under test is given for a gateway: a log that remembers, and values that outlive a reload.

import type { Log, LogFields } from '../core/log.ts';
import type { LogLine } from './call.ts';

/** A log that puts every line into `lines`. */
export function recordingLog(lines: LogLine[], fixed: LogFields = {}): Log {
  const at =
    (level: LogLine['level']) =>
    (message: string, fields: LogFields = {}): void => {
      lines.push({ level, message, fields: { ...fixed, ...fields } });
    };
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    with: (fields) => recordingLog(lines, { ...fixed, ...fields }),
  };
}

interface Kept {
  readonly value: unknown;
  readonly dispose: () => void | Promise<void>;
  isAsked: boolean;
}

/** The values of `host.keep`: one that a whole setup has not asked for is disposed. */
export class Keeps {
  readonly #kept = new Map<string, Kept>();

  keep<T>(key: string, make: () => T, dispose?: (value: T) => void | Promise<void>): T {
    const known = this.#kept.get(key);
    if (known) {
      known.isAsked = true;
      return known.value as T;
    }
    const value = make();
    this.#kept.set(key, { value, dispose: () => dispose?.(value), isAsked: true });
    return value;
  }

  /** @throws Error when the plugin keeps nothing under that key */
  get(key: string): unknown {
    const kept = this.#kept.get(key);
    if (kept) return kept.value;
    const keys = [...this.#kept.keys()].map((each) => `"${each}"`).join(', ');
    throw new Error(`the plugin keeps nothing under "${key}" (it keeps ${keys || 'nothing at all'})`);
  }

  /** Before a setup. */
  forget(): void {
    for (const kept of this.#kept.values()) kept.isAsked = false;
  }

  /** After a setup. */
  async sweep(): Promise<void> {
    for (const [key, kept] of this.#kept) {
      if (kept.isAsked) continue;
      this.#kept.delete(key);
      await kept.dispose();
    }
  }
}
