// The protocol revisions and the era each belongs to. The only place that lists them.

/** The stateless revision this gateway speaks. */
export const STATELESS = '2026-07-28';

/** The initialize-era revisions it speaks over Streamable HTTP and stdio, newest first. */
export const INITIALIZE = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'] as const;

export const NEWEST_INITIALIZE = INITIALIZE[0];

export const ALL_VERSIONS: readonly string[] = [STATELESS, ...INITIALIZE];

/** Whether `version` is written like a revision and is later than every initialize-era one. */
export function isStatelessVersion(version: string): boolean {
  return /^\d{4}-\d{2}-\d{2}$/.test(version) && version >= STATELESS;
}

export function isInitializeVersion(version: string): boolean {
  return (INITIALIZE as readonly string[]).includes(version);
}

/** Whether clients of this revision can know the url mode of elicitation (2025-11-25 client/elicitation). */
export function knowsUrlMode(version: string): boolean {
  return version >= '2025-11-25';
}

/** Whether clients of this revision say that they have context of other servers to give (2025-11-25 client/sampling). */
export function knowsSamplingContext(version: string): boolean {
  return version >= '2025-11-25';
}
