// The demo's one prompt, with completion of its argument.
import { completable, type McpServer } from '@modelcontextprotocol/server';
import { z } from 'zod';

const names = [
  'Ada',
  'Alan',
  'Barbara',
  'Edsger',
  'Grace',
  'Katherine',
  'Leslie',
  'Margaret',
  'Radia',
  'Tim',
];

/** Registers greet. */
export function addPrompts(server: McpServer): void {
  server.registerPrompt(
    'greet',
    {
      title: 'Greet someone',
      description: 'Asks the model for a short, warm greeting.',
      argsSchema: z.object({
        name: completable(z.string().describe('Whom to greet'), (typed) =>
          names.filter((name) => name.toLowerCase().startsWith(typed.toLowerCase())),
        ),
      }),
    },
    ({ name }) => ({
      description: `A greeting for ${name}`,
      messages: [
        {
          role: 'user',
          content: { type: 'text', text: `Write one short, warm sentence that greets ${name}.` },
        },
      ],
    }),
  );
}
