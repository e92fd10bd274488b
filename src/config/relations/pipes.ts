// Relations between the pipe of a client and who may call: a pipe brings no token, no key and no certificate, so an
// entry that asks for one of these would refuse every message on it. Opens nothing.
import { anyOf } from '../../lib/glob.ts';
import type { JsonObject, JsonValue } from '../../protocol/values.ts';
import type { PlacedProblem } from '../issues.ts';
import { asList, asMap } from './guess.ts';

/** What is wrong where a client on a pipe is served. */
export function pipeProblems(tree: JsonObject): PlacedProblem[] {
  const [endpoint = '/mcp'] = Object.keys(asMap(tree.endpoints));
  return asList(tree.pipeline).flatMap((entry, index): PlacedProblem[] =>
    isShut(entry, endpoint)
      ? [
          {
            path: ['pipeline', index, 'auth'],
            code: 'PIPE_SHUT',
            message: 'a client on a pipe can show no token, key or certificate: nobody could call',
            hint: 'add whom the user of this process stands for, by the number that `id -u` prints, as peers: [{ uid: 1000 }]; or anonymous: true',
            on: 'key',
          },
        ]
      : [],
  );
}

/** The same for a configuration that lists `stdio` itself. */
export function listedPipeProblems(tree: JsonObject): PlacedProblem[] {
  const isListed = asList(tree.listeners).some((listener) => Object.hasOwn(asMap(listener), 'stdio'));
  return isListed ? pipeProblems(tree) : [];
}

/** Whether an entry is sure to refuse all that comes over a pipe. */
function isShut(entry: JsonValue, endpoint: string): boolean {
  const { auth, when, mode = 'enforce' } = asMap(entry);
  if (auth === undefined || mode !== 'enforce') return false;
  const { anonymous = false, peers } = asMap(auth);
  if (anonymous !== false || peers !== undefined) return false;
  if (when === undefined) return true;
  const { endpoints, ...others } = asMap(when);
  const patterns = asList(endpoints).filter((pattern) => typeof pattern === 'string');
  return Object.keys(others).length === 0 && (anyOf(patterns)?.(endpoint) ?? false);
}
