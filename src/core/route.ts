// Where an exchange goes. Data only; found by the router, read by everybody.

import type { McpResult } from '../protocol/message.ts';

export type Route =
  | {
      readonly kind: 'one';
      readonly upstream: string;
      /** The target's name as the upstream knows it, where the method has one. */
      readonly name?: string | undefined;
      /** The name the request carried when this route was found; a different one later means: look again. */
      readonly asked?: string | undefined;
    }
  | { readonly kind: 'all'; readonly upstreams: readonly string[] }
  | { readonly kind: 'local' }
  /** One of these or nowhere: that is in what they list, and they are asked when the plugins have let the request pass. */
  | {
      readonly kind: 'undecided';
      readonly upstreams: readonly string[];
      readonly asked?: string | undefined;
    }
  /** Nowhere; `refusal` is given after the plugins have seen the request. */
  | { readonly kind: 'none'; readonly asked?: string | undefined; readonly refusal: McpResult };
