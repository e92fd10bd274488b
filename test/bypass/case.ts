// One way to get past who may call, of a numbered group: what is changed of a good request, and what comes of it.
import type { Change, Known, Scene, Way } from './scene.ts';

export interface Case {
  readonly group: number;
  readonly name: string;
  readonly change: (scene: Scene, way: Way, known: Known) => Change | Promise<Change>;
  /** What is answered; 401 by default. */
  readonly status?: number;
  /** Ways in; all by default. */
  readonly ways?: readonly Way[];
  /** Of the JSON-RPC error. */
  readonly code?: number;
  /** Whether a challenge comes with it, which it does with every 401. */
  readonly isChallenged?: boolean;
  /** Why, as it is counted. */
  readonly reason?: string;
  /** What the names of its tools begin with. */
  readonly tool?: string;
  /** The request that is let in; by default one with the good token. */
  readonly good?: (scene: Scene) => Promise<Change>;
}

/** Cases of one group that send other lines in the place of the good credential. */
export function proofs(
  group: number,
  all: Readonly<Record<string, Proof>>,
  more: Partial<Case> = {},
): Case[] {
  return Object.entries(all).map(([name, proof]) => ({
    group,
    name,
    change: async (scene) => ({ proof: [await proof(scene)].flat() }),
    ...more,
  }));
}

type Proof = (scene: Scene) => string | readonly string[] | Promise<string | readonly string[]>;

/** Cases of one group that send another token as it should be sent. */
export function tokens(
  group: number,
  all: Readonly<Record<string, Token>>,
  more: Partial<Case> = {},
): Case[] {
  const lines = Object.entries(all).map(([name, token]) => {
    const proof: Proof = async (scene) => `Authorization: Bearer ${await token(scene)}`;
    return [name, proof] as const;
  });
  return proofs(group, Object.fromEntries(lines), more);
}

type Token = (scene: Scene) => string | Promise<string>;

/** Cases of one group that change the request. */
export function changes(
  group: number,
  all: Readonly<Record<string, Change>>,
  more: Partial<Case> = {},
): Case[] {
  return Object.entries(all).map(([name, change]) => ({ group, name, change: () => change, ...more }));
}
