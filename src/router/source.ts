// What the router needs of an upstream: its leg handler, and what it says of itself.

import type { Client } from '../core/client.ts';
import type { Handler } from '../core/handler.ts';
import type { Pages } from '../core/pages.ts';
import type { RawObject } from '../protocol/raw.ts';

export interface Source {
  readonly name: string;
  /** What is the same as long as its configuration is: what is known of an upstream is known under this. */
  readonly entry: string;
  /** No plugin of its own pipeline looks at its answers, which could make them another's for each caller. */
  readonly isPlain: boolean;
  /** Plugins of its own pipeline that add to what is sent, and which headers of the caller's they pass on. */
  readonly senders: readonly { readonly passesOn?: readonly string[] | undefined }[];
  /** How far its lists are followed. */
  readonly pages: Pages;
  /** Beginnings of URIs that are its own although nothing lists them. */
  readonly claims: readonly string[];
  /** The upstream's own pipeline and link. Names are the upstream's. */
  readonly handle: Handler;
  hello(client: Client): Promise<Said>;
}

/** What an upstream says of itself. */
export interface Said {
  readonly capabilities: RawObject;
  readonly instructions: string | undefined;
}
