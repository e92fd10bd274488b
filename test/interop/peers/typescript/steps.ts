// What the TypeScript clients share: one JSON line on stdout for each step, whatever becomes of it.
export const NOTE = 'note://pinned';

/** What `Promise.withResolvers` makes, which Node has since 22 only. */
export function deferred<T>(): {
  promise: Promise<T>;
  resolve(value: T): void;
  reject(error: unknown): void;
} {
  let resolve: (value: T) => void = () => {};
  let reject: (error: unknown) => void = () => {};
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}

/** Milliseconds a step may take. */
const LIMIT = 8_000;

export type Fields = Record<string, unknown>;
export type Step = readonly [name: string, work: () => Promise<Fields>];

/** What a client does, named alike in every language. */
export interface Doing {
  connect(): Promise<Fields>;
  lists(): Promise<Fields>;
  call(
    name: string,
    args: Fields,
    onProgress?: (report: Report) => void,
    signal?: AbortSignal,
  ): Promise<Called>;
  answer(action: 'accept' | 'decline', content?: Record<string, string>): void;
  /** Subscribes; calls back at each update. Resolves with what ends the subscription. */
  watch(uri: string, onUpdated: (uri: string) => void): Promise<() => Promise<unknown>>;
  read(uri: string): Promise<string>;
  prompt(name: string, args: Record<string, string>): Promise<string>;
  ping?(): Promise<unknown>;
  close(): Promise<void>;
  readonly tap: Tap;
}

export interface Report {
  readonly progress: number;
  readonly total?: number | undefined;
  readonly message?: string | undefined;
}

/** The progress a transport hands to the SDK, which over stdio loses what comes in one chunk with the result. */
export class Tap {
  readonly reports: unknown[] = [];

  on(transport: { onmessage?: unknown }): void {
    const inner = transport.onmessage as (...message: unknown[]) => void;
    transport.onmessage = (message: { method?: string; params?: Report }, ...rest: unknown[]) => {
      if (message.method === 'notifications/progress' && message.params)
        this.reports.push(listed(message.params));
      inner(message, ...rest);
    };
  }
}

export interface Called {
  readonly content: readonly { readonly text?: string }[];
  readonly isError?: boolean;
}

export async function run(client: Doing): Promise<void> {
  for (const [name, work] of steps(client)) await runStep(name, work);
}

async function runStep(step: string, work: () => Promise<Fields>): Promise<void> {
  const late = deferred<never>();
  const timer = setTimeout(() => late.reject(new Error('took too long')), LIMIT);
  try {
    say({ step, ...(await Promise.race([work(), late.promise])) });
  } catch (error) {
    const { code, message } = error as { code?: unknown; message?: string };
    if (typeof code === 'number') say({ step, error: { code, message } });
    else say({ step, failed: String(error) });
  } finally {
    clearTimeout(timer);
  }
}

function say(fields: Fields): void {
  process.stdout.write(`${JSON.stringify(fields)}\n`);
}

function textOf({ content }: Called): string {
  return content.map(({ text }) => text ?? '').join('');
}

function steps(client: Doing): Step[] {
  const says = async (name: string, args: Fields = {}) => ({ text: textOf(await client.call(name, args)) });
  const failing = async (name: string) => {
    const result = await client.call(name, {});
    return { isError: result.isError, text: textOf(result) };
  };
  const asked = (action: 'accept' | 'decline', content?: Record<string, string>) => {
    client.answer(action, content);
    return says('ask');
  };
  return [
    ['connect', () => client.connect()],
    ['lists', () => client.lists()],
    ['echo', () => says('echo', { text: 'Zoë — 漢字 🦦' })],
    ['progress', () => progress(client)],
    ['cancel', () => cancel(client)],
    ['accept', () => asked('accept', { name: 'Ada' })],
    ['decline', () => asked('decline')],
    ['sample', () => says('think', { prompt: 'Think of a number' })],
    ['subscribe', () => subscribe(client)],
    ['prompt', async () => ({ text: await client.prompt('greet', { name: 'Ada' }) })],
    ['toolError', () => failing('fail')],
    ['unknownTool', () => failing('nowhere')],
    ['unknownResource', async () => ({ text: await client.read('note://nowhere') })],
    ...(client.ping ? [['ping', () => quietly(client.ping)] as const] : []),
    ['close', () => quietly(client.close)],
  ];
}

async function quietly(work: (() => Promise<unknown>) | undefined): Promise<Fields> {
  await work?.();
  return {};
}

const listed = ({ progress, total, message }: Report) => [progress, total ?? null, message ?? null];

async function progress(client: Doing): Promise<Fields> {
  let heard = 0;
  const start = client.tap.reports.length;
  const result = await client.call('count', { to: 5 }, () => void heard++);
  const reports = client.tap.reports.slice(start);
  await client.call('echo', { text: 'done?' });
  return { text: textOf(result), reports, heard, late: client.tap.reports.length - start - reports.length };
}

async function cancel(client: Doing): Promise<Fields> {
  const key = `key-${process.pid}`;
  const reports: unknown[] = [];
  const caller = new AbortController();
  const call = client.call(
    'wait',
    { key },
    (report) => {
      reports.push(listed(report));
      caller.abort('no longer wanted');
    },
    caller.signal,
  );
  const result = await call.then(textOf, () => undefined);
  if (result !== undefined) throw new Error(`the call ended with ${result}`);
  while (!textOf(await client.call('cancelled', {})).includes(key))
    await new Promise((go) => setTimeout(go, 20));
  return { reports, recorded: true };
}

async function subscribe(client: Doing): Promise<Fields> {
  const updated = deferred<string>();
  const stop = await client.watch(NOTE, updated.resolve);
  await client.call('touch', {});
  const uri = await updated.promise;
  const text = await client.read(NOTE);
  await stop();
  return { updated: [uri], text };
}
