// What every sink and every anchor can be told.

import { duration, z } from '../../../src/plugin.ts';

/** Most entries that a sink may be behind, unless told otherwise. */
const BEHIND = 1_000_000;

const retry = z
  .strictObject({
    from: duration(
      '1s',
      { description: 'The first wait after a failure; each next one is twice as long.' },
      1,
    ),
    to: duration('1m', { description: 'The longest wait.' }, 1),
  })
  .meta({ description: 'Waits between attempts, each shortened at random by up to a half.' })
  .prefault({});

/** What a sink or anchor is called, in figures, logs and the file that says how far it is. */
const name = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'write letters, digits, dots, hyphens and underscores')
  .meta({
    description:
      'What it is called, in the log and in the file that says how far it has come. Default: its kind.',
    examples: ['siem'],
  })
  .optional();

const common = {
  name,
  timeout: duration('10s', { description: 'Longest one attempt may take.' }, 1),
  retry,
};

/** Of sinks. */
export const sinkFields = {
  ...common,
  batch: z
    .int()
    .min(1)
    .max(10_000)
    .meta({ description: 'Most entries of one message or attempt.', examples: [256] })
    .prefault(256),
  from: z
    .enum(['now', 'beginning'])
    .meta({
      description:
        'Where one begins that is new: with what is written from now on, or with the first entry of the log. A log that is new itself is sent whole.',
      examples: ['beginning'],
    })
    .prefault('now'),
  behind: z
    .int()
    .min(1)
    .meta({
      description:
        'Most entries it may be behind. What is older is left out for it, which is counted and logged.',
      examples: [BEHIND],
    })
    .prefault(BEHIND),
};

/** Of anchors. @param every how often, at the most */
export const anchorFields = (every: string) => ({
  ...common,
  every: duration(every, { description: 'Least time between two checkpoints that are sent.' }, 1),
});

/** Of anchors that know what they saw before. */
export const onBreak = z
  .enum(['log', 'stop'])
  .meta({
    description:
      'What happens when it has seen a log that this one does not continue: `stop` ends the gateway with exit code 10, `log` says and counts it.',
    examples: ['stop'],
  })
  .prefault('log');
