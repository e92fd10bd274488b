// Whom a key, certificate or user stands for, as it is written in gateway.yaml.

import { type Principal, z } from '../../src/plugin.ts';
import { principalId } from './key-entry.ts';

/**
 * What stands before ids that no operator has chosen for callers: of keys, certificates and users. So none of them is
 * taken for a name of gateway.yaml or of the key file, nor one kind for another; and no issuer is called so.
 */
export const SPACES = [
  ...(['rfc9421', 'hmac-v1', 'standard-webhooks'] as const),
  ...(['subject', 'fingerprint', 'dns', 'uri', 'email', 'ip', 'uid'] as const),
];

export type Space = (typeof SPACES)[number];

export const idIn = (space: Space, id: string | number): string => `${space}:${id}`;

const text = () => z.string().min(1).max(256);

/** @param preset what stands for the id where none is written */
export const whomFields = (preset: string) => ({
  principal: principalId.optional().meta({ description: `The id of the principal. Default: ${preset}.` }),
  tenant: text().optional().meta({ description: 'Its tenant. Default: none.' }),
  scopes: z.array(text()).meta({ description: 'Its scopes.' }).prefault([]),
  groups: z.array(text()).optional().meta({ description: 'Its groups. Default: none.' }),
});

export interface Whom {
  readonly principal?: string | undefined;
  readonly tenant?: string | undefined;
  readonly scopes: readonly string[];
  readonly groups?: readonly string[] | undefined;
}

/** @param preset the id, where none is written */
export function principalOf(
  { principal, tenant, scopes, groups }: Whom,
  preset: string,
  expires?: number,
): Principal {
  return {
    id: principal ?? preset,
    ...(tenant !== undefined && { tenant }),
    scopes,
    ...(groups && { groups }),
    ...(expires !== undefined && { expires }),
  };
}
