// What is known of upstreams, for the time after a restart. Types, and the shelf of a gateway that keeps nothing on
// disk; the one on disk is cli/shelf-file.ts.

/** Keys are digests. Nothing here throws: what cannot be kept is said in the log, and asked for again. */
export interface Shelf {
  /** The text that was kept last, and when, milliseconds since the epoch. */
  find(key: string): { readonly text: string; readonly at: number } | undefined;
  keep(key: string, text: string, at: number): void;
  drop(key: string): void;
  close(): void;
}

export const NO_SHELF: Shelf = {
  find: () => undefined,
  keep() {},
  drop() {},
  close() {},
};
