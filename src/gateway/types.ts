// What the gateway offers to the command line and the admin listener. Types only.

import type { Diagnostic } from '../config/diagnostic.ts';
import type { Plan } from '../config/diff.ts';
import type { Loaded, LoadResult } from '../config/load.ts';
import type { Host } from '../core/host.ts';
import type { CallsReport } from '../core/live-calls.ts';
import type { Peer } from '../core/peer.ts';
import type { PinStore } from '../core/pin-store.ts';
import type { AnyPlugin } from '../core/plugin.ts';
import type { SessionStore } from '../core/session-store.ts';
import type { Shelf } from '../core/shelf.ts';
import type { JsonValue } from '../protocol/values.ts';
import type { LookUp } from '../upstreams/names.ts';
import type { TargetState } from '../upstreams/targets.ts';

export type { TargetState };

/** Everything the gateway takes from outside; nothing below reads the process or the disk by itself. */
export interface World {
  readonly host: Host;
  /**
   * Reads gateway.yaml, or what stands in for it, afresh.
   * @param again not the file, but the text of this one: with what its references stand for now
   */
  readonly read: (again?: Loaded) => LoadResult | Promise<LoadResult>;
  /** The text of a file by its absolute path; throws the system's error. */
  readonly readFile: (path: string) => string;
  /** Built-in plugins by name. */
  readonly plugins: Readonly<Record<string, AnyPlugin>>;
  /** 32 bytes that outlive a restart. */
  readonly sealKey: Uint8Array;
  /** Where plugins may keep files, absolute; undefined where nothing is to be left behind. */
  readonly stateDir?: string | undefined;
  /** What is known of sessions beside their ids. The gateway closes it when it stops. */
  readonly sessions: SessionStore;
  /** What was known of upstreams before a restart. The gateway closes it when it stops. */
  readonly shelf: Shelf;
  /** The approved definitions of tools. */
  readonly pins: PinStore;
  /** Environment of child processes before an upstream's own `env`: an allow-list of this process's. */
  readonly childEnv: Readonly<Record<string, string>>;
  /** The operating system, as the runtime names it. */
  readonly platform: string;
  /** All addresses of a name, as this machine knows it. */
  readonly lookUp: LookUp;
  readonly version: string;
  /** Whether HTTP listeners are opened; `sluice stdio` serves one client on its pipes instead. */
  readonly listen: boolean;
}

export type ReloadResult =
  | {
      readonly ok: true;
      readonly plan: Plan;
      /** The one that ran before. */
      readonly before: number;
      /** The one that runs now, or would; with `again` the same one where nothing has changed. */
      readonly generation: number;
      readonly ms: number;
      readonly dryRun: boolean;
    }
  | { readonly ok: false; readonly diagnostics: readonly Diagnostic[]; readonly generation: number };

export interface ListenerState {
  /** `127.0.0.1:7420` or `unix:/run/x.sock`. */
  readonly address: string;
  /** What clients are given; for a socket `http://localhost/mcp` over that socket. */
  readonly urls: readonly string[];
  /** The same as the listener's `url` has it, where it has one: what is in front of the gateway leads there. */
  readonly publicUrls?: readonly string[];
}

export interface UpstreamReport {
  readonly name: string;
  readonly kind: 'builtin' | 'url' | 'command';
  /** Without credentials. */
  readonly target: string;
  readonly eras: readonly string[];
  readonly links: number;
  readonly calls: number;
  /** Calls that wait for a place there. */
  readonly waiting: number;
  readonly tokens: number;
  readonly parked: number;
  /** Tools whose definition is not the approved one. */
  readonly unapproved: number;
  /** Where it is reached, and whether calls go there. */
  readonly targets: readonly TargetState[];
}

export interface GatewayReport {
  readonly generation: number;
  readonly startedAt: number;
  readonly listeners: readonly ListenerState[];
  readonly upstreams: readonly UpstreamReport[];
  /** What is wrong with the lists of endpoints, by path, as far as they were asked for. */
  readonly remarks: readonly { readonly endpoint: string; readonly text: string }[];
  /** Ids of the top pipeline in order. */
  readonly pipeline: readonly string[];
  readonly inFlight: number;
  readonly sessions: number;
  readonly streams: number;
  /** Generations that still drain. */
  readonly draining: number;
}

/** Where a request would go and what would look at it. */
export interface Explanation {
  readonly method: string;
  readonly name: string | undefined;
  readonly endpoint: string;
  readonly route: string;
  /** What the configuration says of the name: why it is hidden, and from whom. */
  readonly notes: readonly string[];
  readonly steps: readonly {
    readonly id: string;
    readonly where: string;
    readonly hooks: readonly string[];
    readonly mode: string;
    /** Undefined where that depends on which upstream has it. */
    readonly applies: boolean | undefined;
  }[];
}

/** An entry of a pipeline. */
export interface PluginRow {
  /** `UPSTREAM/ID` in the pipeline of an upstream. */
  readonly name: string;
  readonly plugin: string;
  readonly where: string;
  readonly mode: string;
  /** Whether it tells of itself. */
  readonly reports: boolean;
}

/** What came of the first contact with an upstream. */
export type Warmed =
  | {
      readonly name: string;
      readonly ok: true;
      readonly ms: number;
      readonly tools: number;
      readonly eras: readonly string[];
    }
  | {
      readonly name: string;
      readonly ok: false;
      /** Nobody has called yet, and without a caller there is no credential for it. */
      readonly isForCallers: boolean;
      readonly ms: number;
      readonly why: string;
    };

export interface Gateway {
  /**
   * Reads the configuration anew and swaps generations, or changes nothing.
   * With `again`, the text stays that of the running generation, whatever the file says by now.
   */
  reload(options: { readonly dryRun: boolean; readonly again?: boolean }): Promise<ReloadResult>;
  explain(method: string, name: string | undefined, endpoint: string | undefined): Explanation | undefined;
  report(): GatewayReport;
  /** What is at work. @param most of them are described */
  calls(most: number): CallsReport;
  /** The entries of all pipelines, in order. */
  plugins(): readonly PluginRow[];
  /**
   * What an entry of the current generation tells of itself: undefined where there is none of that name, null where it
   * has nothing to tell.
   * @param name its id, `UPSTREAM/ID` in the pipeline of an upstream
   * @throws what its plugin throws
   */
  plugin(name: string, asked: Readonly<Record<string, string>>): Promise<JsonValue | undefined>;
  /** Connects to every upstream of the current generation, a few at a time, and tells what came of each. */
  warm(told: (warmed: Warmed) => void): Promise<void>;
  /** Whether new calls are served: false before the first generation stands and once stopping began. */
  ready(): boolean;
  /** Serves one client over a pair of pipes until its input ends (`sluice stdio`). @param peer who that is, if known */
  serveStdio(
    input: ReadableStream<Uint8Array>,
    write: (data: string | Uint8Array) => Promise<void>,
    peer?: () => Peer | undefined,
  ): Promise<void>;
  /** Finishes what runs, at most for `drain`, then ends everything. Resolves when nothing is left. */
  stop(): Promise<void>;
}
