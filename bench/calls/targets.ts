// What calls are sent to: the upstream itself, nginx, and gateways with different plugins, all there at once.
import { fileURLToPath } from 'node:url';
import type { Era } from '../../src/protocol/message.ts';
import { AUDIENCE, startIssuer } from '../../test/fixtures/issuer.ts';
import { startSubject } from '../gateway.ts';
import { startNginx } from './nginx.ts';
import { REST, SUBJECT } from './pinning.ts';

export interface Target {
  readonly name: string;
  readonly url: string;
  /** Era of the upstream behind it. */
  readonly behind: Era;
  readonly headers: Readonly<Record<string, string>>;
  /** Of the process whose time and memory count. */
  readonly pid?: number;
}

const ERAS: readonly Era[] = ['2026', '2025'];
const UPSTREAM = fileURLToPath(new URL('./upstream.ts', import.meta.url));
const PLENTY = { rate: '10000000/s', burst: 10_000_000 };
const KEYS = [{ id: 'bench', secret: '0123456789abcdef0123456789abcdef' }];

/** Entry of the pipeline by the name of its row; `signing` is one of the upstream's. */
const entriesOf = (issuer: string) => ({
  audit: { audit: { durability: 'bounded' } },
  auth: { auth: { issuers: [{ issuer }] } },
  ratelimit: { ratelimit: PLENTY },
  progress: { progress: {} },
  signing: { signing: { scheme: 'hmac-v1', keys: KEYS } },
});
type Plugin = keyof ReturnType<typeof entriesOf>;

const FIVE: readonly Plugin[] = ['audit', 'auth', 'ratelimit', 'progress', 'signing'];
const GATEWAYS: readonly (readonly [name: string, behind: Era, plugins: readonly Plugin[]])[] = [
  ['gateway', '2026', []],
  ['gateway', '2025', []],
  ...FIVE.map((plugin) => [`+ ${plugin}`, '2026', [plugin]] as const),
  ['+ all five', '2026', FIVE],
];

/** @returns where it is, without a path */
export async function startUpstream(stack: AsyncDisposableStack): Promise<string> {
  const child = Bun.spawn([...REST, process.execPath, UPSTREAM], {
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'inherit',
  });
  stack.defer(async () => {
    child.kill();
    await child.exited;
  });
  for await (const chunk of child.stdout) return `http://127.0.0.1:${new TextDecoder().decode(chunk).trim()}`;
  throw new Error('the upstream ended');
}

async function gateways(origin: string, stack: AsyncDisposableStack): Promise<Target[]> {
  const issuer = stack.use(await startIssuer());
  const entries = entriesOf(issuer.url);
  const authorization = `Bearer ${await issuer.token()}`;
  const http = { listen: '127.0.0.1:0', url: new URL(AUDIENCE).origin };
  const targets: Target[] = [];
  for (const [name, era, plugins] of GATEWAYS) {
    const pipeline = plugins.filter((plugin) => plugin !== 'signing').map((plugin) => entries[plugin]);
    const last = plugins.includes('signing') ? [entries.signing] : [];
    const gateway = { listeners: [{ http }], pipeline };
    const { url, pid } = stack.use(
      await startSubject(`${origin}/${era}`, { era, pipeline: last }, gateway, SUBJECT),
    );
    const headers = plugins.includes('auth') ? { authorization } : {};
    targets.push({ name, url, behind: era, headers, pid });
  }
  return targets;
}

export async function startTargets(origin: string, stack: AsyncDisposableStack): Promise<Target[]> {
  const nginx = await startNginx(origin);
  if (nginx === undefined) console.log('nginx is not there: no figures of it, and no ratios to them');
  else stack.use(nginx);
  const plain = ERAS.flatMap((behind): Target[] => [
    { name: 'direct', url: `${origin}/${behind}`, behind, headers: {} },
    ...(nginx
      ? [{ name: 'nginx', url: `${nginx.origin}/${behind}`, behind, headers: {}, pid: nginx.pid }]
      : []),
  ]);
  return [...plain, ...(await gateways(origin, stack))];
}
