// The sinks and anchors of a log while a gateway runs: begun with its first generation, changed by reloads, ended with
// the log. One that a reload leaves as it is goes on; of one name there is never more than one at work.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PluginHost } from '../../src/plugin.ts';
import { fileAnchor } from './anchors/file.ts';
import { timestampAnchor } from './anchors/timestamp.ts';
import { witnessAnchor } from './anchors/witness.ts';
import { cursorFile } from './delivery/cursor.ts';
import { Delivery, type Outlet, type Standing } from './delivery/delivery.ts';
import { entriesOf } from './delivery/entries.ts';
import { type Anchor, nameOf, type Sink } from './delivery/lists.ts';
import { NewestCheckpoint, type SignedCheckpoint } from './delivery/newest.ts';
import { pause } from './delivery/pause.ts';
import { Recent } from './delivery/recent.ts';
import { LATEST } from './keeping.ts';
import { otlpSink } from './sinks/otlp.ts';
import { syslogSink } from './sinks/syslog.ts';
import { webhookSink } from './sinks/webhook.ts';

export interface Wanted {
  readonly sinks: readonly Sink[];
  readonly anchors: readonly Anchor[];
  readonly delivery: { readonly memory: number; readonly drain: number };
}

/** What is known of the log. */
export interface Followed {
  readonly directory: string;
  readonly origin: string;
  /** The last entry on disk. */
  readonly seq: number;
}

type Host = Pick<PluginHost, 'log' | 'now' | 'count' | 'level' | 'limitHit'>;

interface Running {
  /** Says what it was made from. */
  readonly key: string;
  readonly delivery: Pick<Delivery<unknown>, 'wake' | 'close' | 'standing'>;
  readonly isSink: boolean;
}

export class Outlets {
  readonly #running = new Map<string, Running>();
  /** By name, until the one that was there has ended. */
  readonly #ending = new Map<string, Promise<void>>();
  readonly #newest: NewestCheckpoint;
  readonly #recent: Recent;
  #grace = 0;
  /** Whose options they are; 0 while nobody has given any. */
  generation = 0;

  constructor(
    readonly log: Followed,
    readonly host: Host,
    memory: number,
  ) {
    this.#newest = new NewestCheckpoint(latestOf(log.directory));
    this.#recent = new Recent(memory, log.seq);
  }

  onEntries(lines: readonly string[], first: number): void {
    this.#recent.add(lines, first);
    for (const { delivery, isSink } of this.#running.values()) if (isSink) delivery.wake();
  }

  onCheckpoint(note: string, size: number): void {
    this.#newest.add(note, size);
    for (const { delivery, isSink } of this.#running.values()) if (!isSink) delivery.wake();
  }

  /**
   * From now on these; those of an older generation change nothing.
   * @param stop the log is not what an anchor has seen, and its option says to stop then
   */
  use({ sinks, anchors, delivery }: Wanted, generation: number, stop: (what: string) => void): void {
    if (generation <= this.generation) return;
    this.generation = generation;
    this.#grace = delivery.drain;
    this.#recent.most = delivery.memory;
    const wanted = new Map([...sinks, ...anchors].map((each) => [nameOf(each), keyOf(each)]));
    for (const [name, { key }] of this.#running) if (wanted.get(name) !== key) this.#end(name);
    for (const sink of sinks) this.#begin(sink, true, (ready) => this.#sink(sink, ready));
    for (const anchor of anchors) this.#begin(anchor, false, (ready) => this.#anchor(anchor, ready, stop));
  }

  /** How each of them stands. */
  get standings(): Standing[] {
    return [...this.#running.values()].map(({ delivery }) => delivery.standing);
  }

  /** After the last entry, and the last checkpoint. */
  async close(): Promise<void> {
    for (const name of [...this.#running.keys()]) this.#end(name);
    await Promise.all(this.#ending.values());
  }

  #begin(
    options: Sink | Anchor,
    isSink: boolean,
    make: (ready: Promise<void> | undefined) => Running['delivery'],
  ): void {
    const name = nameOf(options);
    if (this.#running.has(name)) return;
    this.#running.set(name, { key: keyOf(options), isSink, delivery: make(this.#ending.get(name)) });
  }

  #end(name: string): void {
    const running = this.#running.get(name);
    if (!running) return;
    this.#running.delete(name);
    const ending = running.delivery.close(this.#grace).finally(() => {
      if (this.#ending.get(name) === ending) this.#ending.delete(name);
    });
    this.#ending.set(name, ending);
  }

  #sink(options: Sink, ready: Promise<void> | undefined): Running['delivery'] {
    const source = entriesOf(this.log.directory, this.#recent, options);
    const outlet = sinkOf(options, this.log.origin, this.host.now);
    return new Delivery(
      nameOf(options),
      outlet,
      source,
      this.#cursor(options),
      options,
      this.#around(),
      ready,
    );
  }

  #anchor(
    options: Anchor,
    ready: Promise<void> | undefined,
    stop: (what: string) => void,
  ): Running['delivery'] {
    const outlet = anchorOf(options, this.log.directory, this.host.now);
    const stops = options.kind !== 'timestamp' && options.on_break === 'stop';
    const around = { ...this.#around(), ...(stops && { broken: stop }) };
    return new Delivery(nameOf(options), outlet, this.#newest, this.#cursor(options), options, around, ready);
  }

  #cursor(options: Sink | Anchor) {
    return cursorFile(join(this.log.directory, 'delivery', `${nameOf(options)}.json`));
  }

  #around() {
    return { host: this.host, pause, random: Math.random };
  }
}

function sinkOf(options: Sink, origin: string, now: () => number): Outlet<string> {
  switch (options.kind) {
    case 'syslog':
      return syslogSink(options);
    case 'otlp':
      return otlpSink(options, origin, now);
    case 'webhook':
      return webhookSink(options, origin, now);
  }
}

function anchorOf(options: Anchor, directory: string, now: () => number): Outlet<SignedCheckpoint> {
  const kept = join(directory, 'anchors', nameOf(options));
  switch (options.kind) {
    case 'file':
      return fileAnchor(options, directory);
    case 'witness':
      return witnessAnchor(options, { directory, kept: `${kept}.jsonl`, now });
    case 'timestamp':
      return timestampAnchor(options, { kept, now });
  }
}

/** Of options with secrets in them, nothing that shows one. */
function keyOf(options: Sink | Anchor): string {
  return createHash('sha256').update(JSON.stringify(options)).digest('hex');
}

function latestOf(directory: string): string | undefined {
  try {
    return readFileSync(join(directory, LATEST), 'utf8');
  } catch {
    return undefined;
  }
}
