// Amounts as they are written in gateway.yaml: `60/m`, `1000/day`, `10KiB`, `50%`.

const UNITS: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};
const WORDS: Readonly<Record<string, string>> = {
  sec: 's',
  second: 's',
  min: 'm',
  minute: 'm',
  hour: 'h',
  day: 'd',
  week: 'w',
};

/** `60/m`, `1000/day`, `5/10s`. */
export const PER_PATTERN =
  '^([1-9][0-9]{0,8})/([1-9][0-9]{0,3})?(s|sec|second|m|min|minute|h|hour|d|day|w|week)$';
export const PERCENT_PATTERN = '^([1-9][0-9]?|100)%$';
export const BYTES_PATTERN = '^([1-9][0-9]{0,8})(B|KiB|MiB)$';

export const TIME_PATTERN = '^([1-9][0-9]{0,6})(ms|s|m|h)$';

export interface Per {
  readonly units: number;
  /** Milliseconds. */
  readonly window: number;
}

/** @returns undefined for what is none */
export function readPer(text: string): Per | undefined {
  const [, units, times = '1', unit = ''] = new RegExp(PER_PATTERN).exec(text) ?? [];
  const ms = UNITS[WORDS[unit] ?? unit];
  return units === undefined || ms === undefined
    ? undefined
    : { units: Number(units), window: ms * Number(times) };
}

/** A share of 1. @returns undefined for what is none */
export function readPercent(text: string): number | undefined {
  const [, percent] = new RegExp(PERCENT_PATTERN).exec(text) ?? [];
  return percent === undefined ? undefined : Number(percent) / 100;
}

/** @returns undefined for what is none */
export function readBytes(text: string): number | undefined {
  const [, count, unit = ''] = new RegExp(BYTES_PATTERN).exec(text) ?? [];
  const sizes: Readonly<Record<string, number>> = { B: 1, KiB: 1_024, MiB: 1_048_576 };
  const size = sizes[unit];
  return count === undefined || size === undefined ? undefined : Number(count) * size;
}

/** Milliseconds. @returns undefined for what is none */
export function readTime(text: string): number | undefined {
  const [, count, unit = ''] = new RegExp(TIME_PATTERN).exec(text) ?? [];
  return count === undefined ? undefined : Number(count) * (unit === 'ms' ? 1 : (UNITS[unit] ?? 1));
}

const NAMES: readonly (readonly [ms: number, one: string])[] = [
  [604_800_000, 'week'],
  [86_400_000, 'day'],
  [3_600_000, 'hour'],
  [60_000, 'minute'],
  [1_000, 'second'],
];

/** For people: `60 per minute`, `5 per 10 seconds`. */
export function perText({ units, window }: Per): string {
  const [ms, one] = NAMES.find(([each]) => window % each === 0) ?? [1_000, 'second'];
  const times = window / ms;
  return `${units} per ${times === 1 ? one : `${times} ${one}s`}`;
}

/** A time to wait, for people and models: never shorter than it is. */
export function waitText(ms: number): string {
  const seconds = Math.max(1, Math.ceil(ms / 1_000));
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.ceil(seconds / 60);
  return minutes < 120 ? `${minutes} min` : `${Math.ceil(minutes / 60)} h`;
}
