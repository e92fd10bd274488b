// What is known of clients, by what they call themselves: how long they wait for a sign of life, and what they show of
// progress. A name proves nothing, and nothing but manners depends on it.

export interface Profile {
  /** After so many milliseconds without a word it gives a call up; absent: not known, or never. */
  readonly idle?: number;
  /** What its user sees: of clients that show no figures the text says how far a call is. */
  readonly shows: 'all' | 'message' | 'nothing' | 'unknown';
  /** What it is told while nothing is to be told. Absent: as the plugin is set. */
  readonly heartbeat?: number | 'off';
}

const MINUTE = 60_000;

/** In the order of docs/progress.md, where the evidence is. The first that fits counts; a `*` ends a beginning. */
export const CLIENTS: Readonly<Record<string, Profile>> = {
  'claude-code*': { idle: 5 * MINUTE, shows: 'all' },
  'claude-ai*': { idle: MINUTE, shows: 'nothing' },
  'anthropic*': { idle: MINUTE, shows: 'nothing' },
  'cursor*': { shows: 'unknown' },
  'visual studio code*': { shows: 'message' },
  'windsurf*': { shows: 'unknown' },
  'devin*': { shows: 'unknown' },
  'zed*': { shows: 'unknown' },
  'openai-mcp*': { shows: 'unknown' },
  'goose*': { shows: 'all' },
  'gemini-cli*': { shows: 'all' },
  'codex*': { shows: 'nothing' },
  // It gives no token, so there is nothing to tell it under.
  'opencode*': { idle: MINUTE, shows: 'nothing', heartbeat: 'off' },
  'kiro*': { shows: 'nothing' },
  'sluice-cli': { shows: 'all' },
};

/** What an entry says of a client. */
export interface Wish {
  readonly heartbeat?: number | 'off' | undefined;
  readonly percent?: boolean | undefined;
}

/** How a client is kept from giving up. */
export interface Manners {
  /** Longest silence, milliseconds. */
  readonly every: number | 'off';
  /** Whether the text says how far it is. */
  readonly percent: boolean;
}

/** A client that gives up after some time hears that often before. */
const BEFORE_IDLE = 3;

/** @param wishes of the entry, by name; they come before what is known */
export function mannersFor(wishes: Readonly<Record<string, Wish>>, usual: number | 'off') {
  const known = new Map<string, Manners>();
  const find = (name: string): Manners => {
    const wish = fitting(wishes, name);
    const profile = fitting(CLIENTS, name);
    const least = profile?.idle === undefined ? Number.POSITIVE_INFINITY : profile.idle / BEFORE_IDLE;
    const own = profile?.heartbeat ?? (usual === 'off' ? 'off' : Math.min(usual, least));
    return {
      every: wish?.heartbeat ?? own,
      percent: wish?.percent ?? profile?.shows === 'message',
    };
  };
  return (name: string | undefined): Manners => {
    const key = (name ?? '').slice(0, NAME).toLowerCase();
    const there = known.get(key);
    if (there) return there;
    const found = find(key);
    if (known.size < NAMES) known.set(key, found);
    return found;
  };
}

/** Characters of a name that are looked at, and names that are remembered: clients choose them. */
const NAME = 64;
const NAMES = 256;

function fitting<T>(table: Readonly<Record<string, T>>, name: string): T | undefined {
  const key = Object.keys(table).find((pattern) => fits(pattern.toLowerCase(), name));
  return key === undefined ? undefined : table[key];
}

function fits(pattern: string, name: string): boolean {
  return pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : pattern === name;
}
