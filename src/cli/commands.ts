// The commands, one row each: what help says of them and which file does the work. Files load when they are needed.

import { AUDIT_ROWS, type AuditOptions } from './audit-rows.ts';
import { CONFIG, JSON_OUT, list, optional, text } from './command-parts.ts';
import { KEEPING_ROWS, type KeepingOptions } from './keeping-rows.ts';
import type { Shell } from './shell.ts';

/** Options of all commands; each has some. */
export interface Options extends AuditOptions, KeepingOptions {
  readonly config?: string;
  readonly watch?: boolean;
  readonly connect?: boolean;
  readonly dryRun?: boolean;
  readonly json?: boolean;
  readonly jsonArgs?: string;
  readonly socket?: string;
  readonly endpoint?: string;
  readonly output?: string;
  readonly dir?: string;
  readonly ready?: boolean;
  readonly url?: string;
  readonly header?: readonly string[];
  readonly all?: boolean;
  readonly every?: string;
  readonly once?: boolean;
  readonly for?: string;
}

export interface Given {
  /** As declared: an absent optional one is undefined, a variadic one a list. */
  readonly args: readonly (string | readonly string[] | undefined)[];
  readonly options: Options;
}

export interface Row {
  /** The words after `sluice`: `run`, `tools list`. */
  readonly name: string;
  /** As commander declares them, each with its text. */
  readonly args?: readonly (readonly [declaration: string, about: string])[];
  readonly about: string;
  readonly examples: readonly (readonly [line: string, about: string])[];
  readonly options?: readonly (readonly [flags: string, about: string])[];
  readonly run: (shell: Shell, given: Given) => Promise<number> | number;
}

const SOCKET = ['--socket <path>', 'admin socket of the gateway (default: as configured)'] as const;
const URL_FLAG = [
  '--url <url>',
  'MCP endpoint, or unix:/path (default: $SLUICE_URL, else the first listener of the configuration)',
] as const;
const ENDPOINT = ['--endpoint <endpoint>', 'its path, such as /mcp (default: the first)'] as const;
const HEADER = [
  '-H, --header <line...>',
  "header to send, as 'Name: value'; repeatable; $SLUICE_TOKEN is sent as a bearer token",
] as const;

export const SHELLS = ['bash', 'zsh', 'fish', 'pwsh'] as const;

