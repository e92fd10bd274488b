// A small world for configurations under test: some variables, some files, six plugins. Touches no disk.

import { type Inputs, type Loaded, type LoadResult, loadConfig } from '../../../src/config/load.ts';
import { createAuthority } from '../../fixtures/certificates.ts';

/** No output of anything may hold one of these. */
export const CANARIES = ['canary-env-4711', 'canary-file-4712', 'canary-secret-4713'] as const;

const own = createAuthority('an authority');
const good = own.issue({ host: 'mcp.example.com' });
const other = own.issue({ host: 'b.example.com' });
export const EXPIRED = own.issue({
  host: 'mcp.example.com',
  years: [new Date('2020-01-01'), new Date('2021-01-01')],
});

const FILES: Readonly<Record<string, string>> = {
  '/etc/sluice/tls.pem': good.cert,
  '/etc/sluice/tls.key': good.key,
  '/etc/sluice/b.pem': other.cert,
  '/etc/sluice/b.key': other.key,
  '/etc/sluice/old.pem': EXPIRED.cert,
  '/etc/sluice/old.key': EXPIRED.key,
  '/etc/sluice/ca.pem': own.cert,
  '/etc/sluice/locked.key':
    '-----BEGIN ENCRYPTED PRIVATE KEY-----\nMII=\n-----END ENCRYPTED PRIVATE KEY-----\n',
  '/run/secrets/tls-key': good.key,
  '/etc/sluice/token.txt': `${CANARIES[1]}\n`,
  '/etc/sluice/lines.txt': 'first\nsecond\n',
  '/etc/sluice/eight.txt': '8\n',
  '/run/secrets/api': `${CANARIES[2]}\n`,
  '/run/secrets/empty': '\n',
  '/creds/db': 'from-systemd\n',
};

const ENV = { TOKEN: CANARIES[0], EIGHT: '8', YES: 'true', EMPTY: '', HOST: 'mcp.example.com' };

/** Inputs with `more` variables over the usual ones. */
export function inputs(more: Readonly<Record<string, string>> = {}): Inputs {
  return {
    env: { ...ENV, ...more },
    readFile: (path) => {
      const text = FILES[path];
      if (text === undefined) throw Object.assign(new Error(`ENOENT: ${path}`), { code: 'ENOENT' });
      return text;
    },
    baseDir: '/etc/sluice',
    plugins: ['audit', 'auth', 'credentials', 'progress', 'ratelimit', 'signing'],
  };
}

export function load(text: string, more: Readonly<Record<string, string>> = {}): LoadResult {
  return loadConfig({ file: 'gateway.yaml', text }, inputs(more));
}

/** A configuration that must be accepted. */
export function accepted(text: string, more: Readonly<Record<string, string>> = {}): Loaded {
  const result = load(text, more);
  if (!result.ok) throw new Error(JSON.stringify(result.diagnostics, null, 2));
  return result;
}
