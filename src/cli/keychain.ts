// The system's keychain: Keychain of macOS, Credential Manager of Windows, Secret Service of a Linux desktop. It may
// be missing, locked, or ask its user; nobody waits for it for ever.

import { systemCode } from './exit.ts';

/** There is no keychain here, or it does not let us in. */
export class KeychainAway extends Error {}

/** Each rejects with `KeychainAway`. */
export interface Keychain {
  get(name: string): Promise<string | undefined>;
  set(name: string, value: string): Promise<void>;
  /** @returns whether it was there */
  delete(name: string): Promise<boolean>;
}

/** Under which all secrets lie there; their names are the accounts. */
const SERVICE = 'sluice';

/** A user may be asked, and has to find the password. Fixed: the configuration is what waits for it. */
const PATIENCE_MS = 60_000;

export const systemKeychain: Keychain = {
  get: async (name) => (await within(Bun.secrets.get({ service: SERVICE, name }))) ?? undefined,
  set: (name, value) => within(Bun.secrets.set({ service: SERVICE, name, value })),
  delete: (name) => within(Bun.secrets.delete({ service: SERVICE, name })),
};

async function within<T>(asked: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new KeychainAway('it does not answer')), PATIENCE_MS);
  try {
    return await Promise.race([asked, late.promise]);
  } catch (error) {
    if (error instanceof KeychainAway) throw error;
    throw new KeychainAway(reasonOf(error));
  } finally {
    clearTimeout(timer);
  }
}

/** The first line of what the system says, which names no value. */
function reasonOf(error: unknown): string {
  if (error instanceof Error && error.message !== '') return error.message.split('\n')[0] ?? '';
  return systemCode(error) ?? 'it failed';
}
