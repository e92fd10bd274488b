// A secret from its user: typed at a terminal that does not show it, or whole from stdin. And a question before one is
// taken away.

import { createInterface } from 'node:readline/promises';
import { CliError, EXIT } from './exit.ts';
import { visible } from './log-fields.ts';
import type { Shell } from './shell.ts';

/** Of a secret, bytes: a chain of certificates has less. Fixed: stores of the system have limits of their own. */
const LONGEST = 64 * 1024;

/**
 * The value, without the line end after it.
 * @throws CliError when there is none, or it is none that can be kept
 */
export async function readSecret(shell: Shell, name: string): Promise<string> {
  const text = shell.stdin.isTty ? await typed(shell, name) : await whole(shell.stdin.stream());
  const value = text.replace(/\r?\n$/, '');
  if (value === '')
    throw new CliError(EXIT.usage, 'no value was given', `type it, or: sluice secrets set ${name} < FILE`);
  if (value.includes('\0') || value.includes('\ufffd'))
    throw new CliError(EXIT.usage, 'the value is no text in UTF-8', 'keep binary values in Base64');
  return value;
}

async function whole(stream: ReadableStream<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stream) {
    size += chunk.length;
    if (size > LONGEST)
      throw new CliError(EXIT.usage, 'the value is longer than 64KiB', 'refer to it as a file instead');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

const [INTERRUPT, END, ERASE_LINE] = ['\u0003', '\u0004', '\u0015'];

const NOTHING = new CliError(EXIT.interrupted, 'nothing was changed');
const SEVERAL_LINES = new CliError(EXIT.usage, 'that has several lines', 'give it on stdin: < FILE');

/** A line with what was typed next. */
function edited(value: string, character: string): string {
  if (character === ERASE_LINE) return '';
  if (character === '\u007f' || character === '\b') return [...value].slice(0, -1).join('');
  return value + character;
}

/** One line from the terminal, which shows nothing of it. */
function typed(shell: Shell, name: string): Promise<string> {
  const { stdin } = process;
  const done = Promise.withResolvers<string>();
  let value = '';
  const decoder = new TextDecoder();
  const take = (chunk: Buffer): void => {
    const text = decoder.decode(chunk, { stream: true });
    const [line = '', ...more] = text.split(/\r\n?|\n/);
    for (const character of line) value = edited(value, character);
    // What is pasted may have several lines, of which the first alone would be kept.
    if (more.some((rest) => rest !== '')) done.reject(SEVERAL_LINES);
    else if (line.includes(INTERRUPT) || line === END) done.reject(NOTHING);
    else if (more.length > 0) done.resolve(value);
  };
  const gone = (): void => done.reject(NOTHING);
  // Before anybody is asked: what is typed sooner would be shown.
  stdin.setRawMode(true);
  stdin.on('data', take);
  stdin.on('end', gone);
  stdin.resume();
  shell.err.write(`value of ${visible(name)} (it is not shown): `);
  return done.promise.finally(() => {
    stdin.off('data', take);
    stdin.off('end', gone);
    stdin.setRawMode(false);
    stdin.pause();
    shell.err.write('\n');
  });
}

/** Asks where there is somebody to ask; false where there is not. */
export async function confirmed(shell: Shell, name: string, used: readonly string[]): Promise<boolean> {
  if (!shell.stdin.isTty || !shell.err.isTty) return false;
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const question = `"${visible(name)}" is used by ${used.map(visible).join(', ')}. Remove it? [y/N] `;
    return /^y(?:es)?$/i.test((await lines.question(question)).trim());
  } catch {
    // Ctrl-D.
    return false;
  } finally {
    lines.close();
  }
}
