// How many tokens are asked for at once. Whoever makes tokens up can have as many asked for as they like, so those that
// were never found good have a part of the turns alone, and each network a part of that.

export interface TurnsOptions {
  readonly most: number;
  /** Of those for tokens that were never found good, from one network. */
  readonly mostOfNetwork: number;
}

/** The part of all turns that is kept for tokens which were found good before. */
const KEPT = 1 / 4;

export class Turns {
  readonly #options: TurnsOptions;
  readonly #byNetwork = new Map<string, number>();
  #all = 0;
  #strangers = 0;

  constructor(options: TurnsOptions) {
    this.#options = options;
  }

  /**
   * @param isKnown whether the token was found good before
   * @returns gives the turn back; or the limit that leaves none
   */
  take(network: string, isKnown: boolean): (() => void) | 'introspection_pending' | 'introspection_network' {
    const { most, mostOfNetwork } = this.#options;
    if (this.#all >= most) return 'introspection_pending';
    this.#all++;
    if (isKnown) return () => void this.#all--;
    const own = this.#byNetwork.get(network) ?? 0;
    if (own >= mostOfNetwork || this.#strangers >= most - Math.floor(most * KEPT)) {
      this.#all--;
      return own >= mostOfNetwork ? 'introspection_network' : 'introspection_pending';
    }
    this.#strangers++;
    this.#byNetwork.set(network, own + 1);
    return () => this.#leave(network);
  }

  #leave(network: string): void {
    this.#all--;
    this.#strangers--;
    const left = (this.#byNetwork.get(network) ?? 1) - 1;
    if (left === 0) this.#byNetwork.delete(network);
    else this.#byNetwork.set(network, left);
  }
}
