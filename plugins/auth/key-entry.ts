// What is kept of an API key, in the key file and in gateway.yaml.

import { z } from '../../src/plugin.ts';
import { ID_PATTERN } from './key-text.ts';

/** A name that is shown in logs and lists: of a principal, a tenant, a group, a scope. */
export const name = (description: string) =>
  z
    .string()
    .regex(/^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]{1,256}$/u, 'must be 1 to 256 characters, none of them invisible')
    .meta({ description });

/** `scope-token` of RFC 6749 §3.3: what can stand in a challenge. */
export const scope = z
  .string()
  .regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,256}$/, 'must be visible ASCII characters, without space, " and \\');

const time = z.iso.datetime({ offset: true, error: 'not a time: write 2027-01-31T00:00:00Z' });

/** What a key is good for, in the file and where a key stands in gateway.yaml. */
export const rights = {
  tenant: name('The tenant it belongs to.').optional(),
  scopes: z.array(scope).meta({ description: 'Its scopes.' }).prefault([]),
  groups: z.array(name('One group.')).meta({ description: 'Its groups.' }).prefault([]),
  expires: time.meta({ description: 'It is good until here. Default: for ever.' }).optional(),
};

/** Two ids mean something to the gateway: nobody proves to be those. */
export const principalId = name('Who it is.').refine((id) => id !== 'anonymous' && id !== 'gateway', {
  error: '"anonymous" is the name of those who prove nothing, and "gateway" that of the gateway',
});

export const entry = z.strictObject({
  id: z.string().regex(ID_PATTERN, 'not the id of a key'),
  digest: z.string().regex(/^sha256:[0-9a-f]{64}$/, 'not "sha256:" and 64 hexadecimal digits'),
  principal: principalId,
  ...rights,
  created: time,
  revoked: time.optional(),
  note: name('What it is for.').optional(),
});

export const layout = z.strictObject({ version: z.literal(1), keys: z.array(entry) });

export type KeyEntry = Readonly<z.output<typeof entry>>;

/** What a new key shall be good for. */
export type Wanted = Pick<
  z.input<typeof entry>,
  'principal' | 'tenant' | 'scopes' | 'groups' | 'expires' | 'note'
>;
