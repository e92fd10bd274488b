// A sink that is an OpenTelemetry collector: logs over OTLP/HTTP in JSON.
// https://opentelemetry.io/docs/specs/otlp/#otlphttp · the JSON form is that of Protocol Buffers, with ids in hexadecimal.

import { z } from '../../../src/plugin.ts';
import { authorities } from '../../remote/authorities.ts';
import { remoteUrl } from '../../remote/url.ts';
import type { Outlet } from '../delivery/delivery.ts';
import { type EntryFields, fieldsOf, gravityOf, timeOf } from '../delivery/entry-fields.ts';
import { DeliveryFault } from '../delivery/fault.ts';
import { sinkFields } from '../delivery/options.ts';
import { placeOf, post, statusFault } from '../delivery/post.ts';

const headerName = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$/;

export const otlpSchema = z.strictObject({
  kind: z.literal('otlp'),
  ...sinkFields,
  url: remoteUrl('Where logs are sent, with its path.', 'https://collector.example.com/v1/logs'),
  ca: authorities.optional(),
  headers: z
    .record(
      z.string().regex(headerName),
      z.string().regex(/^[\x20-\x7e]*$/, 'must be ASCII without line breaks'),
    )
    .meta({ description: 'Headers of every request, such as a key: write a reference.', examples: [{}] })
    .prefault({}),
  attributes: z
    .record(z.string().min(1).max(128), z.string().max(1_024))
    .meta({
      description: 'Attributes of the resource, beside `service.name` and `service.instance.id`.',
      examples: [{ 'deployment.environment.name': 'production' }],
    })
    .prefault({}),
});

export type OtlpOptions = z.output<typeof otlpSchema>;

type Value = { stringValue: string } | { boolValue: boolean } | { intValue: string };
type Attribute = { key: string; value: Value };

/** SeverityNumber: INFO, INFO2, WARN. */
const SEVERITY = { info: 9, notice: 10, warning: 13 } as const;
const SEVERITY_TEXT = { info: 'INFO', notice: 'NOTICE', warning: 'WARN' } as const;

export function otlpSink(options: OtlpOptions, origin: string, now: () => number): Outlet<string> {
  const { url, headers, ca, timeout, attributes } = options;
  const resource = { 'service.name': 'sluice', 'service.instance.id': origin, ...attributes };
  return {
    kind: 'otlp',
    place: placeOf(url),
    async send(lines, signal) {
      const body = JSON.stringify(logsOf(lines, resource, now()));
      const all = { ...headers, 'content-type': 'application/json' };
      const answer = await post(url, body, { headers: all, timeout, ca, signal, now });
      if (!answer.ok) throw faultOf(url, answer, now());
      await checkWhole(url, answer);
    },
  };
}

/** Statuses that the protocol says to try again after, https://opentelemetry.io/docs/specs/otlp/#retryable-response-codes; and those that the operator can mend. */
const LATER = new Set([401, 403, 404, 429, 502, 503, 504]);

function faultOf(url: string, answer: Response, now: number): DeliveryFault {
  const fault = statusFault(url, answer, now);
  const { retryAfter } = fault.more;
  return new DeliveryFault(fault.message, fault.reason, { retryAfter, isFinal: !LATER.has(answer.status) });
}

/** A collector that took a part says how many it did not take, which must not be sent again. */
async function checkWhole(url: string, answer: Response): Promise<void> {
  const value: unknown = await answer.json().catch(() => undefined);
  const { partialSuccess } = Object(value) as { partialSuccess?: unknown };
  const rejected = Number((Object(partialSuccess) as Record<string, unknown>).rejectedLogRecords ?? 0);
  if (rejected > 0)
    throw new DeliveryFault(`${placeOf(url)} took all but ${rejected}`, 'rejected', {
      isFinal: true,
      entries: rejected,
    });
}

function logsOf(lines: readonly string[], resource: Readonly<Record<string, string>>, now: number) {
  return {
    resourceLogs: [
      {
        resource: { attributes: attributesOf(resource) },
        scopeLogs: [
          { scope: { name: 'sluice.audit' }, logRecords: lines.map((line) => recordOf(line, now)) },
        ],
      },
    ],
  };
}

function recordOf(line: string, now: number) {
  const fields = fieldsOf(line);
  const gravity = gravityOf(fields);
  return {
    timeUnixNano: nanoseconds(timeOf(fields)),
    observedTimeUnixNano: nanoseconds(now),
    severityNumber: SEVERITY[gravity],
    severityText: SEVERITY_TEXT[gravity],
    eventName: `sluice.audit.${String(fields.type)}`,
    body: { stringValue: line },
    attributes: attributesOf(fields),
  };
}

/** 64-bit numbers are texts there. */
const nanoseconds = (ms: number): string => (BigInt(Math.trunc(ms)) * 1_000_000n).toString();

function attributesOf(fields: EntryFields): Attribute[] {
  return Object.entries(fields).map(([key, value]) => ({ key, value: anyValue(value) }));
}

function anyValue(value: string | number | boolean): Value {
  if (typeof value === 'boolean') return { boolValue: value };
  return typeof value === 'number' ? { intValue: String(value) } : { stringValue: value };
}
