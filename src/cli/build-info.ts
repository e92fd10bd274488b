// Which build this is. The stamps are set by build.ts; from source they are absent.

import manifest from '../../package.json' with { type: 'json' };

declare const __SLUICE_VERSION__: string | undefined;
declare const __SLUICE_COMMIT__: string | undefined;
declare const __SLUICE_BUILT__: string | undefined;

export interface BuildInfo {
  readonly version: string;
  readonly commit: string | null;
  /** ISO 8601, or null from source. */
  readonly built: string | null;
  readonly bun: string;
  /** `linux-x64`. */
  readonly platform: string;
}

export const BUILD: BuildInfo = {
  version: typeof __SLUICE_VERSION__ === 'string' ? __SLUICE_VERSION__ : manifest.version,
  commit: typeof __SLUICE_COMMIT__ === 'string' ? __SLUICE_COMMIT__ : null,
  built: typeof __SLUICE_BUILT__ === 'string' ? __SLUICE_BUILT__ : null,
  bun: Bun.version,
  platform: `${process.platform}-${process.arch}`,
};
