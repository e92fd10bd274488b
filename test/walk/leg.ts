// The ways to stand on either side of the gateway: each era on each transport, and those of 2025 on the transport of
// 2024-11-05, too.

export type Era = '2025' | '2026';
export type Transport = 'http' | 'stdio' | 'sse';

export interface Leg {
  readonly client: Era;
  readonly over: Transport;
  readonly upstream: Era;
  readonly via: Transport;
}

/** Some of the legs: those that agree with all it names. */
export type Some = { readonly [part in keyof Leg]?: Leg[part] | undefined };

const eras = ['2025', '2026'] as const;

function transportsOf(era: Era): readonly Transport[] {
  return era === '2025' ? ['http', 'stdio', 'sse'] : ['http', 'stdio'];
}

export const legs: readonly Leg[] = eras.flatMap((client) =>
  transportsOf(client).flatMap((over) =>
    eras.flatMap((upstream) => transportsOf(upstream).map((via): Leg => ({ client, over, upstream, via }))),
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
