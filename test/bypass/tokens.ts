// Tokens that differ from a good one.
import type { Claims } from '../fixtures/issuer.ts';
import { AUDIENCES, SCOPE, type Scene } from './scene.ts';

export const HOUR = 3_600;
export const now = () => Math.floor(Date.now() / 1_000);
export const claims = (more: Claims) => (scene: Scene) => scene.token(more);
export const header = (more: Claims) => (scene: Scene) => scene.token({}, more);
export const payload = ({ issuer }: Scene) => ({
  iss: issuer.url,
  aud: AUDIENCES,
  sub: 'ada',
  tid: 'acme',
  scope: SCOPE,
  exp: now() + HOUR,
});
/** Claims as they stand, of which JSON.stringify would make others. */
export const text = (change: (json: string) => string) => (scene: Scene) =>
  scene.issuer.sign({ alg: 'ES256', kid: 'one' }, change(JSON.stringify(payload(scene))));
