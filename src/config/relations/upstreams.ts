// Relations within one upstream: its kind, the fields of that kind, its headers, its command.
// Must not know whether a value alone is valid; the schema says that.
import { suggest } from '../../lib/suggest.ts';
import type { JsonObject, JsonValue } from '../../protocol/values.ts';
import type { PlacedProblem } from '../issues.ts';
import type { Path } from '../schema.ts';
import { KIND_OF_TIMEOUT } from '../sections/timeouts.ts';
import { FIELDS, fieldsOf, KIND_OF_FIELD, KIND_OF_TYPE, KINDS, type Kind } from '../sections/upstreams.ts';
import { asList, asMap, isMap } from './guess.ts';

/** Headers the gateway writes itself; one from the file would break framing, routing or the protocol. */
const OWN_HEADERS = new Set([
  ...['connection', 'content-length', 'content-type', 'accept', 'host', 'keep-alive', 'te', 'trailer'],
  ...[
    'transfer-encoding',
    'upgrade',
    'proxy-connection',
    'mcp-session-id',
    'mcp-protocol-version',
    'last-event-id',
  ],
]);
const SHELLS = new Set([
  'sh',
  'bash',
  'zsh',
  'dash',
  'ash',
  'fish',
  'ksh',
  'cmd',
  'cmd.exe',
  'pwsh',
  'powershell',
]);

export function upstreamProblems(tree: JsonObject): PlacedProblem[] {
  const upstreams = asMap(tree.upstreams);
  const problems = Object.entries(upstreams).flatMap(([name, upstream]) =>
    isMap(upstream) ? oneUpstream(upstream, ['upstreams', name]) : [],
  );
  const none = tree.upstreams === undefined || (isMap(tree.upstreams) && Object.keys(upstreams).length === 0);
  if (!none) return problems;
  const hint = 'for a first try: upstreams: { demo: { builtin: demo } }';
  return [
    {
      path: ['upstreams'],
      code: 'UPSTREAM_NONE',
      message: 'no upstream',
      hint,
      severity: 'warning',
      on: 'key',
    },
  ];
}

function oneUpstream(upstream: JsonObject, path: Path): PlacedProblem[] {
  const [first, second] = FIELDS.filter((field) => Object.hasOwn(upstream, field));
  const kind = KINDS.find((one) => first !== undefined && fieldsOf(one).includes(first));
  if (kind === undefined) return noKind(upstream, path);
  if (second !== undefined) {
    const message = `both "${first}" and "${second}"`;
    return [
      {
        path: [...path, second],
        code: 'UPSTREAM_KIND',
        message,
        hint: `an upstream is one of ${FIELDS.join(', ')}`,
        on: 'key',
      },
    ];
  }
  return [
    ...foreignFields(upstream, kind, path),
    ...typeProblems(upstream, kind, path),
    ...headerProblems(asMap(upstream.headers), [...path, 'headers']),
    ...commandProblems(upstream, path),
  ];
}

function noKind(upstream: JsonObject, path: Path): PlacedProblem[] {
  // A misspelt or merged kind is reported as an unknown field already.
  if (Object.keys(upstream).some((key) => key === '<<' || suggest(key, FIELDS) !== undefined)) return [];
  const message = `"${path.at(-1)}" has none of ${KINDS.join(', ')}`;
  return [
    {
      path,
      code: 'UPSTREAM_KIND',
      message,
      hint: 'add url: https://… or command: …',
      on: 'key',
      isContainer: true,
    },
  ];
}

function foreignFields(upstream: JsonObject, kind: Kind, path: Path): PlacedProblem[] {
  const foreign = (fields: JsonObject, kinds: Readonly<Record<string, Kind>>, above: Path): PlacedProblem[] =>
    Object.keys(fields).flatMap((field) => {
      const owner = Object.hasOwn(kinds, field) ? kinds[field] : undefined;
      if (owner === undefined || owner === kind) return [];
      const message = `"${field}" belongs to an upstream with "${owner}", and this one has "${kind}"`;
      return [
        { path: [...above, field], code: 'UPSTREAM_FIELD', message, hint: `remove "${field}"`, on: 'key' },
      ];
    });
  return [
    ...foreign(upstream, KIND_OF_FIELD, path),
    ...foreign(asMap(upstream.timeouts), KIND_OF_TIMEOUT, [...path, 'timeouts']),
  ];
}

function typeProblems(upstream: JsonObject, kind: Kind, path: Path): PlacedProblem[] {
  return ['type', 'transport'].flatMap((field): PlacedProblem[] => {
    const type = upstream[field];
    const place = { path: [...path, field], code: 'UPSTREAM_TYPE' } as const;
    if (type === 'sse' && kind === 'url' && String(upstream.era) === NEWER_ERA)
      return [{ ...place, message: `"sse" knows no era ${NEWER_ERA}`, hint: `remove "${field}" or "era"` }];
    const both = field === 'transport' && type !== undefined && upstream.type !== undefined;
    if (both && isSse(type) !== isSse(upstream.type))
      return [{ ...place, message: '"type" says something else', hint: 'remove one of them' }];
    const said =
      typeof type === 'string' && Object.hasOwn(KIND_OF_TYPE, type) ? KIND_OF_TYPE[type] : undefined;
    if (said === undefined || said === kind) return [];
    const message = `"${type}" goes with "${said}", and this upstream has "${kind}"`;
    return [{ ...place, message, hint: `"${kind}" says enough: remove "${field}"` }];
  });
}

/** The era without sessions, which the transport with a stream for each of them cannot carry. */
const NEWER_ERA = '2026';

function isSse(type: JsonValue | undefined): boolean {
  return type === 'sse';
}

function headerProblems(headers: JsonObject, path: Path): PlacedProblem[] {
  const seen = new Map<string, string>();
  return Object.keys(headers).flatMap((name): PlacedProblem[] => {
    const lower = name.toLowerCase();
    const place = { path: [...path, name], code: 'UPSTREAM_HEADER', on: 'key' } as const;
    if (OWN_HEADERS.has(lower))
      return [{ ...place, message: `the gateway sets "${name}" itself`, hint: 'remove it' }];
    const before = seen.get(lower);
    seen.set(lower, name);
    if (before === undefined) return [];
    return [
      { ...place, message: `the same header as "${before}"`, hint: 'upper and lower case are the same' },
    ];
  });
}

function commandProblems({ command, args }: JsonObject, path: Path): PlacedProblem[] {
  if (typeof command !== 'string') return [];
  const warning = { path: [...path, 'command'], code: 'UPSTREAM_SHELL', severity: 'warning' } as const;
  const given: readonly JsonValue[] = asList(args);
  if (/\s/.test(command) && given.length === 0 && !/[\\/]/.test(command)) {
    const [program, ...rest] = command.trim().split(/\s+/);
    const hint = `write command: ${program}, args: [${rest.join(', ')}]`;
    return [{ ...warning, message: 'no shell splits this into words', hint }];
  }
  const program = command.split(/[\\/]/).at(-1)?.toLowerCase() ?? '';
  if (!SHELLS.has(program) || !given.some((arg) => typeof arg === 'string' && /^[-/]c$/i.test(arg)))
    return [];
  return [
    {
      ...warning,
      message: 'a shell starts the server',
      hint: 'name the program itself, its arguments in args',
    },
  ];
}
