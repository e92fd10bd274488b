// Completion scripts for shells, made from the table of commands.

import { type Row, SHELLS } from './commands.ts';
import { CliError, EXIT } from './exit.ts';
import type { Shell } from './shell.ts';

interface Entry {
  readonly name: string;
  readonly about: string;
  /** `--config`, `-c`. */
  readonly flags: readonly string[];
  /** Words that may follow. */
  readonly words: readonly { readonly name: string; readonly about: string }[];
  /** Flags that take a file. */
  readonly files: readonly string[];
}

const GLOBAL = ['--help', '--color'];

export function completion(shell: Shell, name: string, rows: readonly Row[]): number {
  const entries = entriesOf(rows);
  const script = { bash, zsh, fish, pwsh }[name as (typeof SHELLS)[number]];
  if (script === undefined)
    throw new CliError(EXIT.usage, `no completion for ${name}`, `there is ${SHELLS.join(', ')}`);
  shell.out.write(script(entries));
  return EXIT.ok;
}

/** One entry per first word: the flags of all its rows, and the verbs below a noun. */
function entriesOf(rows: readonly Row[]): Entry[] {
  const nouns = Map.groupBy(rows, ({ name }) => name.split(' ')[0] ?? '');
  return [...nouns].map(([name, own]) => {
    const verbs = own.flatMap((row) => {
      const verb = row.name.split(' ')[1];
      return verb === undefined ? [] : [{ name: verb, about: row.about }];
    });
    const declared = own.flatMap(({ options = [] }) => options.map(([flags]) => flags));
    return {
      name,
      about: verbs.length === 0 ? (own[0]?.about ?? '') : verbs.map((verb) => verb.name).join(', '),
      flags: [...new Set(declared.flatMap(flagsOf))],
      words: name === 'completion' ? SHELLS.map((each) => ({ name: each, about: '' })) : verbs,
      files: declared.filter((flags) => /<(file|path|folder)>/.test(flags)).flatMap(flagsOf),
    };
  });
}

function flagsOf(declaration: string): string[] {
  return declaration.split(/[ ,]+/).filter((part) => part.startsWith('-'));
}

function bash(entries: readonly Entry[]): string {
  const cases = entries.map(
    ({ name, flags, words }) =>
      `    ${name}) words="${[...words.map((word) => word.name), ...flags, ...GLOBAL].join(' ')}" ;;`,
  );
  const files = [...new Set(entries.flatMap((entry) => entry.files))].join('|');
  return `# bash completion for sluice
_sluice() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} words
  COMPREPLY=()
  case $prev in
    ${files}) COMPREPLY=($(compgen -f -- "$cur")); return ;;
    --color) COMPREPLY=($(compgen -W "always never auto" -- "$cur")); return ;;
  esac
  if [ "$COMP_CWORD" -eq 1 ]; then
    words="${[...entries.map(({ name }) => name), 'help', '--version', ...GLOBAL].join(' ')}"
  else case \${COMP_WORDS[1]} in
${cases.join('\n')}
    *) words="" ;;
  esac; fi
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -F _sluice sluice
`;
}

function zsh(entries: readonly Entry[]): string {
  const commands = entries.map(
    ({ name, about }) => `    ${quoted(`${name}:${about.replaceAll(':', '\\:')}`)}`,
  );
  const cases = entries.map(
    ({ name, flags, words }) =>
      `    ${name}) compadd -- ${[...words.map((word) => word.name), ...flags, ...GLOBAL].join(' ')}; _files ;;`,
  );
  return `#compdef sluice
_sluice() {
  local -a commands=(
${commands.join('\n')}
    'help:Show the help of a command.'
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  case $words[2] in
${cases.join('\n')}
    *) _files ;;
  esac
}
if [ "$funcstack[1]" = _sluice ]; then _sluice "$@"; else compdef _sluice sluice; fi
`;
}

function fish(entries: readonly Entry[]): string {
  const lines = entries.flatMap(({ name, about, flags, words, files }) => [
    `complete -c sluice -f -n __fish_use_subcommand -a ${name} -d ${quoted(about)}`,
    ...words.map(
      (word) =>
        `complete -c sluice -f -n '__fish_seen_subcommand_from ${name}' -a ${word.name} -d ${quoted(word.about)}`,
    ),
    ...flags.map((flag) => {
      const kind = flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`;
      const file = files.includes(flag) ? ' -r -F' : '';
      return `complete -c sluice -n '__fish_seen_subcommand_from ${name}' ${kind}${file}`;
    }),
  ]);
  return `# fish completion for sluice\n${lines.join('\n')}\ncomplete -c sluice -l help\ncomplete -c sluice -l color -x -a 'always never auto'\n`;
}

function pwsh(entries: readonly Entry[]): string {
  const list = (words: readonly string[]): string => words.map((word) => `'${word}'`).join(', ');
  const cases = entries.map(
    ({ name, flags, words }) =>
      `        '${name}' { ${list([...words.map((word) => word.name), ...flags, ...GLOBAL])} }`,
  );
  const files = [...new Set(entries.flatMap((entry) => entry.files))];
  // Where nothing is offered the shell offers files.
  return `# PowerShell completion for sluice
Register-ArgumentCompleter -Native -CommandName sluice -ScriptBlock {
  param($word, $ast, $cursor)
  $given = @($ast.CommandElements | Where-Object { $_.Extent.EndOffset -lt $cursor } | ForEach-Object { $_.ToString() })
  $offered = @(
    if ($given[-1] -cin ${list(files)}) { }
    elseif ($given[-1] -ceq '--color') { 'always', 'never', 'auto' }
    elseif ($given.Count -lt 2) { ${list([...entries.map(({ name }) => name), 'help', '--version', ...GLOBAL])} }
    else {
      switch -CaseSensitive ($given[1]) {
${cases.join('\n')}
      }
    }
  )
  $offered | Where-Object { $_.StartsWith($word, 'Ordinal') } | ForEach-Object {
    [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_)
  }
}
`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
