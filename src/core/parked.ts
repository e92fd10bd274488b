// What the requestState of a parked call says, to whoever holds the gateway's seal: which call, and on which
// generation it waits. Nothing else may be read from it.

import type { Seal } from '../lib/seal.ts';

export interface ParkedState {
  /** Unique for ever, so that a state of an earlier process finds nothing. */
  readonly id: string;
  readonly generation: number;
}

const KIND = 'park';

export function sealParked(seal: Seal, { id, generation }: ParkedState): string {
  return seal.seal(KIND, `${generation}:${id}`);
}

/** @returns undefined for a state that was not sealed here as one of a parked call */
export function openParked(seal: Seal, state: string | undefined): ParkedState | undefined {
  const text = state === undefined ? undefined : seal.open(KIND, state);
  const [, generation, id] = /^(\d+):(.+)$/.exec(text ?? '') ?? [];
  return id === undefined ? undefined : { id, generation: Number(generation) };
}
