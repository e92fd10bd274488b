// The command line as commander sees it, made from the table in commands.ts. Reads nothing of the process.

import { Command, CommanderError, Help, Option } from 'commander';
import { type Given, type Options, ROWS, type Row } from './commands.ts';
import { EXIT } from './exit.ts';
import type { Shell } from './shell.ts';
import { versionLine } from './version.ts';

const ABOUT = 'A gateway for the Model Context Protocol: one endpoint, many servers, plugins in between.';
const HELP_WIDTH = 80;
const FIRST_EXAMPLES: Row['examples'] = [
  ['sluice run', 'start, with the built-in demo if there is no gateway.yaml'],
  ['sluice call slow_count to=5', 'call a tool of it from another terminal'],
  ['sluice init && sluice check', 'a configuration of your own'],
  ['sluice reload', 'take it over without a break'],
];
const CONFIG_SEARCH = `Configuration, first found: --config, $SLUICE_CONFIG, ./gateway.yaml,
$XDG_CONFIG_HOME/sluice/gateway.yaml, /etc/sluice/gateway.yaml; else
MCP_UPSTREAM_URL of the environment; else the built-in demo.`;
const EXITS = `Exit codes: 0 ok · 1 failed · 2 usage · 10 integrity lost · 69 no gateway answers ·
75 try again · 77 denied · 78 bad configuration · 130, 143 ended by a signal`;

/** What commands with the same first word are about. */
const NOUNS: Readonly<Record<string, string>> = {
  audit: 'Audit logs',
  pins: 'Approved definitions of tools',
  plugin: 'Plugins of your own',
  secrets: 'Secrets that the configuration refers to',
  token: 'API keys that gateways take',
  tools: 'Tools that a running gateway offers',
};

/** What `--help` prints for a command; `command` is empty for the program itself. */
export interface HelpPage {
  readonly command: string;
  readonly text: string;
}

/** The help of every command in the order of the table. Independent of terminal and environment. */
export function helpPages(): HelpPage[] {
  const program = build(() => {});
  const pages = ROWS.map(({ name }) => ({ command: name, text: find(program, name).helpInformation() }));
  return [{ command: '', text: program.helpInformation() }, ...pages];
}

/**
 * Runs one command.
 * @param args what follows the program's name
 * @returns its exit code; whatever it throws is the caller's to tell
 */
export async function runProgram(shell: Shell, args: readonly string[]): Promise<number> {
  let code: number | undefined;
  const program = build(async (row, given) => {
    code = await row.run(shell, given);
  }, shell);
  try {
    if (args.length === 0) {
      shell.out.write(program.helpInformation());
      return EXIT.ok;
    }
    await program.parseAsync([...args], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  }
  return code ?? EXIT.ok;
}

type Act = (row: Row, given: Given) => Promise<void> | void;

function build(act: Act, shell?: Shell): Command {
  const program = new Command('sluice');
  program
    .description(ABOUT)
    .addOption(new Option('--color <when>', 'colours on terminals').choices(['always', 'never', 'auto']))
    .helpCommand('help [command]', 'Show the help of a command.')
    .helpOption('-h, --help', 'show this help')
    .version(versionLine(), '-V, --version', 'print the version')
    .configureHelp(format(FIRST_EXAMPLES, `${CONFIG_SEARCH}\n\n${EXITS}`))
    .exitOverride();
  if (shell !== undefined) {
    program.configureOutput({
      writeOut: (text) => shell.out.write(text),
      writeErr: (text) => shell.err.write(text),
      // Without the arguments themselves: one too many may be a secret, and this may go to a log.
      outputError: (text, write) => write(text.replace(/( but got \d+): .*/s, '$1.\n')),
    });
    program.hook('preAction', (_, acting) => {
      const { color } = acting.optsWithGlobals<{ color?: NonNullable<Shell['color']> }>();
      if (color !== undefined) shell.color = color;
    });
  }
  for (const row of ROWS) add(program, row, act);
  return program;
}

/** Adds a command, below its noun where it has one. Settings of the program are inherited. */
function add(program: Command, row: Row, act: Act): void {
  const words = row.name.split(' ');
  const verb = words.pop() ?? row.name;
  const parent = words.reduce((at, noun) => child(at, noun) ?? group(at, noun), program);
  const command = parent
    .command(verb)
    .description(row.about)
    .configureHelp(
      format(row.examples, row.options?.some(([flags]) => flags.startsWith('-c,')) ? CONFIG_SEARCH : ''),
    );
  for (const [declaration, about] of row.args ?? []) command.argument(declaration, about);
  for (const [flags, about] of row.options ?? []) command.addOption(option(flags, about));
  command.action(async () => {
    await act(row, { args: command.processedArgs as Given['args'], options: command.opts<Options>() });
  });
}

/** A list option takes one value each time it stands there, so that it swallows no arguments. */
function option(flags: string, about: string): Option {
  if (!flags.endsWith('...>')) return new Option(flags, about);
  return new Option(flags.replace('...>', '>'), about).argParser<string[]>((value, before) => [
    ...(before ?? []),
    value,
  ]);
}

function group(program: Command, noun: string): Command {
  const rows = ROWS.filter(({ name }) => name.startsWith(`${noun} `));
  const verbs = rows.map(({ name }) => name.slice(noun.length + 1));
  return program
    .command(noun)
    .description(`${NOUNS[noun] ?? noun}: ${verbs.join(', ')}.`)
    .configureHelp(
      format(
        rows.flatMap(({ examples }) => examples),
        '',
      ),
    );
}

function child(parent: Command, name: string): Command | undefined {
  return parent.commands.find((command) => command.name() === name);
}

function find(program: Command, name: string): Command {
  return name.split(' ').reduce((at, word) => child(at, word) ?? at, program);
}

/** Help that begins with what the command does and how it is used, before any list. */
function format(examples: Row['examples'], notes: string): Partial<Help> {
  const width = Math.max(0, ...examples.map(([line]) => line.length));
  const lines = examples.map(([line, about]) =>
    `  ${about === '' ? line : line.padEnd(width)}  ${about}`.trimEnd(),
  );
  return {
    helpWidth: HELP_WIDTH,
    // Said above the examples instead of below the usage.
    commandDescription: () => '',
    // Arguments and options have pages of their own; a noun tells its verbs.
    subcommandTerm: (command) => `${command.name()}${command.commands.length > 0 ? ' <command>' : ''}`,
    formatHelp(command, helper) {
      const lists = Help.prototype.formatHelp.call(helper, command, helper).trim();
      const about = helper.boxWrap(command.description(), HELP_WIDTH);
      return `${[about, `Examples:\n${lines.join('\n')}`, lists, notes].filter((part) => part !== '').join('\n\n')}\n`;
    },
  };
}
