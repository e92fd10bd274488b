// What a method of `auth` is made with where it is measured: it logs, counts and keeps nothing.
import type { Host } from '../plugins/auth/attempt.ts';
import { recordingLog } from '../src/testing/host.ts';

export const hostIn = (stateDir?: string): Host => ({
  id: 'auth',
  log: recordingLog([]),
  now: Date.now,
  keep: (_, make) => make(),
  count() {},
  limitHit() {},
  stateDir,
  replaced: new AbortController().signal,
});
