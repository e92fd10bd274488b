// The files of `sluice plugin new`: a plugin to begin with, a test of it, a page about it. Writes nothing.

import { posix } from 'node:path';
import type { TextFile } from './plugin-package.ts';

/**
 * @param name letters, digits and dashes, beginning with a letter
 * @param dir where they go, relative to gateway.yaml; paths in the result begin with it
 * @throws Error when it is no name for a plugin
 */
export function newPlugin(name: string, dir: string): { files: TextFile[] } {
  if (!/^[a-z][a-z0-9-]{0,62}$/.test(name)) {
    throw new Error(
      `"${name}" is no name for a plugin: use lower-case letters, digits and dashes, a letter first`,
    );
  }
  const path = posix.join(dir.replaceAll('\\', '/'), name);
  const entry = path.startsWith('/') || path.startsWith('../') ? path : `./${path}`;
  return {
    files: [
      { path: `${path}.ts`, text: PLUGIN.replaceAll('NAME', name) },
      { path: `${path}.test.ts`, text: TEST.replaceAll('NAME', name) },
      { path: `${path}.md`, text: PAGE.replaceAll('NAME', name).replaceAll('ENTRY', entry) },
    ],
  };
}

/** The text without what indents it here, where a line that begins with `import` would be one of this file. */
function outdented(text: string): string {
  return text.slice(1).replace(/^ {2}/gm, '');
}

const PLUGIN = outdented(`
  // Refuses calls of the tools that are listed.
  import { definePlugin, refuse, z } from 'sluice/plugin';

  export default definePlugin({
    name: 'NAME',
    api: 1,
    about: 'Refuses calls of the tools that are listed.',
    schema: z.strictObject({
      tools: z.array(z.string()).meta({ description: 'Tools nobody may call.' }),
    }),
    setup({ tools }, host) {
      return {
        onRequest(request) {
          const tool = String(request.params.name);
          if (request.method !== 'tools/call' || !tools.includes(tool)) return;
          host.log.info('refused', { tool });
          return refuse('FORBIDDEN', \`The tool "\${tool}" may not be called here.\`);
        },
      };
    },
  });
`);

const TEST = outdented(`
  import { expect, test } from 'bun:test';
  import { testPlugin } from 'sluice/testing';
  import plugin from './NAME.ts';

  const call = (name: string) => ({ method: 'tools/call', params: { name, arguments: {} } });

  test('a listed tool is refused, and the upstream never asked', async () => {
    await using it = await testPlugin(plugin, { tools: ['delete_all'] });
    const { result, request } = await it.call(call('delete_all'));
    expect(result.value.message).toBe('The tool "delete_all" may not be called here.');
    expect(request).toBeUndefined();
  });

  test('any other tool passes', async () => {
    await using it = await testPlugin(plugin, { tools: ['delete_all'] });
    const { result } = await it.call({ ...call('echo'), result: { content: [] } });
    expect(result.value).toEqual({ content: [] });
  });
`);

const PAGE = outdented(`
  # NAME

  Refuses calls of the tools that are listed. In \`gateway.yaml\`:

  \`\`\`yaml
  pipeline:
    - ENTRY.ts: { tools: [delete_all] }
      when: { methods: [tools/call] }
  \`\`\`

  Types for your editor, and what the test imports: \`sluice plugin types\`. Run the test: \`bun test\`.
`);
