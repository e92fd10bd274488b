// The commands of `sluice audit`, as rows of the table of commands.

import { CONFIG, type Flag, JSON_OUT } from './command-parts.ts';
import type { Given, Row } from './commands.ts';

/** Options of these alone. */
export interface AuditOptions {
  readonly key?: readonly string[];
  readonly keyFile?: string;
  readonly from?: string;
  readonly to?: string;
  readonly anchor?: readonly string[];
  readonly witnessKey?: readonly string[];
  readonly authority?: string;
  readonly requireAnchor?: boolean;
  readonly lines?: string;
  readonly follow?: boolean;
  readonly since?: string;
  readonly until?: string;
  readonly principal?: string;
  readonly issuer?: readonly string[];
  readonly tool?: string;
  readonly upstream?: string;
  readonly method?: string;
  readonly decision?: string;
  readonly status?: string;
  readonly reqId?: string;
  readonly type?: string;
  readonly limit?: string;
  readonly index?: string;
  readonly rebuild?: boolean;
  readonly seq?: string;
  readonly check?: string;
  readonly entries?: string;
  readonly old?: string;
  readonly new?: string;
  readonly format?: string;
  readonly proof?: string;
}

const DIRECTORY: Flag = ['[directory]', 'of the log (default: as configured)'];
const KEY: Flag = ['--key <key...>', 'public key of the log, NAME+ID+KEY or a file; repeatable'];
const KEY_FILE: Flag = [
  '--key-file <path>',
  "the log's private key (default: audit.key of the state directory)",
];
const ISSUER: Flag = [
  '--issuer <url...>',
  'who vouches for the principal (default: those of the configuration); repeatable',
];
const SINCE: Flag = ['--since <when>', 'from then on: 2h (ago), 2027-01-31, 2027-01-31T12:00:00Z'];
const UNTIL: Flag = ['--until <when>', 'before that'];

const first = ({ args: [arg] }: Given): string | undefined => (typeof arg === 'string' ? arg : undefined);
const all = ({ args: [arg] }: Given): readonly string[] => (typeof arg === 'object' ? arg : []);

