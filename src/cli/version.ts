// `sluice version`: which build this is.

import { BUILD } from './build-info.ts';
import { EXIT } from './exit.ts';
import type { Shell } from './shell.ts';

export function version(shell: Shell, options: { readonly json?: boolean | undefined }): number {
  shell.out.write(options.json === true ? `${JSON.stringify(BUILD)}\n` : `${versionLine()}\n`);
  return EXIT.ok;
}

/** `sluice 0.1.0 (1f0c2d3) linux-x64, bun 1.4.5`. */
export function versionLine(): string {
  const { version: number, commit, platform, bun } = BUILD;
  return `sluice ${number} (${commit?.slice(0, 12) ?? 'from source'}) ${platform}, bun ${bun}`;
}
