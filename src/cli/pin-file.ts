// The approved definitions of tools in a file that people read, review and commit, and beside the other state those
// that wait for approval. Several gateways, and `sluice pins`, may write them: each change reads the file afresh and
// replaces it whole.

import { mkdirSync, readFileSync, realpathSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import type { Config } from '../config/schema.ts';
import { messageOf } from '../core/errors.ts';
import { type Log, SILENT } from '../core/log.ts';
import type { Pin, PinStore, Pins } from '../core/pin-store.ts';
import type { JsonObject } from '../protocol/values.ts';
import { CliError, EXIT, systemCode } from './exit.ts';
import { stateDir } from './paths.ts';
import type { Shell } from './shell.ts';

export const PIN_FILE = 'pins.json';
const WAITING_FILE = 'pins.waiting.json';

const pin = z.strictObject({
  digest: z.string().regex(/^sha256:[0-9a-f]{64}$/, 'not "sha256:" and 64 hexadecimal digits'),
  seen: z.string(),
  definition: z.custom<JsonObject>(isObject, 'not an object'),
});

type All = Map<string, Map<string, Pin>>;

export interface PinFile extends PinStore {
  readonly file: string;
  /** Every upstream that either file knows. */
  upstreams(): string[];
  /** Approves what waits, or some of it. @returns the names that were approved */
  accept(upstream: string, tools?: readonly string[]): string[];
  /** Takes approvals back: what is listed next is approved as on first sight. @returns the names that were known */
  forget(upstream: string, tools?: readonly string[]): string[];
}

export interface PinFileOptions {
  /** Of the approved ones. */
  readonly file: string;
  /** The state directory. */
  readonly dir: string;
  readonly log: Log;
}

/** @throws CliError when a file cannot be read, or holds something else */
export function openPinFile({ file, dir, log }: PinFileOptions): PinFile {
  const approved = new Paper(file, log);
  const waiting = new Paper(join(dir, WAITING_FILE), log);
  return {
    file,
    version: () => approved.version(),
    problem: () => approved.problem(),
    approved: (upstream) => approved.all().get(upstream) ?? new Map(),
    approve: (upstream, pins) =>
      approved.change((all) => all.set(upstream, new Map([...pins, ...(all.get(upstream) ?? [])]))),
    renew: (upstream, pins) =>
      approved.change((all) => all.set(upstream, new Map([...(all.get(upstream) ?? []), ...pins]))),
    waiting: (upstream) => waiting.all().get(upstream) ?? new Map(),
    setWaiting: (upstream, pins) =>
      waiting.change((all) => (pins.size === 0 ? all.delete(upstream) : all.set(upstream, new Map(pins)))),
    upstreams: () => [...new Set([...approved.all().keys(), ...waiting.all().keys()])].sort(),
    accept(upstream, tools) {
      const chosen = only(waiting.all().get(upstream), tools);
      if (chosen.size === 0) return [];
      approved.change((all) => all.set(upstream, new Map([...(all.get(upstream) ?? []), ...chosen])));
      waiting.change((all) => all.set(upstream, without(all.get(upstream), chosen)));
      return [...chosen.keys()];
    },
    forget(upstream, tools) {
      const chosen = only(approved.all().get(upstream), tools);
      const also = only(waiting.all().get(upstream), tools);
      if (chosen.size > 0) approved.change((all) => all.set(upstream, without(all.get(upstream), chosen)));
      if (also.size > 0) waiting.change((all) => all.set(upstream, without(all.get(upstream), also)));
      return [...new Set([...chosen.keys(), ...also.keys()])];
    },
  };
}

/** The files of a configuration, without a word to a log. @throws CliError as above */
export function readPins(shell: Shell, { state }: Pick<Config, 'state'>): PinFile {
  const dir = stateDir(shell, state.dir);
  return openPinFile({ file: state.pins ?? join(dir, PIN_FILE), dir, log: SILENT });
}

function only(pins: Pins = new Map(), tools: readonly string[] | undefined): Map<string, Pin> {
  return new Map([...pins].filter(([name]) => tools === undefined || tools.includes(name)));
}

function without(pins: Pins = new Map(), gone: Pins): Map<string, Pin> {
  return new Map([...pins].filter(([name]) => !gone.has(name)));
}

/** One of the two files, and what it held when it was last read. */
class Paper {
  #all: All = new Map();
  #stamp = '';
  #version = 0;
  #complaint = '';
  #problem: string | undefined;

  constructor(
    readonly file: string,
    readonly log: Log,
  ) {
    this.#stamp = stampOf(file);
    this.#all = read(file);
  }

  version(): number {
    this.#look();
    return this.#version;
  }

  problem(): string | undefined {
    this.#look();
    return this.#problem;
  }

  all(): All {
    this.#look();
    return this.#all;
  }

  /** Where the disk does not take it, it holds for this process. */
  change(by: (all: All) => void): void {
    this.#look();
    by(this.#all);
    for (const [upstream, pins] of this.#all) if (pins.size === 0) this.#all.delete(upstream);
    this.#version++;
    try {
      write(this.file, this.#all);
      this.#stamp = stampOf(this.file);
      this.#complaint = '';
      this.#problem = undefined;
    } catch (error) {
      this.#complain('pins of tools are not on disk', error);
    }
  }

  /** What others have written; what cannot be read leaves everything as it is. */
  #look(): void {
    const stamp = stampOf(this.file);
    if (stamp === this.#stamp) return;
    this.#stamp = stamp;
    try {
      this.#all = read(this.file);
      this.#version++;
      this.#complaint = '';
      this.#problem = undefined;
    } catch (error) {
      this.#problem = messageOf(error);
      this.#complain('pins of tools cannot be read, so those read before hold', error);
    }
  }

  #complain(what: string, error: unknown): void {
    const reason = messageOf(error);
    if (this.#complaint === reason) return;
    this.#complaint = reason;
    this.log.error(what, { file: this.file, reason });
  }
}

function stampOf(file: string): string {
  try {
    const { ino, size, mtimeNs } = statSync(file, { bigint: true });
    return `${ino} ${size} ${mtimeNs}`;
  } catch {
    return '';
  }
}

function read(file: string): All {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(systemCode(error) ?? '')) return new Map();
    throw new CliError(EXIT.failed, `cannot read ${file}: ${systemCode(error) ?? messageOf(error)}`);
  }
  const { version, upstreams } = object(parsed(text, file), file, 'the top');
  if (version !== 1) throw foreign(file, 'version is not 1');
  return new Map(
    Object.entries(object(upstreams, file, 'upstreams')).map(([upstream, tools]) => [
      upstream,
      new Map(
        Object.entries(object(tools, file, `upstreams.${upstream}`)).map(([tool, value]) => {
          const known = pin.safeParse(value);
          if (known.success) return [tool, known.data];
          const [issue] = known.error.issues;
          throw foreign(
            file,
            `${['upstreams', upstream, tool, ...(issue?.path ?? [])].join('.')}: ${issue?.message}`,
          );
        }),
      ),
    ]),
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Own members, whatever they are called. */
function object(value: unknown, file: string, where: string): Record<string, unknown> {
  if (isObject(value)) return value;
  throw foreign(file, `${where} is not an object`);
}

function foreign(file: string, what: string): CliError {
  return new CliError(EXIT.failed, `${file} holds no pins of tools: ${what}`, MEND);
}

const MEND = 'mend it, take it from version control, or move it away to approve everything anew';

function parsed(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new CliError(EXIT.failed, `${file} is not JSON: ${messageOf(error)}`, MEND);
  }
}

/** In one order always, so that a change is a small difference in version control. */
function write(file: string, all: All): void {
  const sorted = <T>(map: ReadonlyMap<string, T>): [string, T][] =>
    [...map].toSorted(([a], [b]) => (a < b ? -1 : 1));
  const upstreams = Object.fromEntries(
    sorted(all).map(([upstream, pins]) => [upstream, Object.fromEntries(sorted(pins))]),
  );
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const place = real(file);
  const aside = `${place}.${process.pid}`;
  writeFileSync(aside, `${JSON.stringify({ version: 1, upstreams }, null, 2)}\n`);
  renameSync(aside, place);
}

/** A link stays a link. */
function real(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return file;
  }
}
