// Socket files whose path is longer than an address can hold, once it is absolute. Opens nothing.
import { resolve } from 'node:path';
import type { JsonObject, JsonValue } from '../../protocol/values.ts';
import type { PlacedProblem } from '../issues.ts';
import { parseListen, socketFault } from '../listen.ts';
import type { Path } from '../schema.ts';
import { asList, asMap } from './guess.ts';

/** @param baseDir where relative paths begin */
export function socketProblems(tree: JsonObject, baseDir: string): PlacedProblem[] {
  const admin = asMap(tree.admin);
  const addresses: [Path, JsonValue | undefined][] = [
    ...asList(tree.listeners).map((listener, index): [Path, JsonValue | undefined] => [
      ['listeners', index, 'http', 'listen'],
      asMap(asMap(listener).http).listen,
    ]),
    [['admin', 'listen'], admin.listen],
  ];
  const sockets = addresses.flatMap(([path, text]): [Path, string][] => {
    const address = typeof text === 'string' ? parseListen(text) : undefined;
    return address && 'kind' in address && address.kind === 'unix' ? [[path, address.path]] : [];
  });
  if (typeof admin.socket === 'string' && admin.socket !== 'off')
    sockets.push([['admin', 'socket'], admin.socket]);
  return sockets.flatMap(([path, socket]): PlacedProblem[] => {
    const fault = socketFault(resolve(baseDir, socket));
    return fault === undefined ? [] : [{ path, code: 'LISTEN_INVALID', ...fault }];
  });
}
