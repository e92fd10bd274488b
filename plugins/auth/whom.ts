// Whom a key, certificate or user stands for, as it is written in gateway.yaml.

import { type Principal, z } from '../../src/plugin.ts';

const text = () => z.string().min(1).max(256);

/** @param preset what stands for the id where none is written */
export const whomFields = (preset: string) => ({
  principal: text()
    .optional()
    .meta({ description: `The id of the principal. Default: ${preset}.` }),
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
