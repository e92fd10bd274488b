// What the router needs of an upstream: its leg handler, and what it says of itself.

import type { Client } from '../core/client.ts';
import type { Handler } from '../core/handler.ts';
import type { RawObject } from '../protocol/raw.ts';

export interface Source {
  readonly name: string;
  /** The upstream's own pipeline and link. Names are the upstream's. */
  readonly handle: Handler;
  hello(
    client: Client,
  ): Promise<{ readonly capabilities: RawObject; readonly instructions: string | undefined }>;
}
