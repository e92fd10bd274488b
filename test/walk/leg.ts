// The ways to stand on either side of the gateway: each era on each transport, for client and upstream, and servers
// of 2025 on the transport of 2024-11-05, too.

export type Era = '2025' | '2026';
export type Transport = 'http' | 'stdio';
export type Via = Transport | 'sse';

export interface Leg {
  readonly client: Era;
  readonly over: Transport;
  readonly upstream: Era;
  readonly via: Via;
}

/** Some of the legs: those that agree with all it names. */
export type Some = { readonly [part in keyof Leg]?: Leg[part] | undefined };

const eras = ['2025', '2026'] as const;
const transports = ['http', 'stdio'] as const;

function viasOf(upstream: Era): readonly Via[] {
  return upstream === '2025' ? [...transports, 'sse'] : transports;
}

export const legs: readonly Leg[] = eras.flatMap((client) =>
  transports.flatMap((over) =>
    eras.flatMap((upstream) => viasOf(upstream).map((via): Leg => ({ client, over, upstream, via }))),
  ),
);

export function isAmong(leg: Leg, some: Some): boolean {
  return (Object.keys(some) as (keyof Leg)[]).every(
    (part) => some[part] === undefined || some[part] === leg[part],
  );
}

export function nameOf({ client, over, upstream, via }: Leg): string {
  return `${client} ${over} → ${upstream} ${via}`;
}
