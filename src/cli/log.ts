// The gateway's log: pino's lines to stderr, as JSON for programs or short and coloured for people.
// Level and format change while it runs. Must not know what is logged.

import pino from 'pino';
import type { Log, LogFields } from '../core/log.ts';
import { cleanFields, cleanText, visibleJson } from './log-fields.ts';
import { humanLine } from './log-human.ts';

export type Level = 'debug' | 'info' | 'warn' | 'error';
export type Format = 'json' | 'human';

export interface Logger {
  readonly log: Log;
  readonly level: Level;
  readonly format: Format;
  setLevel(level: Level): void;
  setFormat(format: Format): void;
  /** A line that is written whatever the level: where the gateway listens, that it stops. */
  notice(message: string, fields?: LogFields): void;
}

export interface LoggerOptions {
  readonly level: Level;
  readonly format: Format;
  readonly color: boolean;
  readonly write: (line: string) => void;
  /** Takes secrets out of texts, before these are cut. */
  readonly redact?: (text: string) => string;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}

const WEIGHT: Readonly<Record<Level, number>> = { debug: 0, info: 1, warn: 2, error: 3 };

/** Makes the one log of this process. */
export function createLogger(options: LoggerOptions): Logger {
  const state = { level: options.level, format: options.format };
  const lines = pinoLines(options, state);
  const { redact = (text: string) => text } = options;
  const write = (level: Level, message: string, fields: LogFields = {}): void =>
    lines[level](cleanFields(fields, redact), cleanText(message, redact));
  const bind = (bound: LogFields): Log => {
    const at = (level: Level) => (message: string, fields?: LogFields) => {
      if (WEIGHT[level] >= WEIGHT[state.level]) write(level, message, { ...bound, ...fields });
    };
    return {
      debug: at('debug'),
      info: at('info'),
      warn: at('warn'),
      error: at('error'),
      with: (fields) => bind({ ...bound, ...fields }),
    };
  };
  return {
    log: bind({}),
    get level() {
      return state.level;
    },
    get format() {
      return state.format;
    },
    setLevel(level) {
      state.level = level;
    },
    setFormat(format) {
      state.format = format;
    },
    notice: (message, fields) => write('info', message, fields),
  };
}

function pinoLines({ write, color, now = Date.now }: LoggerOptions, state: { readonly format: Format }) {
  const settings = {
    // Levels are judged by the caller, because pino's children would keep the one they were born with.
    level: 'trace',
    base: null,
    timestamp: () => `,"time":"${new Date(now()).toISOString()}"`,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  return pino(settings, {
    write: (line: string) => write(state.format === 'json' ? visibleJson(line) : humanLine(line, color)),
  });
}
