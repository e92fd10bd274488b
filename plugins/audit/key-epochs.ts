// When another key takes over from the one that signs. The log names it, the old key vouches for that with its last
// checkpoint, and is gone: whoever gets hold of the machine later cannot sign what was before.

import type { PluginHost } from '../../src/plugin.ts';
import type { LogKey } from './key.ts';
import type { AuditLog } from './log.ts';
import { prepareKey, takeOver } from './next-key.ts';

export interface KeyOptions {
  /** Milliseconds after which a key is exchanged. */
  readonly rotate: number | 'off';
  /** One that was made before is exchanged at once; milliseconds since the epoch. */
  readonly renew_before?: number | undefined;
}

type Host = Pick<PluginHost, 'log' | 'now' | 'count'>;

/** How often somebody looks whether it is time. */
const LOOK = 60_000;

export class KeyEpochs {
  #timer: Timer | undefined;
  #options: KeyOptions = { rotate: 'off' };
  #changing: Promise<void> | undefined;

  constructor(
    public key: LogKey,
    readonly of: {
      readonly file: string;
      readonly origin: string;
      readonly log: AuditLog;
      readonly host: Host;
    },
  ) {}

  /** From now on with these. */
  use(options: KeyOptions): void {
    this.#options = options;
    clearInterval(this.#timer);
    void this.look();
    this.#timer = setInterval(() => void this.look(), LOOK);
  }

  /** Whether another key has to take over by now. */
  get isDue(): boolean {
    const { rotate, renew_before } = this.#options;
    const { made } = this.key;
    const now = this.of.host.now();
    const isOld = rotate !== 'off' && now - made >= rotate;
    return isOld || (renew_before !== undefined && made < renew_before && now >= renew_before);
  }

  /** Resolves when it has been seen to. Where it fails, the old key signs on, and the next look tries again. */
  look(): Promise<void> {
    if (!this.isDue) return Promise.resolve();
    this.#changing ??= this.#change().finally(() => {
      this.#changing = undefined;
    });
    return this.#changing;
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#changing;
  }

  async #change(): Promise<void> {
    const { host, file, origin, log } = this.of;
    try {
      const next = await prepareKey(file, this.key, origin, host.now());
      await log.changeKey(next.signer, () => takeOver(file));
      this.key = next;
      host.count('keys');
      host.log.info('another key signs the audit log', { key: next.signer.public });
    } catch (error) {
      host.count('failed', { kind: 'key' });
      const reason = error instanceof Error ? error.message : String(error);
      host.log.error('the key of the audit log cannot be exchanged', { reason });
    }
  }
}
