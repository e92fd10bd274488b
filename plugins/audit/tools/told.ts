// The words in which a look at a log is told, to people and to programs.

import type { Finding, Report } from '../finding.ts';

/** As the command line takes it. */
export interface Told {
  readonly verdict: Report['verdict'];
  readonly text: string;
  readonly json: object;
}

/** What to do about each kind, after a copy was made. */
const REMEDIES: Readonly<Record<Finding['kind'], string>> = {
  syntax: 'compare the file with a copy kept elsewhere',
  hash: 'compare the entry with a copy kept elsewhere',
  sequence: 'compare the entries around it with a copy kept elsewhere',
  chain: 'compare the entries around it with a copy kept elsewhere',
  torn: 'the file was cut off in the middle of a line',
  origin: 'files of two logs lie in one directory',
  segment_missing:
    'put the file back from a copy; of a log whose old files were moved on purpose, say --from',
  segment_order: 'take away the file that was put in',
  segment_digest: 'put the file before it back from a copy',
  checkpoint_signature: 'somebody without the key wrote checkpoints',
  checkpoint_root: 'hashes were made anew: the entries are not those that were signed',
  checkpoint_missing: 'put checkpoints.jsonl back from a copy',
  truncated: 'entries were cut off: look for them in a copy or in a sink',
  tree: 'entries are right, the tree on disk is not: `sluice audit repair` makes it anew',
  state: 'integrity.json was changed or taken away, or the log was put back from a copy',
  anchor: 'the log is another one than was anchored: whoever did this has the key',
};

export function toldOf(reports: readonly Report[], requireAnchor: boolean): Told {
  const verdict = worst(reports.map((report) => verdictOf(report, requireAnchor)));
  const total = reports.reduce((sum, { first, last }) => sum + last - first + 1, 0);
  const merged =
    reports.length > 1 ? `${verdict}: ${reports.length} logs, ${total.toLocaleString('en')} entries\n` : '';
  return {
    verdict,
    text: `${reports.map((report) => textOf(report, requireAnchor)).join('\n')}${merged && `\n${merged}`}`,
    json: {
      version: 1,
      verdict,
      entries: total,
      logs: reports.map((report) => ({ ...report, verdict: verdictOf(report, requireAnchor) })),
    },
  };
}

function verdictOf({ verdict, unanchored }: Report, requireAnchor: boolean): Report['verdict'] {
  return verdict === 'passed' && requireAnchor && unanchored > 0 ? 'unable' : verdict;
}

export function worst(all: readonly Report['verdict'][]): Report['verdict'] {
  return all.includes('tampered') ? 'tampered' : all.includes('unable') ? 'unable' : 'passed';
}

function textOf(report: Report, requireAnchor: boolean): string {
  const { directory, origin, findings, notes, repairs } = report;
  const head = `${directory}${origin === undefined ? '' : ` (${origin})`}`;
  const [first, ...others] = findings;
  const lines = [
    `${verdictOf(report, requireAnchor)}: ${head}`,
    ...(first ? wrongOf(first) : []),
    ...others.slice(0, 5).map((each) => `  also: entry ${each.seq}, ${each.kind}: ${each.detail}`),
    ...(report.reason === undefined ? [] : [`  ${report.reason}`]),
    ...(report.last === 0 ? [] : standing(report)),
    ...repairs.map(repairOf),
    ...(report.lost > 0
      ? [
          `LOST: ${count(report.lost, 'entry', 'entries')} found no room and were not written, as the log says`,
        ]
      : []),
    ...notes.map((note) => `  note: ${note}`),
    ...(report.last > 0 && report.verdict === 'passed' ? tailOf(report) : []),
  ];
  return `${lines.join('\n')}\n`;
}

function wrongOf({ seq, kind, detail, upTo, file, offset }: Finding): string[] {
  const which = upTo === undefined ? `entry ${seq}` : `an entry from ${seq} to ${upTo}`;
  const where = file === undefined ? '' : `  in ${file}${offset === undefined ? '' : `, at byte ${offset}`}`;
  return [
    `  first: ${which}, ${kind}: ${detail}`,
    ...(where === '' ? [] : [where]),
    `  keep a copy of all of it, then: ${REMEDIES[kind]}`,
  ];
}

function standing(report: Report): string[] {
  const { first, last, segments, checkpoints, signed, anchored, isOwnKey, findings } = report;
  const what = findings.length > 0 ? 'read before that' : 'follow each other';
  const own = isOwnKey ? ', the log’s own word: say --key' : '';
  return [
    `  entries ${first} to ${last} ${what}: ${count(segments, 'file')}, ${count(checkpoints, 'checkpoint')}`,
    signed.upTo === 0
      ? '  signed: none of them'
      : `  signed: up to entry ${signed.upTo}, by ${signed.by}${own}`,
    ...(anchored.upTo === 0 ? [] : [`  anchored: up to entry ${anchored.upTo}, by ${anchored.by}`]),
  ];
}

function tailOf({ anchored, unanchored }: Report): string[] {
  return unanchored === 0
    ? []
    : [`UNANCHORED TAIL: truncation after entry ${anchored.upTo} cannot be excluded`];
}

function repairOf({ seq, at, kind, lostFrom, lostTo, aside, detail }: Report['repairs'][number]): string {
  const lost =
    lostFrom === undefined ? 'no entry was lost' : `entries ${lostFrom} to ${lostTo} are not in this log`;
  return `REPAIRED at entry ${seq}, ${at}: ${kind}: ${detail}; ${lost}${aside === undefined ? '' : `, see ${aside}`}`;
}

function count(much: number, one: string, many = `${one}s`): string {
  return `${much.toLocaleString('en')} ${much === 1 ? one : many}`;
}
