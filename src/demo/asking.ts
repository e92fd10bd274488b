// The demo's tools that ask their client: the user a question, the model for a text. Written once for both eras:
// they return what they need, and the SDK turns that into a real request for a client of the initialize era.
import { inputRequired, inputResponse, type McpServer } from '@modelcontextprotocol/server';
import { z } from 'zod';
import { text } from './tools.ts';

const asking = { readOnlyHint: true, openWorldHint: false } as const;

/** Registers ask and sample. */
export function addAskingTools(server: McpServer): void {
  server.registerTool(
    'ask',
    {
      title: 'Ask the user',
      description: 'Asks the user a question through the client and tells what was answered.',
      inputSchema: z.object({
        question: z.string().default('What is your favourite colour?').describe('The question to ask'),
      }),
      annotations: asking,
    },
    ({ question }, ctx) => {
      const reply = inputResponse(ctx.mcpReq.inputResponses, 'answer');
      if (reply.kind === 'elicit') return text(told(reply.action, reply.content?.answer));
      return inputRequired({
        inputRequests: {
          answer: inputRequired.elicit({
            message: question,
            requestedSchema: {
              type: 'object',
              properties: {
                answer: { type: 'string', title: 'Answer', description: 'Your answer, in a few words' },
              },
              required: ['answer'],
            },
          }),
        },
      });
    },
  );
  server.registerTool(
    'sample',
    {
      title: 'Ask the model',
      description: "Asks the client's model to write something and returns what it wrote.",
      inputSchema: z.object({
        prompt: z.string().describe('What to ask the model'),
        max_tokens: z.int().min(1).max(4096).default(200).describe('How long the answer may be'),
      }),
      annotations: asking,
    },
    ({ prompt, max_tokens }, ctx) => {
      const reply = inputResponse(ctx.mcpReq.inputResponses, 'completion');
      if (reply.kind === 'sampling')
        return text(`${reply.result.model} wrote: ${written(reply.result.content)}`);
      return inputRequired({
        inputRequests: {
          completion: inputRequired.createMessage({
            messages: [{ role: 'user', content: { type: 'text', text: prompt } }],
            maxTokens: max_tokens,
          }),
        },
      });
    },
  );
}

function told(action: 'accept' | 'decline' | 'cancel', answer: unknown): string {
  if (action === 'decline') return 'The user declined to answer.';
  if (action === 'cancel') return 'The user dismissed the question.';
  return `The user answered: ${typeof answer === 'string' ? answer : JSON.stringify(answer)}`;
}

function written(content: unknown): string {
  const blocks: unknown[] = Array.isArray(content) ? content : [content];
  return blocks
    .map((block) => {
      if (typeof block !== 'object' || block === null) return '';
      if ('text' in block && typeof block.text === 'string') return block.text;
      return 'type' in block ? `[${String(block.type)}]` : '';
    })
    .join(' ');
}
