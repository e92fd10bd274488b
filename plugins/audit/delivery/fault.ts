// Why something did not arrive.

/** One word for figures: each is known beforehand. */
export type Reason =
  | 'unreachable'
  | 'timeout'
  | 'status'
  | 'busy'
  | 'answer'
  | 'rejected'
  | 'refused'
  | 'fork'
  | 'rollback';

/** The text names the place and nothing of what was sent. */
export class DeliveryFault extends Error {
  constructor(
    message: string,
    readonly reason: Reason,
    readonly more: {
      /** Milliseconds that the place wants to be left alone. */
      readonly retryAfter?: number | undefined;
      /** Another try would meet the same: these are left out, counted, and the next ones sent. */
      readonly isFinal?: boolean;
      /** How many of them, where it is not all. */
      readonly entries?: number;
    } = {},
  ) {
    super(message);
  }
}

/** What was thrown, as a fault. */
export function faultOf(error: unknown, place: string): DeliveryFault {
  if (error instanceof DeliveryFault) return error;
  const { code, name } = Object(error) as { code?: unknown; name?: unknown };
  if (name === 'TimeoutError') return new DeliveryFault(`${place} did not take it in time`, 'timeout');
  // What the platform says of a connection or a file may name more than the place.
  return new DeliveryFault(
    `${place} cannot be reached (${String(code ?? name ?? 'unknown')})`,
    'unreachable',
  );
}
