// Whether who sends a token is whom it was given to: judged for every method that takes tokens, once the token itself
// has been found good.

import { randomBytes } from 'node:crypto';
import type { z } from '../../src/plugin.ts';
import { openNonces } from '../signatures/nonce-file.ts';
import type { Attempt, Fault, Host, Verdict } from './attempt.ts';
import { unproven } from './bound.ts';
import { createDpop, dpopSchema } from './dpop.ts';
import { createFreshness } from './freshness.ts';
import { metadataUrl } from './metadata.ts';

export interface Possession {
  /** @returns the verdict, or a refusal in the place of one that found somebody */
  prove(attempt: Attempt, verdict: NonNullable<Verdict>): Promise<NonNullable<Verdict>>;
  challenge(attempt: Attempt, fault: Fault | undefined): string | undefined;
}

/**
 * @param options undefined where nothing is written of DPoP: bound tokens are judged all the same
 * @param isTold whether callers without a proof are told of it
 */
export function createPossession(
  options: z.output<typeof dpopSchema> | undefined,
  isTold: boolean,
  host: Host,
): Possession {
  const settings = options ?? dpopSchema.parse({});
  const proofs = host.keep(
    'dpop proofs',
    () => openNonces(host.stateDir, host.log, host.id),
    (store) => store.close(),
  );
  proofs.room = { each: settings.proofs_per_key, all: settings.proofs };
  const key = settings.nonce_key ?? host.keep('dpop nonces', () => randomBytes(32));
  const nonces = settings.nonce === 'required' ? createFreshness(key, settings.nonce_age) : undefined;
  const proven = host.keep('dpop proven', () => new WeakMap<Headers, string>());
  const dpop = createDpop(settings, { proofs, nonces, proven });
  return {
    async prove(attempt, verdict) {
      if (verdict.kind !== 'found' || verdict.credential === undefined) return verdict;
      const { credential, bound, dpop: mode = 'optional' } = verdict;
      const scheme = attempt.authorization?.scheme === 'dpop' ? 'dpop' : 'bearer';
      const presented = { token: credential.token, scheme, binding: bound ?? {} } as const;
      const refusal = await unproven(attempt, presented, dpop, mode);
      if (refusal?.reason === 'proofs_full') host.limitHit('proofs');
      return refusal ?? verdict;
    },
    challenge({ url }, fault) {
      const isOfProof = fault === 'invalid_dpop_proof' || fault === 'use_dpop_nonce';
      if (!isTold && !isOfProof) return undefined;
      return [
        ...(isOfProof ? [`DPoP error="${fault}"`] : []),
        `${isOfProof ? '' : 'DPoP '}algs="${settings.algorithms.join(' ')}"`,
        ...(url === undefined ? [] : [`resource_metadata="${metadataUrl(url)}"`]),
      ].join(', ');
    },
  };
}
