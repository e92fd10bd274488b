// The name by which a request says where it wants to go, and the request with another one.

import type { McpRequest } from '../protocol/message.ts';
import type { MethodRow } from '../protocol/methods.ts';
import type { RawObject } from '../protocol/raw.ts';
import type { OfferKind } from './offering.ts';

/** Something that an upstream's lists have. */
export interface Listed {
  readonly kind: 'tool' | 'prompt' | 'resource' | 'template';
  readonly name: string;
}

/** The list that has it. */
export const KIND_OF: Readonly<Record<Listed['kind'], OfferKind>> = {
  tool: 'tools',
  prompt: 'prompts',
  resource: 'resources',
  template: 'resourceTemplates',
};

export type Target = Listed | { readonly kind: 'task'; readonly name: string };

export function targetOf({ method, raw }: McpRequest, row: MethodRow): Target | undefined {
  if (row.name === undefined) return undefined;
  if (row.name === 'ref') return refTarget(raw?.object('ref'));
  const name = raw?.string(row.name);
  if (name === undefined) return undefined;
  if (row.name === 'uri') return { kind: 'resource', name };
  if (row.name === 'taskId') return { kind: 'task', name };
  return { kind: method === 'prompts/get' ? 'prompt' : 'tool', name };
}

function refTarget(ref: RawObject | undefined): Target | undefined {
  const name = ref?.string('name');
  const uri = ref?.string('uri');
  if (ref?.string('type') === 'ref/prompt' && name !== undefined) return { kind: 'prompt', name };
  if (ref?.string('type') === 'ref/resource' && uri !== undefined) return { kind: 'template', name: uri };
  return undefined;
}

/** The same request naming its target as the upstream does. */
export function renamed(request: McpRequest, row: MethodRow, name: string): McpRequest {
  if (row.name === 'name') return request.with({ name });
  if (row.name === 'taskId') return request.with({ taskId: name });
  const ref = request.raw?.object('ref');
  if (row.name === 'ref' && ref?.has('name')) return request.with({ ref: ref.with({ name }) });
  return request;
}
