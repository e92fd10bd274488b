// `sluice init` and `sluice schema`: files the gateway writes for its operator.

import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import example from '../../gateway.yaml' with { type: 'text' };
import { jsonSchema } from '../config/reference.ts';
import { display } from './config.ts';
import { CliError, EXIT, systemCode } from './exit.ts';
import type { Shell } from './shell.ts';

/** The commented gateway.yaml of the project, without the reference to a schema file that is not there. */
function starterConfig(): string {
  const text: unknown = example;
  const [first = '', ...rest] = String(text).split('\n');
  const editor =
    '# For completion in an editor: `sluice schema -o schema.json`, then make this line\n#   yaml-language-server: $schema=./schema.json';
  return [first.includes('yaml-language-server') ? editor : first, ...rest].join('\n');
}

export function init(shell: Shell, options: { readonly output?: string | undefined }): number {
  const file = resolve(shell.cwd, options.output ?? 'gateway.yaml');
  write(shell, file, starterConfig(), 'wx');
  shell.err.write(
    `wrote ${display(file, shell.cwd)} · check it with \`sluice check\`, start with \`sluice run\`\n`,
  );
  return EXIT.ok;
}

export function schema(shell: Shell, options: { readonly output?: string | undefined }): number {
  const text = `${JSON.stringify(jsonSchema(), null, 2)}\n`;
  if (options.output === undefined || options.output === '-') shell.out.write(text);
  else write(shell, resolve(shell.cwd, options.output), text, 'w');
  return EXIT.ok;
}

function write(shell: Shell, file: string, text: string, flag: 'w' | 'wx'): void {
  try {
    writeFileSync(file, text, { flag });
  } catch (error) {
    const shown = display(file, shell.cwd);
    if (systemCode(error) === 'EEXIST')
      throw new CliError(EXIT.failed, `${shown} exists and is left as it is`, 'name another file with -o');
    throw new CliError(EXIT.failed, `cannot write ${shown}: ${systemCode(error) ?? String(error)}`);
  }
}
