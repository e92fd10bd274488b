// Whether authorization servers are there and know the gateway, asked before anybody calls: for `sluice check
// --connect`. A token that is got this way is used for nothing.

import type { OptionProblem } from '../../src/plugin.ts';
import { createClient, type TokenClient } from './client.ts';
import { TokenFault } from './faults.ts';
import type { Options, Source } from './options.ts';

type Path = readonly (string | number)[];

export async function reachServers(options: Options): Promise<OptionProblem[]> {
  const sources: [Path, Source][] = [
    [[], options],
    ...options.callers.map((caller, at): [Path, Source] => [['callers', at], caller]),
  ];
  const found = await Promise.all(
    sources.map(([path, source]) => faultsOf(source, path, options.token_timeout)),
  );
  return found.flat();
}

async function faultsOf(
  { client_credentials: own, token_exchange: exchange }: Source,
  above: Path,
  timeout: number,
): Promise<OptionProblem[]> {
  const tried: [Path, Promise<string | undefined>][] = [];
  if (own)
    tried.push([
      [...above, 'client_credentials'],
      faultOf(createClient(own, timeout), (client) => client.ask('client_credentials', {})),
    ]);
  // Without a caller there is nothing to exchange.
  if (exchange)
    tried.push([
      [...above, 'token_exchange'],
      faultOf(createClient(exchange, timeout), (client) => client.find()),
    ]);
  const found = await Promise.all(tried.map(async ([path, fault]) => ({ path, fault: await fault })));
  return found.flatMap(({ path, fault }) =>
    fault === undefined ? [] : [{ path, message: `the authorization server ${fault}` }],
  );
}

async function faultOf(
  creating: Promise<TokenClient>,
  ask: (client: TokenClient) => Promise<unknown>,
): Promise<string | undefined> {
  try {
    await ask(await creating);
    return undefined;
  } catch (error) {
    if (error instanceof TokenFault) return error.message;
    throw error;
  }
}
