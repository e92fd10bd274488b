// The commands for what is kept: `sluice secrets` and `sluice token`, as rows of the table of commands.

import { CONFIG, type Flag, JSON_OUT, list, text } from './command-parts.ts';
import type { Row } from './commands.ts';

/** Options of these alone. */
export interface KeepingOptions {
  readonly store?: string;
  readonly newKeyFile?: string;
  readonly yes?: boolean;
  readonly file?: string;
  readonly tenant?: string;
  readonly scope?: readonly string[];
  readonly group?: readonly string[];
  readonly expires?: string;
  readonly note?: string;
}

const KEY_FILE: Flag = [
  '--file <path>',
  'file of keys (default: as configured, else in the state directory)',
];

export const KEEPING_ROWS: readonly Row[] = [
  {
    name: 'secrets set',
    args: [['<name>', 'its name: letters, digits, _, - and .']],
    about: 'Put a secret away: typed without being shown, or from stdin.',
    examples: [
      ['sluice secrets set github', 'into the keychain, or an encrypted file where there is none'],
      ['sluice secrets set tls-key --store file < key.pem', 'all of stdin, without a last line end'],
    ],
    options: [['--store <store>', 'keychain or file (default: keychain if there is one)'], CONFIG, JSON_OUT],
    run: async (shell, { args, options }) =>
      (await import('./secrets.ts')).setSecret(shell, text(args[0]), options),
  },
  {
    name: 'secrets list',
    about: 'List secrets: where each lies and what uses it, never its value.',
    examples: [['sluice secrets list', 'also those that the configuration wants and nobody has']],
    options: [CONFIG, JSON_OUT],
    run: async (shell, { options }) => (await import('./secrets.ts')).listSecrets(shell, options),
  },
  {
    name: 'secrets rm',
    args: [['<name>', 'its name: letters, digits, _, - and .']],
    about: 'Remove a secret. Asks first where the configuration uses it.',
    examples: [['sluice secrets rm github --yes', 'without asking']],
    options: [['--yes', 'also where it is used'], CONFIG, JSON_OUT],
    run: async (shell, { args, options }) =>
      (await import('./secrets.ts')).removeSecret(shell, text(args[0]), options),
  },
  {
    name: 'secrets rekey',
    about: 'Encrypt the file of secrets with another master key.',
    examples: [
      ['sluice secrets rekey', 'with a new key, in the file of the old one'],
      ['sluice secrets rekey --new-key-file /run/keys/sluice', 'with that one; made where there is none'],
    ],
    options: [
      [
        '--new-key-file <path>',
        'file that has the new key, or gets it (default: $SLUICE_NEW_MASTER_KEY, else that of the old)',
      ],
      CONFIG,
      JSON_OUT,
    ],
    run: async (shell, { options }) => (await import('./rekey.ts')).rekeySecrets(shell, options),
  },
  {
    name: 'token mint',
    args: [['<principal>', 'whose calls it proves']],
    about: 'Make an API key and print it, once.',
    examples: [
      ['sluice token mint ci --scope mcp:use --expires 90d', ''],
      ['KEY=$(sluice token mint ada --tenant north)', 'stdout has the key and nothing else'],
    ],
    options: [
      ['--tenant <name>', 'the tenant it belongs to'],
      ['--scope <scope...>', 'a scope; repeatable'],
      ['--group <name...>', 'a group; repeatable'],
      ['--expires <when>', 'from now (90d), or a date (2027-01-31); default: never'],
      ['--note <text>', 'what it is for'],
      KEY_FILE,
      CONFIG,
      JSON_OUT,
    ],
    run: async (shell, { args, options }) =>
      (await import('./token.ts')).mintToken(shell, text(args[0]), options),
  },
  {
    name: 'token list',
    about: 'List API keys by their ids; the keys themselves are nowhere.',
    examples: [['sluice token list', 'id, whose, valid or not and since or until when, scopes, note']],
    options: [KEY_FILE, CONFIG, JSON_OUT],
    run: async (shell, { options }) => (await import('./token.ts')).listTokens(shell, options),
  },
  {
    name: 'token revoke',
    args: [['<ids...>', 'ids, as `sluice token list` has them, or keys']],
    about: 'End API keys; a gateway that runs refuses them from then on.',
    examples: [['sluice token revoke cylwdg7eyyp7', '']],
    options: [KEY_FILE, CONFIG, JSON_OUT],
    run: async (shell, { args, options }) =>
      (await import('./token.ts')).revokeTokens(shell, list(args[0]), options),
  },
];
