// Answers what a tool asks its user, at the terminal: a message, then one line per field. Only form elicitation.

import { createInterface } from 'node:readline/promises';
import type { ElicitRequest, ElicitResult } from '@modelcontextprotocol/client';
import { typeArguments } from './arguments.ts';
import { visibleLines } from './log-fields.ts';
import type { Abilities } from './mcp.ts';
import type { Meter } from './meter.ts';
import type { Shell } from './shell.ts';

/** Offers to answer where there is a person to answer: both stdin and stderr are terminals. */
export function offerAnswers(shell: Shell, meter: Meter): Abilities {
  if (!shell.stdin.isTty || !shell.err.isTty) return {};
  return {
    elicitation: true,
    prepare: (client) =>
      client.setRequestHandler('elicitation/create', async ({ params }) => {
        meter.pause();
        try {
          return await ask(shell, params);
        } finally {
          meter.resume();
        }
      }),
  };
}

type Content = NonNullable<ElicitResult['content']>;

async function ask(shell: Shell, params: ElicitRequest['params']): Promise<ElicitResult> {
  if (!('requestedSchema' in params)) return { action: 'decline' };
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    shell.err.write(`${visibleLines(params.message)}\n`);
    const content: Content = {};
    for (const [key, field] of Object.entries(params.requestedSchema.properties)) {
      const required = params.requestedSchema.required?.includes(key) === true;
      const value = await askField(lines, shell, key, field, required);
      if (value !== undefined) content[key] = value;
    }
    const sent = await lines.question('Send this answer? [Y/n] ');
    return /^n/i.test(sent.trim()) ? { action: 'decline' } : { action: 'accept', content };
  } catch {
    // Ctrl-D, or the end of the input.
    return { action: 'cancel' };
  } finally {
    lines.close();
  }
}

async function askField(
  lines: { question(query: string): Promise<string> },
  shell: Shell,
  key: string,
  field: { readonly title?: string | undefined; readonly description?: string | undefined },
  required: boolean,
): Promise<Content[string] | undefined> {
  const preset: unknown = Reflect.get(field, 'default');
  const label = visibleLines(field.title ?? key);
  const about = field.description === undefined ? '' : ` (${visibleLines(field.description)})`;
  for (;;) {
    const text = await lines.question(
      `  ${label}${about}${preset === undefined ? '' : ` [${String(preset)}]`}: `,
    );
    if (text === '' && preset !== undefined) return preset as Content[string];
    if (text === '' && !required) return undefined;
    const typed = typeArguments([`${key}=${text}`], { properties: { [key]: field } });
    if (typed.ok) return typed.value[key] as Content[string];
    shell.err.write(`  ${visibleLines(typed.problems.join('; '))}\n`);
  }
}
