// What no field can say alone: kinds of upstreams, names that must exist, addresses that must differ.
// Runs over the tree whether or not the schema accepts it, so that all problems show at once: each part takes
// nothing for granted and reports only what it is sure of.
import type { JsonObject } from '../protocol/values.ts';
import type { PlacedProblem } from './issues.ts';
import { authEntryProblems } from './relations/auth-entries.ts';
import { authNameProblems } from './relations/auth-names.ts';
import { credentialProblems } from './relations/credentials.ts';
import { endpointProblems } from './relations/endpoints.ts';
import { listenerProblems } from './relations/listeners.ts';
import { offeringProblems } from './relations/offering.ts';
import { pipelineProblems } from './relations/pipeline.ts';
import { listedPipeProblems } from './relations/pipes.ts';
import { upstreamProblems } from './relations/upstreams.ts';
import { wayInProblems } from './relations/ways-in.ts';
import { weakSecretProblems } from './relations/weak-secrets.ts';

/** Fields people bring from elsewhere, at the top. */
const FROM_ELSEWHERE: Readonly<Record<string, Pick<PlacedProblem, 'code' | 'message' | 'hint'>>> = {
  mcpServers: {
    code: 'UPSTREAMS_RENAMED',
    message: '"mcpServers" is called "upstreams" here',
    hint: 'rename the key; its entries can stay as they are',
  },
  listen: {
    code: 'FIELD_UNKNOWN',
    message: 'unknown field "listen"',
    hint: 'write listeners: [{ http: { listen: … } }]',
  },
  port: {
    code: 'FIELD_UNKNOWN',
    message: 'unknown field "port"',
    hint: 'write listeners: [{ http: { listen: 127.0.0.1:… } }]',
  },
};

/** All problems between fields. `plugins` are the names of the built-in plugins. */
export function relationProblems(tree: JsonObject, plugins: readonly string[]): PlacedProblem[] {
  return [
    ...fromElsewhere(tree),
    ...listenerProblems(tree),
    ...wayInProblems(tree),
    ...authEntryProblems(tree),
    ...authNameProblems(tree),
    ...listedPipeProblems(tree),
    ...endpointProblems(tree),
    ...offeringProblems(tree),
    ...(tree.mcpServers === undefined ? upstreamProblems(tree) : []),
    ...pipelineProblems(tree, plugins),
    ...weakSecretProblems(tree),
    ...credentialProblems(tree),
  ];
}

function fromElsewhere(tree: JsonObject): PlacedProblem[] {
  return Object.entries(FROM_ELSEWHERE).flatMap(([key, problem]) =>
    Object.hasOwn(tree, key) ? [{ path: [key], on: 'key' as const, ...problem }] : [],
  );
}
