// The methods of proof, and the options that ask for them: a line in each of the two lists below.

import { z } from '../../src/plugin.ts';
import { openNonces } from '../signatures/nonce-file.ts';
import { apiKeys, apiKeysSchema } from './api-keys.ts';
import type { Host, Method } from './attempt.ts';
import { certificates, certificatesSchema } from './certificates.ts';
import { issuers } from './issuers.ts';
import { jwtMethod } from './jwt.ts';
import { opaqueMethod } from './opaque.ts';
import { peers, peersSchema } from './peers.ts';
import { signaturesSchema } from './signature-options.ts';
import { type SignatureMemory, signatures } from './signatures.ts';

/** What stands in gateway.yaml for each. Absent: callers cannot prove themselves that way. */
export const methodOptions = {
  api_keys: apiKeysSchema.meta({ description: 'Takes API keys.' }).optional(),
  issuers: issuers.optional(),
  verified_tokens: z
    .int()
    .min(0)
    .max(1_000_000)
    .meta({
      description:
        'How many JWTs that were verified are remembered, so that each is verified once; `0` verifies each time.',
    })
    .prefault(10_000),
  signatures: signaturesSchema.optional(),
  certificates: certificatesSchema.optional(),
  peers: peersSchema.optional(),
};

type Options = Readonly<z.output<z.ZodObject<typeof methodOptions>>>;

/**
 * Asked in this order; the first that recognises what was sent decides. Last are those that need nothing of the request
 * itself: who sends a credential means to be known by it.
 */
export function methodsOf(options: Options, host: Host): Method[] {
  const methods = [
    options.api_keys && apiKeys(options.api_keys, host),
    options.issuers && jwtMethod(options.issuers, options.verified_tokens, host),
    options.issuers && opaqueMethod(options.issuers, host),
    options.signatures && signatures(options.signatures, memoryOf(host), host),
    options.certificates && certificates(options.certificates),
    options.peers && peers(options.peers),
  ];
  return methods.filter((method) => method !== undefined);
}

function memoryOf({ id, keep, stateDir, log }: Host): SignatureMemory {
  return {
    nonces: keep(
      'nonces',
      () => openNonces(stateDir, log, id),
      (store) => store.close(),
    ),
    verified: keep('signed', () => new WeakMap<Headers, number>()),
  };
}