export const AUDIT_ROWS: readonly Row[] = [
  {
    name: 'audit verify',
    args: [['[directories...]', 'of logs, each of its own (default: as configured)']],
    about: 'Judge audit logs. Exit 0 passed, 1 tampered, 2 unable to tell.',
    examples: [
      ['sluice audit verify', 'the log of the configuration, with its key'],
      [
        'sluice audit verify /var/log/sluice/audit --key audit.pub',
        'on another machine, with the key from elsewhere',
      ],
      [
        'sluice audit verify a b --anchor kept.jsonl --require-anchor',
        'two replicas; 2 where an end is not anchored',
      ],
    ],
    options: [
      KEY,
      KEY_FILE,
      ['--from <seq>', 'begin with the file that has this entry'],
      ['--anchor <file...>', 'checkpoints that were kept elsewhere; repeatable'],
      ['--witness-key <key...>', 'count only what this witness cosigned, NAME+ID+KEY or a file; repeatable'],
      ['--authority <file>', 'count time stamps of this authority, certificates in PEM'],
      ['--require-anchor', 'exit 2 where cutting off the end would not show'],
      CONFIG,
      JSON_OUT,
    ],
    run: async (shell, given) => (await import('./audit.ts')).verifyLogs(shell, all(given), given.options),
  },
  {
    name: 'audit repair',
    args: [DIRECTORY],
    about: 'Make a damaged log one that can be written again. Deletes nothing, and leaves an entry of it.',
    examples: [
      ['sluice audit repair', 'says what it would do, and asks'],
      ['sluice audit repair /var/log/sluice/audit --yes', 'without asking; the gateway has to be stopped'],
    ],
    options: [
      ['--yes', 'without asking'],
      KEY,
      KEY_FILE,
      ['--from <seq>', 'of a log whose first files were moved: begin with the file that has this entry'],
      CONFIG,
      JSON_OUT,
    ],
    run: async (shell, given) => (await import('./audit.ts')).repairLog(shell, first(given), given.options),
  },
  {
    name: 'audit tail',
    args: [DIRECTORY],
    about: 'Show the last entries, and with -f those that come.',
    examples: [['sluice audit tail -f', 'over changes of the file, until Ctrl-C']],
    options: [
      ['-n, --lines <number>', 'how many (default: 20)'],
      ['-f, --follow', 'go on with what comes'],
      CONFIG,
      JSON_OUT,
    ],
    run: async (shell, given) => (await import('./audit.ts')).tailLog(shell, first(given), given.options),
  },
  {
    name: 'audit query',
    args: [DIRECTORY],
    about: 'Find entries, through an index that is made where there is none.',
    examples: [
      ['sluice audit query --principal ada --since 2h', 'a principal by name, where the key is at hand'],
      [
        'sluice audit query --tool github__merge --decision deny,fail --json',
        'several with commas; lines as they stand',
      ],
    ],
    options: [
      SINCE,
      UNTIL,
      ['--principal <name>', 'name, or the 32 hexadecimal digits that entries have'],
      ISSUER,
      ['--tenant <name>', 'its tenant; several with commas, as of all that follow'],
      ['--tool <name>', 'a tool, prompt or resource'],
      ['--upstream <name>', ''],
      ['--method <name>', 'such as tools/call'],
      ['--decision <word>', 'allow, deny, answer, fail'],
      ['--status <word>', 'such as complete, error, tool_error, cancelled'],
      ['--req-id <id>', 'the requestId that callers and the log have'],
      ['--type <word>', 'intent, outcome, repair, …'],
      ['--limit <number>', 'how many of the newest (default: 100)'],
      ['--index <file>', 'the index (default: index.sqlite beside the log)'],
      ['--rebuild', 'make the index anew'],
      KEY_FILE,
      CONFIG,
      JSON_OUT,
    ],
    run: async (shell, given) =>
      (await import('./audit-query.ts')).queryLog(shell, first(given), given.options),
  },
  {
    name: 'audit forget',
    args: [DIRECTORY],
    about: 'Write over the salts of a principal: digests of its arguments and results say nothing any more.',
    examples: [
      ['sluice audit forget --principal ada', 'says how many there are'],
      [
        'sluice audit forget --principal ada --yes',
        'for good; the log stays whole, and may be written meanwhile',
      ],
    ],
    options: [
      ['--principal <name>', 'name, or the 32 hexadecimal digits that entries have'],
      ISSUER,
      ['--yes', 'do it'],
      KEY_FILE,
      CONFIG,
    ],
    run: async (shell, given) =>
      (await import('./audit-forget.ts')).forgetPrincipal(shell, first(given), given.options),
  },
  {
    name: 'audit prove',
    args: [DIRECTORY],
    about: 'Write a proof that an entry is in the log, or check one without the log.',
    examples: [
      ['sluice audit prove --seq 4711 > entry.proof', 'C2SP tlog-proof: entry, hashes, signed checkpoint'],
      ['sluice audit prove --check entry.proof --key audit.pub', 'anywhere'],
      [
        'sluice audit prove --check part.proof --entries part.jsonl',
        'what `sluice audit export --proof` wrote',
      ],
    ],
    options: [
      ['--seq <number>', 'the entry'],
      ['--check <file>', 'a proof'],
      ['--entries <file>', 'lines that lead to the entry of the proof'],
      KEY,
      CONFIG,
      JSON_OUT,
    ],
    run: async (shell, given) =>
      (await import('./audit-proof.ts')).proveEntry(shell, first(given), given.options),
  },
  {
    name: 'audit consistency',
    args: [DIRECTORY],
    about: 'Prove that the log of an older checkpoint is the beginning of that of a newer one.',
    examples: [
      ['sluice audit consistency --old kept.checkpoint', 'that nothing was changed since it was kept'],
    ],
    options: [
      ['--old <file>', 'the older checkpoint'],
      ['--new <file>', 'the newer one (default: the last of the log)'],
      KEY,
      CONFIG,
      JSON_OUT,
    ],
    run: async (shell, given) =>
      (await import('./audit-proof.ts')).compareCheckpoints(shell, first(given), given.options),
  },
  {
    name: 'audit export',
    args: [DIRECTORY],
    about: 'Write a part of the log: its lines as they stand, or a table.',
    examples: [
      ['sluice audit export --since 2027-01-01 --format csv -o january.csv', ''],
      [
        'sluice audit export --from 100 --to 200 -o part.jsonl --proof part.proof',
        'with what proves it to others',
      ],
    ],
    options: [
      ['--from <seq>', 'the first entry'],
      ['--to <seq>', 'the last entry'],
      SINCE,
      UNTIL,
      ['--format <format>', 'jsonl or csv (default: jsonl)'],
      ['-o, --output <file>', 'write to a file instead of stdout'],
      ['--proof <file>', 'write a proof of these lines, too'],
      CONFIG,
    ],
    run: async (shell, given) =>
      (await import('./audit-proof.ts')).exportLog(shell, first(given), given.options),
  },
];
