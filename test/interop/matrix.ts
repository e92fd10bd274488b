// Who is tested with whom: clients and servers on SDKs that nobody here wrote. Every server offers the same:
//   tools      echo {text} · count {to}: progress `N of TO` for each · wait {key}: progress, then 20 s, or cancelled ·
//              cancelled: keys of the waits that were · ask: elicits {name} · think {prompt}: samples ·
//              touch: changes the resource · fail: an error
//   resource   note://pinned, `revision N`, to subscribe to          prompt   greet {name}
// Every client takes the same steps, one JSON line on stdout for each. What they should say is in wanted.ts.
import { join } from 'node:path';
import { cache, type Languages, peers, type Ready } from './setup.ts';

export type Era = '2025' | '2026';
export type Transport = 'http' | 'stdio';
export type Sdk = 'python-1' | 'python-2' | 'go' | 'typescript-1' | 'typescript-2';

/** One side of a pair. A peer of one era speaks no other, whatever its SDK could. */
export interface Peer {
  readonly sdk: Sdk;
  readonly era: Era;
  /** The command up to what differs by transport, or why it cannot run here. */
  readonly command: (languages: Languages) => Ready & { readonly args: readonly string[] };
}

export interface Client extends Peer {}

export interface Server extends Peer {
  /** Where the SDK serves the other era too and cannot be told not to: the gateway is told which one to speak. */
  readonly pinned?: readonly Transport[];
}

export interface Pair {
  readonly client: Client;
  /** How the client reaches the gateway. */
  readonly over: Transport;
  readonly server: Server;
  /** How the gateway reaches the server. */
  readonly via: Transport;
}

export const transports: readonly Transport[] = ['http', 'stdio'];

const python = (name: string) => join(peers, 'python', name);
const bundle = (name: string) => join(cache, 'typescript', name);
const source = (name: string) => join(peers, 'typescript', name);
const eras: readonly Era[] = ['2025', '2026'];

export const clients: readonly Client[] = [
  {
    sdk: 'python-1',
    era: '2025',
    command: ({ python1 }) => ({ ...python1, args: ['-B', python('client_v1.py'), '2025'] }),
  },
  ...eras.map(
    (era): Client => ({
      sdk: 'python-2',
      era,
      command: ({ python2 }) => ({ ...python2, args: ['-B', python('client_v2.py'), era] }),
    }),
  ),
  ...eras.map((era): Client => ({ sdk: 'go', era, command: ({ go }) => ({ ...go, args: ['client', era] }) })),
  {
    sdk: 'typescript-1',
    era: '2025',
    command: ({ node }) => ({ ...node, args: [bundle('client-v1.js'), '2025'] }),
  },
  ...eras.map(
    (era): Client => ({
      sdk: 'typescript-2',
      era,
      command: ({ node }) => ({ ...node, args: [bundle('client-v2.js'), era] }),
    }),
  ),
];

export const servers: readonly Server[] = [
  {
    sdk: 'python-1',
    era: '2025',
    command: ({ python1 }) => ({ ...python1, args: ['-B', python('server_v1.py')] }),
  },
  ...eras.map(
    (era): Server => ({
      sdk: 'python-2',
      era,
      pinned: transports,
      command: ({ python2 }) => ({ ...python2, args: ['-B', python('server_v2.py')] }),
    }),
  ),
  ...eras.map(
    (era): Server => ({
      sdk: 'go',
      era,
      // Over stdio it answers `initialize` even where it was told to support 2026-07-28 alone.
      pinned: era === '2026' ? ['stdio'] : [],
      command: ({ go }) => ({ ...go, args: ['server', era] }),
    }),
  ),
  {
    sdk: 'typescript-1',
    era: '2025',
    command: ({ node }) => ({ ...node, args: [bundle('server-v1.js'), '2025'] }),
  },
  ...eras.map(
    (era): Server => ({
      sdk: 'typescript-2',
      era,
      command: () => ({ program: process.execPath, args: [source('server-v2.ts'), era] }),
    }),
  ),
];

export function nameOf({ sdk, era }: Peer): string {
  return `${sdk}@${era}`;
}
