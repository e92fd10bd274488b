// Writes down what was sent to upstreams and what became of it, in a log that shows what is done to it afterwards.

import { isAbsolute, join } from 'node:path';
import {
  definePlugin,
  type Exchange,
  fact,
  type Hooks,
  IntegrityError,
  type McpResult,
  type PluginHost,
  refuse,
} from '../src/plugin.ts';
import { cleaner } from './audit/clean.ts';
import { IntegrityFault } from './audit/integrity.ts';
import { fixedOf, type KeptLog, keepLog } from './audit/kept.ts';
import { LogUnavailable } from './audit/log.ts';
import { type Options, schema } from './audit/options.ts';
import { intentOf, openedOf, outcomeOf, type Recorder, type Rested, sentOf, Trace } from './audit/records.ts';
import { Writer } from './audit/writer.ts';

/** Of all logs of this process: the settings of the latest hold. */
let generations = 0;

export default definePlugin({
  name: 'audit',
  api: 1,
  about: 'Writes down every call and its end, in a log that shows what is done to it.',
  schema,
  async setup(options, host) {
    // Somebody looks at the configuration: nothing is called, and nothing is to be left behind.
    if (host.stateDir === undefined)
      return { streams: true, passesOn: [], onRequest: (_, x) => unwritten(x) };
    const directory = inState(options.to ?? 'audit', host.stateDir);
    const keyFile = inState(options.key.file, host.stateDir);
    const kept = await host.keep(
      `log ${directory}`,
      () =>
        keepLog({ directory, keyFile }, options, host).catch((error: unknown) => notOpened(error, directory)),
      async (opening) => (await opening.catch(() => undefined))?.close(),
    );
    if (kept.origin !== options.origin)
      throw new Error(
        `the log in ${directory} is that of ${kept.origin}, not of ${options.origin}: another origin needs another directory`,
      );
    const generation = ++generations;
    const broken = onBreak(directory, options.health, host);
    const stop = onBreak(directory, { on_break: 'stop' }, host);
    const begin = (): void => {
      kept.use(options, generation, broken);
      kept.outlets.use(options, generation, stop);
    };
    // The first generation at once: the log is looked at, and what was not sent before is sent, though nobody calls.
    if (kept.outlets.generation === 0) {
      begin();
      host.log.info('audit log open', { directory, origin: kept.origin, entries: kept.log.seq });
    }
    if (kept.fixed !== fixedOf(options))
      host.log.warn('level and integrity of an audit log that is open change with the next start', {
        directory,
      });
    return hooksOf(kept, options, host, begin);
  },
});

function hooksOf(kept: KeptLog, options: Options, host: PluginHost, begin: () => void): Hooks {
  const writer = new Writer(kept.log, options, host);
  const recorder: Recorder = {
    key: kept.key.naming,
    plain: options.arguments,
    clean: cleaner(options.redact),
    fields: options.fields && new Set(options.fields),
  };
  const traces = fact<Trace>('audit trace');
  const traceOf = (x: Exchange): Trace => {
    const known = x.get(traces);
    if (known) return known;
    const trace = new Trace();
    x.set(traces, trace);
    return trace;
  };
  /** A digest is nothing without its salt, and a salt nothing without a digest. */
  const keepSalt = (x: Exchange): void => {
    const trace = traceOf(x);
    if (!trace.isSaltKept) kept.salts.keep(x.id, trace.salt);
    trace.isSaltKept = true;
  };
  const outcome = (x: Exchange, result: McpResult, rested?: Rested) => {
    const trace = traceOf(x);
    trace.isOver = true;
    keepSalt(x);
    return outcomeOf(x, result, trace, recorder, rested);
  };

  return {
    streams: true,
    // It adds nothing to what is sent.
    passesOn: [],
    async onRequest({ method }, x) {
      begin();
      traceOf(x);
      if (!writer.takes(method)) return unwritten(x);
      if (method !== 'subscriptions/listen') return undefined;
      return guarded(x, () => writer.write(openedOf(x, recorder), method));
    },
    async onSend(outbound, x) {
      const trace = traceOf(x);
      keepSalt(x);
      const intent = intentOf(x, outbound, trace, recorder);
      // What takes a call back is better done than written down.
      if (sentOf(outbound, x.request.method) === CANCELLED) return writer.note(intent);
      return guarded(x, () => writer.write(intent, x.request.method));
    },
    async onResult(result, x) {
      const { rest } = result;
      if (!rest) {
        const refusal = await guarded(x, () => writer.write(outcome(x, result), x.request.method));
        // Written or not by then, the entry tells of a result that its caller does not get.
        if (refusal && x.decidedBy !== host.id)
          writer.note({ type: 'withheld', req_id: x.id, code: 'AUDIT_UNAVAILABLE' });
        return refusal;
      }
      traceOf(x).isOver = true;
      void rest.done.then((end) => writer.note(outcome(x, result, end)));
      return undefined;
    },
    report: () => ({
      origin: kept.origin,
      seq: kept.log.seq,
      waiting: kept.log.waiting,
      writable: kept.log.fault === undefined,
      deliveries: kept.outlets.standings,
    }),
    onClose(x, result) {
      // What was cut off, cancelled or refused here has passed no `onResult`.
      if (!traceOf(x).isOver) writer.note(outcome(x, result));
    },
  };
}

const CANCELLED = 'notifications/cancelled';

/** @returns the refusal, where what has to be written cannot be */
async function guarded(
  x: Exchange,
  write: () => Promise<unknown> | undefined,
): Promise<McpResult | undefined> {
  try {
    await write();
    return undefined;
  } catch (error) {
    if (error instanceof LogUnavailable) return unwritten(x);
    throw error;
  }
}

const unwritten = (x: Exchange): McpResult => refuse('AUDIT_UNAVAILABLE', undefined, { requestId: x.id });

function onBreak(
  directory: string,
  { on_break }: Pick<Options['health'], 'on_break'>,
  host: PluginHost,
): (what: string) => void {
  let told: string | undefined;
  return (what) => {
    host.count('broken');
    if (what === told) return;
    told = what;
    const error = brokenError(directory, what);
    if (on_break === 'stop') host.fail(error);
    else host.log.error(error.message, { hint: error.hint });
  };
}

function notOpened(error: unknown, directory: string): never {
  if (!(error instanceof IntegrityFault)) throw error;
  const { kind, seq, message } = error;
  throw brokenError(directory, `${message} (${kind}${seq === undefined ? '' : `, entry ${seq}`})`);
}

function brokenError(directory: string, what: string): IntegrityError {
  return new IntegrityError(
    `the audit log in ${directory} is not what was written: ${what}`,
    `keep a copy of it; \`sluice audit verify ${directory}\` says what is wrong, and \`sluice audit repair ${directory}\` makes it a log that can be written again`,
  );
}

function inState(path: string, stateDir: string): string {
  return isAbsolute(path) ? path : join(stateDir, path);
}
