// What the admin server shows and steers, as an interface: it knows nothing of the gateway behind.

import type { JsonValue } from '../protocol/values.ts';

export interface AdminSource {
  /** Whether new calls are served. */
  ready(): boolean;
  /** Upstreams that are not called for now, by name. */
  away(): readonly string[];
  status(): JsonValue;
  /** What is at work. @param most calls that are described */
  calls(most: number): JsonValue;
  readonly metrics: { readonly contentType: string; metrics(): Promise<string> };
  /** Never rejects for anything the configuration says. */
  reload(options: { readonly dryRun: boolean }): Promise<ReloadReport>;
  /** Takes secrets out of what is answered. */
  redact(text: string): string;
  /** The entries of all pipelines, in order. */
  plugins(): JsonValue;
  /** What an entry tells of itself: undefined where there is no such entry, null where it has nothing to tell. */
  plugin(id: string, asked: Readonly<Record<string, string>>): Promise<JsonValue | undefined>;
  /** Undefined where no such endpoint or method is served. */
  explain(question: Question): JsonValue | undefined;
}

export interface ReloadReport {
  readonly ok: boolean;
  /** The answer's body, `ok` included. */
  readonly body: JsonValue;
}

export interface Question {
  readonly method: string;
  readonly name: string | undefined;
  readonly endpoint: string | undefined;
}