export const ROWS: readonly Row[] = [
  {
    name: 'run',
    about: 'Run the gateway in the foreground until a signal ends it.',
    examples: [
      ['sluice run', 'with ./gateway.yaml, or the built-in demo without one'],
      ['sluice run --config team.yaml --watch', 'reload whenever the file changes'],
    ],
    options: [CONFIG, ['--watch', 'reload when the configuration or a plugin file changes']],
    run: async (shell, { options }) => (await import('./run.ts')).run(shell, options),
  },
  {
    name: 'stdio',
    about: 'Serve one client on stdin and stdout, as a local MCP server. Logs go to stderr.',
    examples: [['sluice stdio --config gateway.yaml', 'what to put as "command" and "args" into a client']],
    options: [CONFIG],
    run: async (shell, { options }) => (await import('./stdio.ts')).stdio(shell, options),
  },
  {
    name: 'check',
    about: 'Report every problem of the configuration. Exit 78 if there is an error.',
    examples: [
      ['sluice check', 'read and judge, without network'],
      ['sluice check --connect', 'also ask every upstream, and who gives tokens; exit 1 if one fails'],
      ['sluice check --config - < team.yaml', 'what is on stdin'],
    ],
    options: [
      CONFIG,
      ['--connect', 'ask upstreams for tools, issuers for keys, authorization servers for a token'],
      JSON_OUT,
    ],
    run: async (shell, { options }) => (await import('./check.ts')).check(shell, options),
  },
  {
    name: 'reload',
    about: 'Have the running gateway read its configuration anew, and print what changed.',
    examples: [
      ['sluice reload --dry-run', 'print the plan and change nothing'],
      ['sluice reload', 'the same as SIGHUP, but it waits and tells; exit 78 if refused'],
    ],
    options: [['--dry-run', 'only say what would change'], CONFIG, SOCKET, JSON_OUT],
    run: async (shell, { options }) => (await import('./reload.ts')).reload(shell, options),
  },
  {
    name: 'status',
    about: 'Show what the running gateway does.',
    examples: [
      ['sluice status', ''],
      ['sluice status --json', 'for programs'],
    ],
    options: [CONFIG, SOCKET, JSON_OUT],
    run: async (shell, { options }) => (await import('./status.ts')).status(shell, options),
  },
  {
    name: 'limits',
    about:
      'Show how the limits of the running gateway stand: of each the keys that are nearest to their end.',
    examples: [
      ['sluice limits', 'what is left, when all of it is there again, what was refused'],
      ['sluice limits --for north/ada', 'of one principal alone'],
    ],
    options: [['--for <principal>', 'its id, or TENANT/ID'], CONFIG, SOCKET, JSON_OUT],
    run: async (shell, { options }) => (await import('./limits.ts')).limits(shell, options),
  },
  {
    name: 'top',
    about: 'Show the calls at work, with their progress and what they wait for, until Ctrl-C.',
    examples: [
      ['sluice top', 'drawn anew every second, the longest first'],
      ['sluice top --once', 'one table; so it is, too, where there is no terminal'],
      ['sluice top --json', 'for programs'],
    ],
    options: [
      ['--every <time>', 'between two looks, 100ms to 60s (default: 1s)'],
      ['--once', 'print one table'],
      JSON_OUT,
      CONFIG,
      SOCKET,
    ],
    run: async (shell, { options }) => (await import('./top.ts')).top(shell, options),
  },
  {
    name: 'health',
    about: 'Exit 0 if the gateway answers, else 1. For container checks.',
    examples: [
      ['sluice health', 'is it alive?'],
      ['sluice health --ready', 'does it take new calls? false while it drains'],
    ],
    options: [['--ready', 'ask for readiness instead of liveness'], CONFIG, SOCKET],
    run: async (shell, { options }) => (await import('./status.ts')).health(shell, options),
  },
  {
    name: 'explain',
    args: [
      ['<subject>', 'an MCP method, or the name of an error'],
      ['[name]', 'the tool, prompt or resource URI'],
    ],
    about: 'Show where a request goes and which plugins see it, or what an error means.',
    examples: [
      ['sluice explain tools/call github__search', 'its upstream, and the plugins in order'],
      ['sluice explain PLUGIN_UNKNOWN', 'an error, offline'],
    ],
    options: [ENDPOINT, CONFIG, SOCKET, JSON_OUT],
    run: async (shell, { args, options }) =>
      (await import('./explain.ts')).explain(shell, text(args[0]), optional(args[1]), options),
  },
  {
    name: 'call',
    args: [
      ['<tool>', 'name of the tool'],
      ['[arguments...]', "key=value, typed by the tool's schema"],
    ],
    about: 'Call a tool. Progress goes to stderr, the result to stdout.',
    examples: [
      ['sluice call slow_count to=5', 'with a progress bar on a terminal'],
      [`sluice call echo --json-args '{"text": "hi"}' --json`, 'arguments and result as JSON'],
    ],
    options: [
      ['--json-args <object>', 'the arguments as one JSON object'],
      URL_FLAG,
      ENDPOINT,
      HEADER,
      CONFIG,
      JSON_OUT,
    ],
    run: async (shell, { args, options }) =>
      (await import('./call.ts')).call(shell, text(args[0]), list(args[1]), options),
  },
  {
    name: 'tools list',
    about: 'List the tools a running gateway offers.',
    examples: [
      ['sluice tools list', ''],
      ['sluice tools list --endpoint /team --json', 'another endpoint, with schemas'],
    ],
    options: [URL_FLAG, ENDPOINT, HEADER, CONFIG, JSON_OUT],
    run: async (shell, { options }) => (await import('./tools.ts')).listTools(shell, options),
  },
  {
    name: 'pins list',
    args: [['[upstream]', 'one upstream (default: all)']],
    about: 'List the tools whose definitions are approved, and those that wait for it.',
    examples: [['sluice pins list github', 'approved, changed or new, and since when']],
    options: [CONFIG, JSON_OUT],
    run: async (shell, { args, options }) =>
      (await import('./pins.ts')).listPins(shell, optional(args[0]), options),
  },
  {
    name: 'pins diff',
    args: [
      ['[upstream]', 'one upstream (default: all)'],
      ['[tool]', 'one tool, as its upstream names it'],
    ],
    about: 'Show old and new definition of tools that changed. Exit 1 if there is any.',
    examples: [['sluice pins diff github', 'what differs from what is approved']],
    options: [CONFIG, JSON_OUT],
    run: async (shell, { args, options }) =>
      (await import('./pins.ts')).diffPins(shell, optional(args[0]), optional(args[1]), options),
  },
  {
    name: 'pins approve',
    args: [
      ['[upstream]', 'the upstream'],
      ['[tools...]', 'tools, as their upstream names them (default: all of it)'],
    ],
    about: 'Approve the definitions that wait; a gateway that runs takes them up.',
    examples: [
      ['sluice pins approve github search_code', ''],
      ['sluice pins approve --all', 'everything that waits'],
    ],
    options: [['--all', 'of every upstream'], CONFIG, SOCKET],
    run: async (shell, { args, options }) =>
      (await import('./pins.ts')).approvePins(shell, optional(args[0]), list(args[1]), options),
  },
  {
    name: 'pins forget',
    args: [
      ['[upstream]', 'the upstream'],
      ['[tools...]', 'tools, as their upstream names them (default: all of it)'],
    ],
    about: 'Take approvals back; what is listed next is judged as seen for the first time.',
    examples: [['sluice pins forget github', 'after it was replaced on purpose']],
    options: [['--all', 'of every upstream'], CONFIG, SOCKET],
    run: async (shell, { args, options }) =>
      (await import('./pins.ts')).forgetPins(shell, optional(args[0]), list(args[1]), options),
  },
  ...KEEPING_ROWS,
  ...AUDIT_ROWS,
  {
    name: 'init',
    about: 'Write a commented gateway.yaml. Never overwrites a file.',
    examples: [['sluice init', 'then edit it and run `sluice check`']],
    options: [['-o, --output <file>', 'where to write (default: gateway.yaml)']],
    run: async (shell, { options }) => (await import('./write-file.ts')).init(shell, options),
  },
  {
    name: 'schema',
    about: 'Print the JSON Schema of gateway.yaml, for editors.',
    examples: [['sluice schema -o schema.json', 'then # yaml-language-server: $schema=./schema.json']],
    options: [['-o, --output <file>', 'write to a file instead of stdout']],
    run: async (shell, { options }) => (await import('./write-file.ts')).schema(shell, options),
  },
  {
    name: 'plugin new',
    args: [['<name>', 'lower-case letters, digits and dashes']],
    about: 'Write a plugin to begin with, its test and its page.',
    examples: [['sluice plugin new guard', 'writes plugins/guard.ts, a test and a page']],
    options: [['--dir <folder>', 'where to write (default: plugins)']],
    run: async (shell, { args, options }) =>
      (await import('./plugin.ts')).pluginNew(shell, text(args[0]), options),
  },
  {
    name: 'plugin types',
    about: 'Write node_modules/sluice here: types for the editor, code for `bun test`.',
    examples: [['sluice plugin types', 'in the folder that has the plugins']],
    run: async (shell) => (await import('./plugin.ts')).pluginTypesHere(shell),
  },
  {
    name: 'completion',
    args: [['<shell>', SHELLS.join(', ')]],
    about: 'Print a completion script for a shell.',
    examples: [
      ['source <(sluice completion bash)', 'in ~/.bashrc'],
      ['sluice completion zsh > ~/.zfunc/_sluice', 'in a folder of $fpath'],
      ['sluice completion fish > ~/.config/fish/completions/sluice.fish', ''],
      ['sluice completion pwsh >> $PROFILE', 'PowerShell'],
    ],
    run: async (shell, { args }) => (await import('./completion.ts')).completion(shell, text(args[0]), ROWS),
  },
  {
    name: 'version',
    about: 'Print which build this is.',
    examples: [['sluice version --json', '']],
    options: [JSON_OUT],
    run: async (shell, { options }) => (await import('./version.ts')).version(shell, options),
  },
];
