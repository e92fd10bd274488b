// The Mcp-* headers that mirror a request's body (SEP-2243; 2026-07-28 basic/transports/streamable-http,
// "Request Metadata"). Reads and compares values; knows nothing of HTTP messages and status codes.

import type { ParamDeclaration } from './header-params.ts';
import {
  decodeHeaderValue,
  encodeHeaderValue,
  HeaderError,
  isHeaderSafe,
  trimSpace,
} from './header-value.ts';
import type { RawObject } from './raw.ts';

export { type ParamDeclaration, paramDeclarations } from './header-params.ts';
export { decodeHeaderValue, encodeHeaderValue, HeaderError } from './header-value.ts';

/** Reads a request header by its name, in any letter case; null when it is absent. */
export type GetHeader = (name: string) => string | null;

/** The member of params which Mcp-Name mirrors; the tasks rows are SEP-2663's. */
const NAME_SOURCE: ReadonlyMap<string, 'name' | 'uri' | 'taskId'> = new Map([
  ['tools/call', 'name'],
  ['prompts/get', 'name'],
  ['resources/read', 'uri'],
  ['tasks/get', 'taskId'],
  ['tasks/update', 'taskId'],
  ['tasks/cancel', 'taskId'],
]);

/**
 * The standard headers of a request. A missing or non-string name gives no Mcp-Name.
 * @throws HeaderError for a method or name that no header can carry
 */
export function standardHeaders(method: string, params: RawObject | undefined): Record<string, string> {
  if (!isHeaderSafe(method)) throw new HeaderError('the method cannot be written as a header value');
  const headers: Record<string, string> = { 'Mcp-Method': method };
  const source = NAME_SOURCE.get(method);
  const name = source === undefined ? undefined : params?.string(source);
  if (name !== undefined) headers['Mcp-Name'] = encodeHeaderValue(name);
  return headers;
}

/**
 * The Mcp-Param-* headers of a tool call. What is absent or null has none; neither has an object or array,
 * which the tool's own validation refuses. A scalar of another type than declared is mirrored as it is: its
 * refusal, too, is the tool's.
 * @throws HeaderError for a value that no header can carry: an integer beyond ±(2^53-1), a lone surrogate
 */
export function paramHeaders(
  declarations: readonly ParamDeclaration[],
  args: RawObject | undefined,
): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const { header, path } of declarations) {
    const value = argument(path, args);
    if (value === undefined) continue;
    if (isUnsafe(value)) throw new HeaderError(`${path.join('.')} is ${UNSAFE}`);
    headers[`Mcp-Param-${header}`] = encodeHeaderValue(String(value));
  }
  return headers;
}

type Scalar = string | number | boolean;

const UNSAFE = 'a number beyond those a header may carry, ±(2^53-1)';

/** Not exact as a double, or not finite: two hops would read two numbers. */
function isUnsafe(value: Scalar): boolean {
  return typeof value === 'number' && Math.abs(value) > Number.MAX_SAFE_INTEGER;
}

/** The value at the path; undefined when there is none, or none that a header mirrors. */
function argument(path: readonly string[], args: RawObject | undefined): Scalar | undefined {
  let object = args;
  const last = path.length - 1;
  for (let i = 0; i < last; i++) object = object?.object(path[i] ?? '');
  const text = object?.raw(path[last] ?? '');
  if (text === undefined || text === 'null' || text.startsWith('{') || text.startsWith('[')) return undefined;
  const value: Scalar = JSON.parse(text);
  return value;
}

/**
 * Compares Mcp-Method and Mcp-Name with the body.
 * @returns why they disagree, for the message of a -32020; undefined when they agree
 */
export function checkStandardHeaders(
  get: GetHeader,
  method: string,
  params: RawObject | undefined,
): string | undefined {
  const stated = get('Mcp-Method');
  if (stated === null) return 'the Mcp-Method header is missing';
  if (trimSpace(stated) !== method) return disagreement('Mcp-Method', stated, method);
  const source = NAME_SOURCE.get(method);
  if (source === undefined) return undefined;
  return compare('Mcp-Name', get('Mcp-Name'), params?.string(source), `params.${source}`, false);
}

/** As `checkStandardHeaders`, for the Mcp-Param-* headers of a tool's declarations. */
export function checkParamHeaders(
  get: GetHeader,
  declarations: readonly ParamDeclaration[],
  args: RawObject | undefined,
): string | undefined {
  for (const { header, path, type } of declarations) {
    const name = `Mcp-Param-${header}`;
    const value = argument(path, args);
    const where = path.join('.');
    if (value !== undefined && isUnsafe(value)) return `${where} is ${UNSAFE}`;
    const reason = compare(name, get(name), value, where, type === 'integer');
    if (reason !== undefined) return reason;
  }
  return undefined;
}

function compare(
  header: string,
  stated: string | null,
  value: Scalar | undefined,
  source: string,
  isNumeric: boolean,
): string | undefined {
  if (stated === null) {
    return value === undefined ? undefined : `the ${header} header is missing: the body has ${source}`;
  }
  if (value === undefined) return `the ${header} header is present, but the body has no ${source}`;
  try {
    const decoded = decodeHeaderValue(stated);
    if (decoded === String(value) || (isNumeric && isNumber(decoded, value))) return undefined;
    return disagreement(header, decoded, String(value));
  } catch (error) {
    if (error instanceof HeaderError) return `the ${header} header is malformed: ${error.message}`;
    throw error;
  }
}

/** `42.0` is 42. Exact: a fraction of anything but zeros could be rounded away. */
function isNumber(text: string, value: Scalar): boolean {
  return /^-?[0-9]+(\.0+)?$/.test(text) && Number(text) === value;
}

function disagreement(header: string, stated: string, value: string): string {
  return `the ${header} header says ${shown(stated)}, but the body says ${shown(value)}`;
}

function shown(value: string): string {
  return JSON.stringify(value.length > 100 ? `${value.slice(0, 100)}…` : value);
}
